"""What an operator has every call looked through for: on its way in, on its way out. Texts in, verdicts out; nothing
here knows of a socket, a database, or what becomes of a call that may not pass.
"""
