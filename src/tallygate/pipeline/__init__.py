"""HALLWAY: the one walk every call takes. The only room that knows the others; a new concern first asks for its own."""
