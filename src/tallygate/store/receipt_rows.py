"""Receipts on their way into the database: for each a row of its own, and a place in the queue for the log.

Both are inserted in the transaction that posts the call, so there is no charge without a receipt. The statements stand
here for both engines; who runs them is the book.
"""

from hashlib import sha256
from typing import Any, Final, LiteralString

from msgspec import Struct

from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.genai.results import Posted
from tallygate.store.sqlite_shapes import Shapes


class ReceiptRow(Struct, frozen=True):
    """A receipt: `id` is its hold's, `body` its bytes, `entry` their SHA-256, which is what enters the log `log`.

    `seed` opens its commitments; empty where there are none.
    """

    id: str
    workspace_id: str
    sequence: int
    body: bytes
    seed: bytes
    log: str
    entry: bytes

    def __repr__(self) -> str:
        """Without the seed: a row may be printed with an error."""
        return f"ReceiptRow(id={self.id!r}, workspace_id={self.workspace_id!r}, sequence={self.sequence})"


# SQLite: each for as many rows as there are. Why OR ROLLBACK is told in `sqlite_book`.
RECEIPTS: Final = Shapes("INSERT OR ROLLBACK INTO receipts (id, workspace_id, sequence, body, seed)", 5)
ENTRIES: Final = Shapes("INSERT OR ROLLBACK INTO log_entries (id, log, entry)", 3)

# PostgreSQL: one statement for all rows, an array for each column in the order of ReceiptRow.
INSERT_RECEIPTS: LiteralString = (
    "WITH new AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bytea[], %s::bytea[],"
    " %s::text[], %s::bytea[]) WITH ORDINALITY AS new (id, workspace_id, sequence, body, seed, log, entry, place)),"
    " bodies AS (INSERT INTO receipts (id, workspace_id, sequence, body, seed)"
    " SELECT id, workspace_id, sequence, body, seed FROM new)"
    " INSERT INTO log_entries (id, log, entry) SELECT id, log, entry FROM new ORDER BY place"
)


def make_row(draft: ReceiptDraft, posted: Posted, body: bytes) -> ReceiptRow:
    """The row of a posted call's receipt."""
    hold = posted.hold
    return ReceiptRow(
        hold.id, hold.workspace_id, hold.sequence, body, draft.seed, log=draft.log, entry=sha256(body).digest()
    )


def pack_receipt(row: ReceiptRow) -> tuple[Any, ...]:
    """The values of RECEIPTS."""
    return (row.id, row.workspace_id, row.sequence, row.body, row.seed)


def pack_entry(row: ReceiptRow) -> tuple[Any, ...]:
    """The values of ENTRIES."""
    return (row.id, row.log, row.entry)


def pack_columns(row: ReceiptRow) -> tuple[Any, ...]:
    """The values of INSERT_RECEIPTS, for one row; the columns are to be packed as arrays."""
    return (row.id, row.workspace_id, row.sequence, row.body, row.seed, row.log, row.entry)
