"""Statements that the log vouches for beside receipts: kept whole, each with its place in the queue for a leaf.

A statement is made once: who comes second with the same id changes nothing. What one says is not known here.
"""

from collections.abc import Sequence

from msgspec import Struct

from tallygate.store.driver import DriverConnection
from tallygate.store.log import transaction


class Statement(Struct, frozen=True):
    """`body` are its bytes, `entry` their SHA-256, which is what enters the log."""

    id: str
    kind: str
    body: bytes
    entry: bytes


def add_statements(connection: DriverConnection, origin: str, statements: Sequence[Statement], now_ns: int) -> int:
    """Add those that are new to a log's queue, in one transaction. Returns how many were. Raises DriverError."""
    added = 0
    with transaction(connection):
        for one in statements:
            if connection.fetch(
                "INSERT INTO log_statements (id, kind, body, at_ns) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING RETURNING id",
                (one.id, one.kind, one.body, now_ns),
            ):
                connection.fetch(
                    "INSERT INTO log_entries (id, log, entry) VALUES (?, ?, ?)", (one.id, origin, one.entry)
                )
                added += 1
    return added


def has_statement(connection: DriverConnection, statement_id: str) -> bool:
    """Whether a statement was made."""
    return bool(connection.fetch("SELECT 1 FROM log_statements WHERE id = ?", (statement_id,)))


def find_statement(connection: DriverConnection, statement_id: str) -> bytes | None:
    """A statement's bytes; None where there is none of that id."""
    found = connection.fetch("SELECT body FROM log_statements WHERE id = ?", (statement_id,))
    return found[0][0] if found else None


def read_last_recorded_price(connection: DriverConnection) -> int:
    """The number of the newest price that has a statement under its version; 0 if none has."""
    ((seq,),) = connection.fetch(
        "SELECT coalesce(max(prices.seq), 0) FROM prices JOIN log_statements ON log_statements.id = prices.version"
    )
    return seq
