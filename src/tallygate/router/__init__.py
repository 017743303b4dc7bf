"""CHOICE: from the name a client calls to the ordered targets that may serve it. Never a weaker model than asked for."""
