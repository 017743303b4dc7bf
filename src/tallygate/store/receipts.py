"""Reads receipts for their owners, in driver SQL. Nothing is written here: see `receipt_rows`.

Whose a receipt is, is part of every question: one of another workspace is not found, like one that does not exist.
"""

from typing import LiteralString

from msgspec import Struct

from tallygate.store.driver import DriverConnection

_SELECT: LiteralString = (
    "SELECT receipts.id, receipts.sequence, receipts.body, receipts.seed, log_entries.log, log_entries.leaf_index"
    " FROM receipts JOIN log_entries ON log_entries.id = receipts.id WHERE receipts.workspace_id = ?"
)


class KeptReceipt(Struct, frozen=True):
    """A receipt as it is kept. `body` None: it was erased; `seed` None or empty: its commitments cannot be opened.

    `leaf_index` None: it waits for its place in the log.
    """

    id: str
    sequence: int
    body: bytes | None
    seed: bytes | None
    log: str
    leaf_index: int | None

    def __repr__(self) -> str:
        """Without the seed."""
        return f"KeptReceipt(id={self.id!r}, sequence={self.sequence}, leaf_index={self.leaf_index})"


def find_receipt(connection: DriverConnection, workspace_id: str, receipt_id: str) -> KeptReceipt | None:
    """A workspace's receipt; None where it has none of that id."""
    found = connection.fetch(_SELECT + " AND receipts.id = ?", (workspace_id, receipt_id))
    return KeptReceipt(*found[0]) if found else None


def list_receipts(connection: DriverConnection, workspace_id: str, after_seq: int, limit: int) -> list[KeptReceipt]:
    """A workspace's receipts behind a sequence number, by that number."""
    found = connection.fetch(
        _SELECT + " AND receipts.sequence > ? ORDER BY receipts.sequence LIMIT ?", (workspace_id, after_seq, limit)
    )
    return [KeptReceipt(*row) for row in found]
