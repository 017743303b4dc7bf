"""Proof: what is said of each call, the log that holds it, and how a stranger verifies both.

Receipts are RFC 8785 JSON, the log is the tree of RFC 6962 and RFC 9162, and what is published has C2SP's formats. No
money is moved here and no provider is known.
"""
