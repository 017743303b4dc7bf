"""THE ADMIN'S DOORS: workspaces, users, keys, credit, prices and limits, for admin keys alone.

They parse and render; `access` and `ledger` do the work, as they do for the command line. Nothing outside this folder
imports it but the composition root, and only when the first admin call comes: what it needs of the store is heavy.
"""
