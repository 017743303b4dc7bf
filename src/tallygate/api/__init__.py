"""DOORS: what a client knocks on. They parse and render and decide nothing; `urls.py` is the whole URL table."""
