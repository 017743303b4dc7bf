"""The doors through which a workspace looks after itself: its keys, its users, their limits.

Each is bound to the workspace of the key that asks, which no request can name: what is another workspace's is as
unknown here as what never was. What is done lies in `access`; nothing is decided here.
"""
