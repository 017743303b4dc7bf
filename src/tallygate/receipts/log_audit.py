"""Holds the stored log to itself: entries, every tile, every checkpoint, and the bodies that the entries stand for.

It only reads, believes nothing that it can compute, and names the place of whatever is wrong. The tree is read from
left to right, one tile at a time, so a large log takes long but no space.
"""

from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

from tallygate.receipts import checkpoint, merkle, note
from tallygate.receipts.tiles import HEIGHT, WIDTH, DamagedTree, TileNodes, join_hashes
from tallygate.store import log
from tallygate.store.driver import DriverConnection
from tallygate.store.log import Published
from tallygate.store.log_audit import list_bodies, list_checkpoints, list_entry_gaps, list_strays, snapshot

BITE = 500


class Flaw(Struct, frozen=True):
    """Something wrong with the log: where, and what."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def audit_log(connection: DriverConnection, origin: str, vkey: str) -> Iterator[Flaw]:
    """Everything that is wrong with a log whose key is `vkey`, as it is at one moment. Raises DriverError.

    A log that is not there has nothing wrong.
    """
    with snapshot(connection):
        head = log.read_head(connection, origin)
        if head is None:
            return
        yield from _audit_entries(connection, origin, head.size)
        yield from _audit_tiles(connection, origin, head.size)
        yield from _audit_checkpoints(connection, origin, vkey, head.size)
        yield from _audit_bodies(connection, origin)


def _audit_entries(connection: DriverConnection, origin: str, size: int) -> Iterator[Flaw]:
    for before, index in list_entry_gaps(connection, origin, size):
        yield Flaw(f"leaf {before + 1}", f"there is no entry up to leaf {index - 1}")
    for stray in list_strays(connection, origin, size):
        yield Flaw(f"entry {stray.id}", stray.what)


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


def _audit_checkpoints(connection: DriverConnection, origin: str, vkey: str, size: int) -> Iterator[Flaw]:
    nodes = TileNodes(lambda level, index: log.read_tile(connection, origin, level, index))
    after = -1
    while bite := list_checkpoints(connection, origin, after, BITE):
        for published in bite:
            if what := _judge(published, origin, vkey, size, nodes):
                yield Flaw(f"checkpoint {published.size}", what)
        after = bite[-1].size


def _judge(published: Published, origin: str, vkey: str, size: int, nodes: TileNodes) -> str:
    """What is wrong with a checkpoint; nothing: empty."""
    try:
        signed = note.parse(published.note)
        note.verify(signed, [vkey])
        said = checkpoint.read(signed.text)
    except ValueError as error:
        return str(error)
    if (said.origin, said.size) != (origin, published.size):
        return "it is about another tree"
    if said.size > size:
        return f"the log has only {size} entries"
    try:
        return "" if merkle.root(said.size, nodes) == said.root else "the tree has another root"
    except DamagedTree as error:
        return str(error)


def _audit_bodies(connection: DriverConnection, origin: str) -> Iterator[Flaw]:
    after = 0
    while bite := list_bodies(connection, origin, after, BITE):
        for seq, entry_id, body, entry in bite:
            if body is not None and sha256(body).digest() != entry:
                yield Flaw(f"entry {entry_id}", "its body is not what was entered in the log")
            after = seq
