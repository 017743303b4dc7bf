"""DOORS: what a client knocks on. Parses and renders; decides nothing. `urls.py` is the whole URL table on one screen."""
