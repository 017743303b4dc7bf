"""Exit: the only room that opens outgoing sockets.

It moves bytes to providers and back and says in plain words what went wrong. No dialect, provider or retry is known
here, and nothing outside this room imports an HTTP client.
"""
