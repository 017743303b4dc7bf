"""What has happened here, for whoever is to know: the audit log of administrative changes, read and handed out.

Changes write their rows themselves, in their own transactions, by functions of `store`; nothing is changed here.
"""
