"""Entry: who is calling and what they may do.

Credentials become a principal, permissions are asked here, and administrative operations on workspaces, users and keys
are plain functions that the command line and the admin API share. Rendering an error, reading a body and SQL are done
elsewhere.
"""
