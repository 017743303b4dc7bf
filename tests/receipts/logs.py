"""A log for tests: its keys, receipts to put into it, and a stranger who judges what was published.

The judge knows only the entries and the checkpoints, and the tree by its definition.
"""

import secrets
from collections.abc import Sequence
from hashlib import sha256

from tallygate.genai.secret import Secret
from tallygate.receipts import checkpoint, note
from tallygate.receipts.key_file import LogKeys, make_key_file, read_key_file
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection
from tallygate.store.postgresql_array import pack_array
from tallygate.store.receipt_rows import (
    ENTRIES,
    INSERT_RECEIPTS,
    RECEIPTS,
    ReceiptRow,
    pack_columns,
    pack_entry,
    pack_receipt,
)
from tests.receipts import trees

SECOND_NS = 1_000_000_000


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now_ns: int = 1_800_000_000 * SECOND_NS) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND_NS)


def make_keys(origin: str = "example.com/log") -> LogKeys:
    """Keys that are valid whenever the tests run."""
    return read_key_file(Secret(make_key_file(0, origin=origin)))


def make_receipts(count: int, origin: str = "example.com/log", first: int = 1) -> list[ReceiptRow]:
    """Receipts of one workspace."""
    rows: list[ReceiptRow] = []
    for number in range(first, first + count):
        body = b'{"receipt":%d}' % number
        row_id = f"call_{number:08d}_{secrets.token_hex(4)}"
        rows.append(ReceiptRow(row_id, "ws_1", number, body, bytes(32), origin, sha256(body).digest()))
    return rows


def insert(connection: DriverConnection, rows: Sequence[ReceiptRow]) -> None:
    """Insert receipts with the statements of the book."""
    if connection.engine is Engine.POSTGRESQL:
        columns = zip(*map(pack_columns, rows), strict=True)
        connection.fetch(INSERT_RECEIPTS, [pack_array(column) for column in columns])
        return
    for row in rows:
        for shapes, pack in ((RECEIPTS, pack_receipt), (ENTRIES, pack_entry)):
            for sql, values in shapes.spell([pack(row)]):
                connection.fetch(sql, values)


def add_receipts(address: DatabaseAddress, count: int) -> None:
    """Settle some calls: their receipts wait for the log."""
    connection = DriverConnection(address)
    try:
        connection.fetch("BEGIN IMMEDIATE" if connection.engine is Engine.SQLITE else "BEGIN")
        ((settled,),) = connection.fetch("SELECT count(*) FROM receipts")
        insert(connection, make_receipts(count, first=settled + 1))
        connection.fetch("COMMIT")
    finally:
        connection.close()


def end_life(address: DatabaseAddress, epoch: str) -> None:
    """What recovery does with a process that gives no sign of life."""
    connection = DriverConnection(address)
    try:
        connection.fetch("UPDATE epochs SET ended_at_ns = 1 WHERE epoch = ?", (epoch,))
    finally:
        connection.close()


def read_entries(address: DatabaseAddress) -> list[bytes]:
    """What the log holds, leaf by leaf; the numbers of the leaves run from 0 without a gap."""
    connection = DriverConnection(address)
    try:
        found = connection.fetch(
            "SELECT leaf_index, entry FROM log_entries WHERE leaf_index IS NOT NULL ORDER BY leaf_index"
        )
    finally:
        connection.close()
    assert [index for index, _ in found] == list(range(len(found)))
    return [entry for _, entry in found]


def read_published(address: DatabaseAddress) -> list[bytes]:
    """Every checkpoint published, from the smallest on."""
    connection = DriverConnection(address)
    try:
        return [text for (text,) in connection.fetch("SELECT note FROM log_checkpoints ORDER BY size")]
    finally:
        connection.close()


def judge(signed: Sequence[bytes], entries: Sequence[bytes], vkey: str) -> list[int]:
    """Hold checkpoints to the entries that came to be in the log. Returns their sizes."""
    sizes: list[int] = []
    for one in signed:
        parsed = note.parse(one)
        note.verify(parsed, [vkey])
        said = checkpoint.read(parsed.text)
        assert said.size <= len(entries), "entries that were signed for are gone"
        assert said.root == trees.mth(entries[: said.size]), f"the tree of {said.size} is not the one that was signed"
        sizes.append(said.size)
    return sizes
