"""What anybody may ask of the log: its checkpoint, tiles, and proofs. Each is a question for a connection.

Only what a published checkpoint covers is shown. A proof is checked before it is handed out: one that a stranger would
find false means that the tree in the database is damaged.
"""

from msgspec import Struct

from tallygate.receipts import checkpoint, merkle, mmr, note, tlog_proof
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.tiles import WIDTH, DamagedTree, TileName, TileNodes, holds_tile, write_bundle
from tallygate.receipts.tlog_proof import Proof
from tallygate.store import log
from tallygate.store.driver import DriverConnection
from tallygate.store.log import Published


class Consistency(Struct, frozen=True):
    """The hashes that lead from one tree to a larger one, and both roots."""

    path: tuple[bytes, ...]
    old_root: bytes
    new_root: bytes


def prove_inclusion(
    connection: DriverConnection, origin: str, leaf_index: int, size: int | None = None
) -> bytes | None:
    """The proof, as text, that a leaf is in the log, under the last checkpoint or the one of exactly `size`.

    None: no such checkpoint, or none yet that covers the leaf. Raises DamagedTree.
    """
    published = (
        log.read_last_checkpoint(connection, origin) if size is None else log.read_checkpoint(connection, origin, size)
    )
    if published is None or not 0 <= leaf_index < published.size:
        return None
    nodes = _nodes(connection, origin)
    path = merkle.inclusion_proof(leaf_index, published.size, nodes)
    (entry,) = log.read_entries(connection, origin, leaf_index, 1) or (b"",)
    root = _read_head(published).root
    if not merkle.verify_inclusion(leaf_index, published.size, merkle.leaf_hash(entry), path, root):
        raise DamagedTree(f"leaf {leaf_index} of the log {origin} is not in the tree of checkpoint {published.size}")
    return tlog_proof.write(Proof(leaf_index, tuple(path), published.note))


def prove_consistency(connection: DriverConnection, origin: str, old: int, new: int) -> Consistency | None:
    """The proof that the log of `new` entries begins with that of `old`, for any two sizes up to the last checkpoint's.

    None: there is no such pair. Raises DamagedTree.
    """
    published = log.read_last_checkpoint(connection, origin)
    if published is None or not 0 <= old <= new <= published.size:
        return None
    nodes = _nodes(connection, origin)
    proof = Consistency(
        tuple(merkle.consistency_proof(old, new, nodes)), merkle.root(old, nodes), merkle.root(new, nodes)
    )
    if not merkle.verify_consistency(old, new, proof.path, proof.old_root, proof.new_root):
        raise DamagedTree(f"the trees {old} and {new} of the log {origin} do not follow each other")
    return proof


def read_tile(connection: DriverConnection, origin: str, name: TileName) -> bytes | None:
    """A tile as it is served; None beyond the last checkpoint. Raises DamagedTree."""
    published = log.read_last_checkpoint(connection, origin)
    if published is None or not holds_tile(published.size, name):
        return None
    if name.level is None:
        entries = log.read_entries(connection, origin, name.index * WIDTH, name.width)
        found, wanted = len(entries), name.width
        data = write_bundle(entries)
    else:
        data = log.read_tile(connection, origin, name.level, name.index)[: name.width * merkle.HASH_BYTES]
        found, wanted = len(data), name.width * merkle.HASH_BYTES
    if found != wanted:
        raise DamagedTree(f"tile {name.index} of level {name.level} of the log {origin} is not whole")
    return data


def read_range(connection: DriverConnection, origin: str) -> mmr.Range:
    """The tree of the last checkpoint as a mountain range. Raises DamagedTree."""
    published = log.read_last_checkpoint(connection, origin)
    return mmr.read_range(0 if published is None else published.size, _nodes(connection, origin))


def _nodes(connection: DriverConnection, origin: str) -> TileNodes:
    return TileNodes(lambda level, index: log.read_tile(connection, origin, level, index))


def _read_head(published: Published) -> Checkpoint:
    return checkpoint.read(note.parse(published.note).text)
