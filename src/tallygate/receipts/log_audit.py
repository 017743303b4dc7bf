"""Holds the stored log to itself: entries, every tile, every checkpoint, the bodies that the entries stand for, and the
audit log that some of these are about.

It only reads, believes nothing that it can compute, and names the place of whatever is wrong. The tree is read from
left to right, one tile at a time, so a large log takes long but no space.
"""

from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

from tallygate.receipts import checkpoint, merkle, note
from tallygate.receipts.change_audit import audit_changes
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.flaw import Flaw
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.tiles import HEIGHT, WIDTH, DamagedTree, TileNodes, join_hashes
from tallygate.store import log
from tallygate.store.driver import DriverConnection
from tallygate.store.log import Published
from tallygate.store.log_audit import (
    KeptLog,
    count_waiting,
    list_beyond,
    list_bodies,
    list_checkpoints,
    list_entry_gaps,
    list_logs,
    list_strays,
    snapshot,
)

BITE = 500


class LogCounts(Struct):
    """How much of a log was read: its leaves, what waits for one, and its checkpoints."""

    origin: str
    size: int
    waiting: int = 0
    checkpoints: int = 0


class LogAudit:
    """One reading of every log in the database. `run` gives what is wrong as it is met; after that `logs` is complete.

    `pinned` are the keys that may have signed; without them the database is believed what it says of its keys. `mark`
    is what the high-water file holds; it has to be read before.
    """

    def __init__(self, connection: DriverConnection, pinned: KeySet | None, mark: Checkpoint | None = None) -> None:
        self.logs: list[LogCounts] = []
        self._connection = connection
        self._keys = None if pinned is None else {one.origin: one.keys[0].vkey for one in pinned.logs if one.keys}
        self._mark = mark

    def run(self) -> Iterator[Flaw]:
        """Every flaw, as the logs are at one moment. Raises DriverError."""
        with snapshot(self._connection):
            for stray in list_strays(self._connection):
                yield Flaw(f"entry {stray.id}", stray.what)
            logs = list_logs(self._connection)
            for one in logs:
                yield from self._audit(one)
            yield from audit_changes(self._connection)
            yield from self._check_mark({one.origin: one.size for one in logs})

    def _audit(self, kept: KeptLog) -> Iterator[Flaw]:
        connection, origin = self._connection, kept.origin
        counts = LogCounts(origin, kept.size, count_waiting(connection, origin))
        self.logs.append(counts)
        vkey = kept.vkey if self._keys is None else self._keys.get(origin, "")
        if vkey != kept.vkey:
            yield Flaw(f"log {origin}", f"its key, {kept.vkey}, is not the one at hand")
        yield from _audit_entries(connection, origin, kept.size)
        yield from _audit_tiles(connection, origin, kept.size)
        yield from _audit_checkpoints(connection, kept, vkey or kept.vkey, counts)
        yield from _audit_bodies(connection, origin)

    def _check_mark(self, sizes: dict[str, int]) -> Iterator[Flaw]:
        """What this machine has signed must be in the database still."""
        mark, place = self._mark, "high-water mark"
        if mark is None:
            return
        size = sizes.get(mark.origin)
        if size is None:
            yield Flaw(place, f"it is of the log {mark.origin}, which is not there")
        elif mark.size > size:
            yield Flaw(place, f"the log was signed up to {mark.size} entries and has {size}: was a backup restored?")
        elif what := _compare_root(mark, _nodes(self._connection, mark.origin)):
            yield Flaw(place, what)


def _audit_entries(connection: DriverConnection, origin: str, size: int) -> Iterator[Flaw]:
    for before, index in list_entry_gaps(connection, origin, size):
        yield Flaw(f"leaf {before + 1}", f"there is no entry up to leaf {index - 1}")
    for entry_id in list_beyond(connection, origin, size):
        yield Flaw(f"entry {entry_id}", "its leaf is beyond the tree")


def _audit_tiles(connection: DriverConnection, origin: str, size: int) -> Iterator[Flaw]:
    """Level 0 against the entries, every other level against the one below."""
    level = 0
    while (count := size >> HEIGHT * level) > 0:
        for index in range(-(-count // WIDTH)):
            width = min(WIDTH, count - index * WIDTH)
            found = log.read_tile(connection, origin, level, index)
            expected = _expect(connection, origin, level, index, width)
            if found != expected:
                yield Flaw(f"tile {index} of level {level}", _compare(found, expected, index * WIDTH))
        level += 1


def _expect(connection: DriverConnection, origin: str, level: int, index: int, width: int) -> bytes:
    if level == 0:
        entries = log.read_entries(connection, origin, index * WIDTH, width)
        return b"".join(map(merkle.leaf_hash, entries))
    below = (log.read_tile(connection, origin, level - 1, index * WIDTH + at) for at in range(width))
    return b"".join(join_hashes(tile) if len(tile) == WIDTH * merkle.HASH_BYTES else b"" for tile in below)


def _compare(found: bytes, expected: bytes, first: int) -> str:
    if len(found) != len(expected):
        return f"it has {len(found) // merkle.HASH_BYTES} hashes and should have {len(expected) // merkle.HASH_BYTES}"
    differing = next(at for at in range(len(found)) if found[at] != expected[at]) // merkle.HASH_BYTES
    return f"hash {first + differing} is not that of what it stands for"


def _audit_checkpoints(connection: DriverConnection, kept: KeptLog, vkey: str, counts: LogCounts) -> Iterator[Flaw]:
    after = -1
    while bite := list_checkpoints(connection, kept.origin, after, BITE):
        nodes = _nodes(connection, kept.origin)
        for published in bite:
            counts.checkpoints += 1
            if what := _judge(published, kept, vkey, nodes):
                yield Flaw(f"checkpoint {published.size}", what)
        after = bite[-1].size
    if kept.checkpoint_size and after < kept.checkpoint_size:
        yield Flaw(f"checkpoint {kept.checkpoint_size}", "it was published as the last one and is missing")


def _judge(published: Published, kept: KeptLog, vkey: str, nodes: TileNodes) -> str:
    """What is wrong with a checkpoint; nothing: empty."""
    try:
        signed = note.parse(published.note)
        note.verify(signed, [vkey])
        said = checkpoint.read(signed.text)
    except ValueError as error:
        return str(error)
    if (said.origin, said.size) != (kept.origin, published.size):
        return "it is about another tree"
    if said.size > kept.size:
        return f"the log has only {kept.size} entries"
    return _compare_root(said, nodes)


def _compare_root(said: Checkpoint, nodes: TileNodes) -> str:
    try:
        return "" if merkle.root(said.size, nodes) == said.root else "the tree has another root"
    except DamagedTree as error:
        return str(error)


def _nodes(connection: DriverConnection, origin: str) -> TileNodes:
    return TileNodes(lambda level, index: log.read_tile(connection, origin, level, index))


def _audit_bodies(connection: DriverConnection, origin: str) -> Iterator[Flaw]:
    after = 0
    while bite := list_bodies(connection, origin, after, BITE):
        for seq, entry_id, body, entry in bite:
            if body is not None and sha256(body).digest() != entry:
                yield Flaw(f"entry {entry_id}", "its body is not what was entered in the log")
            after = seq
