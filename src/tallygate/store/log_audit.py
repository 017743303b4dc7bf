"""Reads the log for who audits it, in driver SQL and in bites. Only what a query says by itself is judged here."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import LiteralString

from msgspec import Struct

from tallygate.genai.audit_row import AuditRow
from tallygate.store.address import Engine
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.log import Published

_GAPS: LiteralString = (
    "SELECT before, leaf_index FROM (SELECT leaf_index, lag(leaf_index, 1, CAST(-1 AS bigint))"
    " OVER (ORDER BY leaf_index) AS before FROM log_entries WHERE log = ? AND leaf_index IS NOT NULL) AS leaves"
    " WHERE leaf_index <> before + 1 ORDER BY leaf_index"
)
_BODIES: LiteralString = (
    "SELECT log_entries.seq, log_entries.id, coalesce(receipts.body, log_statements.body), log_entries.entry"
    " FROM log_entries LEFT JOIN receipts ON receipts.id = log_entries.id"
    " LEFT JOIN log_statements ON log_statements.id = log_entries.id"
    " WHERE log_entries.log = ? AND log_entries.seq > ? ORDER BY log_entries.seq LIMIT ?"
)
_RECEIPTS_ALONE: LiteralString = (
    "SELECT receipts.id FROM receipts LEFT JOIN log_entries ON log_entries.id = receipts.id"
    " WHERE log_entries.id IS NULL ORDER BY receipts.id"
)
_STATEMENTS_ALONE: LiteralString = (
    "SELECT log_statements.id FROM log_statements LEFT JOIN log_entries ON log_entries.id = log_statements.id"
    " WHERE log_entries.id IS NULL ORDER BY log_statements.id"
)
_ENTRIES_ALONE: LiteralString = (
    "SELECT log_entries.id FROM log_entries LEFT JOIN receipts ON receipts.id = log_entries.id"
    " LEFT JOIN log_statements ON log_statements.id = log_entries.id"
    " WHERE receipts.id IS NULL AND log_statements.id IS NULL ORDER BY log_entries.id"
)
_ENTRIES_ASTRAY: LiteralString = (
    "SELECT log_entries.id FROM log_entries LEFT JOIN logs ON logs.origin = log_entries.log"
    " WHERE logs.origin IS NULL ORDER BY log_entries.id"
)
_ALONE: tuple[tuple[LiteralString, str], ...] = (
    (_RECEIPTS_ALONE, "a receipt that has no place in any log"),
    (_STATEMENTS_ALONE, "a statement that has no place in any log"),
    (_ENTRIES_ALONE, "an entry of which there is neither a receipt nor a statement"),
    (_ENTRIES_ASTRAY, "an entry of a log that is not there"),
)

_CHANGES: LiteralString = (
    "SELECT audit_log.seq, audit_log.at_ns, audit_log.actor, audit_log.action, audit_log.workspace_id,"
    " audit_log.object_id, audit_log.detail, log_statements.body FROM audit_log"
    " LEFT JOIN log_statements ON log_statements.id = 'audit_' || audit_log.seq"
    " WHERE audit_log.seq > ? ORDER BY audit_log.seq LIMIT ?"
)
_CHANGES_LOST: LiteralString = (
    "SELECT id FROM log_statements WHERE kind = 'audit' AND NOT EXISTS (SELECT 1 FROM audit_log"
    " WHERE seq = CASE WHEN kind = 'audit' THEN CAST(substr(id, 7) AS bigint) END) ORDER BY id"
)


class Stray(Struct, frozen=True):
    """A row that is alone, or out of place."""

    id: str
    what: str


class KeptLog(Struct, frozen=True):
    """A log as its row has it: its key, how large its tree is, and up to where the last checkpoint goes."""

    origin: str
    vkey: str
    status: str
    size: int
    checkpoint_size: int


@contextmanager
def snapshot(connection: DriverConnection) -> Generator[None]:
    """One moment, however long the block takes and whoever writes meanwhile. Raises DriverError."""
    connection.fetch(
        "BEGIN" if connection.engine is Engine.SQLITE else "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    )
    try:
        yield
    finally:
        with suppress(DriverError):
            connection.fetch("ROLLBACK")


def list_logs(connection: DriverConnection) -> list[KeptLog]:
    """Every log, the oldest first."""
    found = connection.fetch(
        "SELECT origin, vkey, status, size, checkpoint_size FROM logs ORDER BY created_at_ns, origin"
    )
    return [KeptLog(*row) for row in found]


def count_waiting(connection: DriverConnection, origin: str) -> int:
    """How many entries have no leaf yet."""
    ((count,),) = connection.fetch("SELECT count(*) FROM log_entries WHERE log = ? AND leaf_index IS NULL", (origin,))
    return count


def list_entry_gaps(connection: DriverConnection, origin: str, size: int) -> list[tuple[int, int]]:
    """Pairs of leaves with nothing between them that should follow each other; -1 and `size` stand for the ends."""
    gaps: list[tuple[int, int]] = [(before, index) for before, index in connection.fetch(_GAPS, (origin,))]
    ((last,),) = connection.fetch("SELECT coalesce(max(leaf_index), -1) FROM log_entries WHERE log = ?", (origin,))
    return [*gaps, (last, size)] if last < size - 1 else gaps


def list_strays(connection: DriverConnection) -> list[Stray]:
    """Receipts and statements without an entry, entries without either, and entries without a log."""
    return [Stray(row[0], what) for sql, what in _ALONE for row in connection.fetch(sql)]


def list_beyond(connection: DriverConnection, origin: str, size: int) -> list[str]:
    """The ids of entries whose leaf is beyond the tree."""
    return [
        row[0]
        for row in connection.fetch("SELECT id FROM log_entries WHERE log = ? AND leaf_index >= ?", (origin, size))
    ]


def list_checkpoints(connection: DriverConnection, origin: str, after_size: int, limit: int) -> list[Published]:
    """The next checkpoints, by size."""
    found = connection.fetch(
        "SELECT size, note, at_ns FROM log_checkpoints WHERE log = ? AND size > ? ORDER BY size LIMIT ?",
        (origin, after_size, limit),
    )
    return [Published(*row) for row in found]


def list_bodies(
    connection: DriverConnection, origin: str, after_seq: int, limit: int
) -> list[tuple[int, str, bytes | None, bytes]]:
    """The next entries by number: number, id, the body it stands for (None: erased or gone), entry."""
    found = connection.fetch(_BODIES, (origin, after_seq, limit))
    return [(seq, entry_id, body, entry) for seq, entry_id, body, entry in found]


def list_changes(connection: DriverConnection, after_seq: int, limit: int) -> list[tuple[AuditRow, bytes | None]]:
    """The next rows of the audit log, each with the body that was entered for it; None: there is none."""
    found = connection.fetch(_CHANGES, (after_seq, limit))
    return [(AuditRow(*row[:-1]), row[-1]) for row in found]


def list_lost_changes(connection: DriverConnection) -> list[str]:
    """The statements about rows of the audit log that are not there."""
    return [row[0] for row in connection.fetch(_CHANGES_LOST)]


def read_last_signed_ns(connection: DriverConnection) -> int:
    """When the last checkpoint of any log was published; 0 if none was."""
    ((at_ns,),) = connection.fetch("SELECT coalesce(max(at_ns), 0) FROM log_checkpoints")
    return at_ns
