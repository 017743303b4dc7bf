"""Which files of this room speak to which engine: the one place of the room that imports by name.

A gateway on SQLite never loads psycopg, whose library costs a warm start more than everything else in this room, and
runs where it is not installed.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, LiteralString, Protocol, cast

from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.book import Book

Value = str | int | bytes | None | list[bytes]
Row = tuple[Any, ...]


class Driver(Protocol):
    """A file `<engine>_driver.py`: connections of the engine's own kind, in autocommit."""

    ERROR: type[Exception]
    """What every error of the engine's package is."""

    def connect(self, address: DatabaseAddress) -> Any:
        """Open a connection. Raises DatabaseUnusable."""
        ...

    def fetch(self, connection: Any, sql: LiteralString, values: Sequence[Value]) -> list[Row]:
        """Run one statement with `?` for values and give all its rows."""
        ...

    def cut(self, connection: Any) -> None:
        """Called from another thread: make a statement that hangs fail. Raises nothing."""
        ...


class Books(Protocol):
    """A file `<engine>_book.py`."""

    def open_book(self, address: DatabaseAddress) -> Book:
        """Open a connection for the writer. Raises Away."""
        ...


def load_driver(engine: Engine) -> Driver:
    """The engine's driver file."""
    return cast(Driver, import_module(f"tallygate.store.{engine.value}_driver"))


def load_books(engine: Engine) -> Books:
    """The engine's file for the writer."""
    return cast(Books, import_module(f"tallygate.store.{engine.value}_book"))
