"""The book of whichever engine an address names. What an engine does differently stands in its own files."""

from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Book
from tallygate.store.registry import load_books


def open_book(address: DatabaseAddress) -> Book:
    """Open a connection for the writer's thread, to be used by that thread alone (but for `cut`). Raises Away."""
    return load_books(address.engine).open_book(address)
