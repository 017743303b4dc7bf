"""Objects: finished answers and media, kept as sealed or plain bytes under names of ours.

Knows no caller, no money and no database; who may have an object is decided above.
"""
