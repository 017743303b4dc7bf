"""Reads receipts for their owners, in driver SQL. Nothing is written here: see `receipt_rows`.

Every question takes a `Scope`, which is part of each statement's condition: a receipt that lies outside of it is not
found, like one that does not exist.
"""

from typing import Any, Final, LiteralString

from msgspec import Struct

from tallygate.store.driver import DriverConnection
from tallygate.store.usage import Scope

SPAN: Final = 10_000
"""How many numbers are looked through for one page. A user with few receipts in a large workspace gets short pages,
not slow ones.
"""

_SELECT: LiteralString = (
    "SELECT receipts.id, receipts.sequence, receipts.body, receipts.seed, log_entries.log, log_entries.entry,"
    " log_entries.leaf_index FROM receipts JOIN log_entries ON log_entries.id = receipts.id WHERE "
)
_OF_USER: LiteralString = " AND EXISTS (SELECT 1 FROM holds WHERE holds.id = receipts.id AND holds.user_id = ?)"


class KeptReceipt(Struct, frozen=True):
    """A receipt as it is kept. `body` None: it was erased; `seed` None or empty: its commitments cannot be opened.

    `entry` is what stands in the log for it; `leaf_index` None: it waits for its place there.
    """

    id: str
    sequence: int
    body: bytes | None
    seed: bytes | None
    log: str
    entry: bytes
    leaf_index: int | None

    def __repr__(self) -> str:
        """Without the seed."""
        return f"KeptReceipt(id={self.id!r}, sequence={self.sequence}, leaf_index={self.leaf_index})"


class ReceiptPage(Struct, frozen=True):
    """Receipts by number. All of the scope up to number `seen` are among them; `more`: the workspace has later ones."""

    receipts: tuple[KeptReceipt, ...]
    seen: int
    more: bool


def find_receipt(connection: DriverConnection, scope: Scope, receipt_id: str) -> KeptReceipt | None:
    """A receipt within the scope; None where there is none of that id."""
    where, values = _within(scope)
    found = connection.fetch(_SELECT + where + " AND receipts.id = ?", (*values, receipt_id))
    return KeptReceipt(*found[0]) if found else None


def is_awaited(connection: DriverConnection, scope: Scope, call_id: str) -> bool:
    """Whether a call of this id within the scope still runs, so that its receipt is yet to come."""
    sql: LiteralString = "SELECT 1 FROM holds WHERE id = ? AND workspace_id = ? AND state = 'open'"
    if scope.user_id is None:
        return bool(connection.fetch(sql, (call_id, scope.workspace_id)))
    return bool(connection.fetch(sql + " AND user_id = ?", (call_id, scope.workspace_id, scope.user_id)))


def list_receipts(connection: DriverConnection, scope: Scope, after_seq: int, limit: int) -> ReceiptPage:
    """At most `limit` receipts within the scope, behind a number, by that number."""
    # The newest first: numbers are given out in the order of commits, so none up to it can come later.
    ((newest,),) = connection.fetch(
        "SELECT coalesce(max(sequence), 0) FROM receipts WHERE workspace_id = ?", (scope.workspace_id,)
    )
    end = min(newest, after_seq + SPAN)
    where, values = _within(scope)
    where += " AND receipts.sequence > ? AND receipts.sequence <= ? ORDER BY receipts.sequence LIMIT ?"
    found = [KeptReceipt(*row) for row in connection.fetch(_SELECT + where, (*values, after_seq, end, limit))]
    seen = found[-1].sequence if len(found) == limit else max(after_seq, end)
    return ReceiptPage(tuple(found), seen, seen < newest)


def _within(scope: Scope) -> tuple[LiteralString, list[Any]]:
    if scope.user_id is None:
        return "receipts.workspace_id = ?", [scope.workspace_id]
    return "receipts.workspace_id = ?" + _OF_USER, [scope.workspace_id, scope.user_id]
