"""Wire formats, one sans-I/O codec each, used at both ends of the house. `registry.py` lists them."""
