"""Statements that the log vouches for beside receipts: kept whole, each with its place in the queue for a leaf.

A statement is made once: who comes second with the same id changes nothing. What one says is not known here.
"""

import secrets
from collections.abc import Sequence
from typing import LiteralString

from msgspec import Struct

from tallygate.genai.audit_row import AuditRow
from tallygate.store.driver import DriverConnection
from tallygate.store.log import transaction

# The number of a statement about a row of the audit log stands behind `audit_`.
_UNRECORDED: LiteralString = (
    "SELECT seq, at_ns, actor, action, workspace_id, object_id, detail FROM audit_log WHERE seq <"
    " (SELECT coalesce(min(CASE WHEN kind = 'audit' THEN CAST(substr(id, 7) AS bigint) END), 9223372036854775807)"
    " FROM log_statements) ORDER BY seq DESC LIMIT ?"
)


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


def find_statement(connection: DriverConnection, kind: str, statement_id: str) -> bytes | None:
    """A statement's bytes; None where there is none of that id, or it is of another kind: not all are for everybody."""
    found = connection.fetch("SELECT body FROM log_statements WHERE kind = ? AND id = ?", (kind, statement_id))
    return found[0][0] if found else None


def read_last_recorded_price(connection: DriverConnection) -> int:
    """The number of the newest price that has a statement under its version; 0 if none has."""
    ((seq,),) = connection.fetch(
        "SELECT coalesce(max(prices.seq), 0) FROM prices JOIN log_statements ON log_statements.id = prices.version"
    )
    return seq


def make_salt() -> str:
    """What keeps a body from being guessed by its digest: 128 random bits in hexadecimal."""
    return secrets.token_hex(16)


def read_unrecorded_changes(connection: DriverConnection, limit: int) -> list[AuditRow]:
    """Rows of the audit log from before there was a log, the newest first. Later ones are entered as they are written,
    and one that is not was put there by somebody else: it is for the audit to find.
    """
    return [AuditRow(*row) for row in connection.fetch(_UNRECORDED, (limit,))]
