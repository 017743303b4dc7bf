"""What the writer needs of an engine: load and lock the rows of a batch, save what the fold made of them, commit.

One implementation for each engine, in driver SQL. Nothing here decides anything about money or about what is tried
again; an error's class says what is known about the transaction, and that is all the writer goes by.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from tallygate.genai.book import Rows
from tallygate.genai.lockset import Lockset
from tallygate.genai.results import Folded
from tallygate.store.receipt_rows import ReceiptRow


class BookError(Exception):
    """A transaction did not come to its end. `__cause__` is the driver's error."""


class Busy(BookError):
    """Rows (on SQLite: the database) stayed locked elsewhere for as long as was waited. Nothing was committed."""


class Away(BookError):
    """The database cannot be reached any more. Raised by `commit`, the outcome is unknown; else nothing was done."""


class Full(BookError):
    """There is no space to write. Nothing was committed."""


class Walled(BookError):
    """A constraint of the database refused a row, or an id exists already. Nothing was committed."""


class Broken(BookError):
    """The disk failed to keep what was written: nothing this process remembers of the database is certain."""


class EpochEnded(BookError):
    """Another process has declared this epoch dead. Nothing was committed."""


class Loaded(Struct, frozen=True):
    """The rows of a batch that exist and are locked by us now. `locked` names those that somebody else has locked.

    A budget or a rate that is locked elsewhere is named by its id and by its owner. `transaction` is what
    `find_outcome` asks for; empty where an engine always knows.
    """

    rows: Rows
    locked: Lockset | None = None
    transaction: str = ""


class Book(Protocol):
    """One connection for the writer's thread. Every method may raise a BookError, which ends the transaction."""

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        """Begin a transaction and lock the rows named, in the order of their names.

        `wait_ms` 0: rows locked elsewhere are left out and named. Else they are waited for, and Busy is raised if that
        takes longer. `durable` False: a crash of the machine may lose this commit, a crash of the process may not.
        Raises EpochEnded where `epoch` has no live row.
        """
        ...

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        """Save every changed row, transfer and receipt once, count a heartbeat if it `beats`, and commit."""
        ...

    def rollback(self) -> None:
        """End the transaction without any change. Raises nothing: a connection that is gone has done so."""
        ...

    def find_outcome(self, transaction: str) -> bool | None:
        """Whether a transaction, of another connection, was committed; None while that is undecided."""
        ...

    def cut(self) -> None:
        """Called from another thread: make a statement that hangs fail. Raises nothing."""
        ...

    def close(self) -> None:
        """Close the connection, and with it any open transaction. Raises nothing."""
        ...
