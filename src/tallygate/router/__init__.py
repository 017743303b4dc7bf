"""CHOICE: from the name a client calls to the ordered targets that may serve it, never a weaker model."""
