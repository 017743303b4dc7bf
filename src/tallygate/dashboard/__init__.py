"""The pages under `/dashboard`: rendered here, on the server, from what `access`, `ledger`, `receipts` and `store` say.

They decide nothing that the admin API does not decide, too, and work without JavaScript but for the plot. What is heavy
(templates, passwords) lies behind `window`, which is imported by the first who asks for a page.
"""
