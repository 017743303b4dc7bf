"""Tallygate: a self-hosted AI inference gateway with a balance that holds and a receipt for every call.

This file holds the version and nothing else: importing the package must cost nothing.
"""

__version__ = "0.1.0"
