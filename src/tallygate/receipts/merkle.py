"""The tree of the log: hashes, roots and proofs of RFC 6962 section 2.1 (RFC 9162 section 2.1), over any stored nodes.

Pure: bytes and numbers come in and go out. A node is named by its level and its index in that level; level 0 holds the
hashes of the leaves, and only nodes over full subtrees are ever asked for, so what was stored once never changes.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

ReadNode = Callable[[int, int], bytes]
"""Gives the node at a level and an index there: the root over the leaves from index * 2**level on, 2**level of them."""


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of an entry: SHA-256 over 0x00 and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node over two others: SHA-256 over 0x01 and both."""
    return sha256(b"\x01" + left + right).digest()


def root(size: int, read: ReadNode) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return bag(read_peaks(size, read)) if size else EMPTY_ROOT


def read_peaks(size: int, read: ReadNode) -> list[bytes]:
    """The roots of the full subtrees that make up a tree, the largest first: one for each bit set in its size."""
    return [read(level, index) for level, index in _cover(0, size)]


def bag(peaks: Sequence[bytes]) -> bytes:
    """One root over peaks, from the smallest to the largest. Peaks there must be."""
    bagged = peaks[-1]
    for peak in reversed(peaks[:-1]):
        bagged = node_hash(peak, bagged)
    return bagged


def inclusion_proof(index: int, size: int, read: ReadNode) -> list[bytes]:
    """The hashes that lead from a leaf to the root, the leaf's sibling first (RFC 9162 section 2.1.3.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_read_range(middle, high, read))
            high = middle
        else:
            path.append(_read_range(low, middle, read))
            low = middle
    path.reverse()
    return path


def consistency_proof(old: int, new: int, read: ReadNode) -> list[bytes]:
    """The hashes that show that a tree of `new` leaves begins with one of `old` (RFC 9162 section 2.1.4.1).

    Everything follows the empty tree and a tree follows itself: these proofs are empty. Raises ValueError unless
    0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} cannot follow one of {old}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    low, high = 0, new
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_read_range(middle, high, read))
            high = middle
        else:
            path.append(_read_range(low, middle, read))
            low = middle
    if low > 0:  # what is left is the old tree itself where it starts at 0: its root is known to who asks
        path.append(_read_range(low, high, read))
    path.reverse()
    return path


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf's hash to the root (RFC 9162 section 2.1.3.2). Raises nothing."""
    if not 0 <= index < size or not _are_hashes([leaf, *path, root]):
        return False
    position, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the proof shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2). Raises nothing."""
    if not 0 <= old <= new or not _are_hashes([*path, old_root, new_root]):
        return False
    if old in (0, new):
        # The RFC leaves the empty tree out; it has one root and every tree follows it.
        expected = EMPTY_ROOT if old == 0 else new_root
        return not path and old_root == expected and (new > 0 or new_root == EMPTY_ROOT)
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    found_old = found_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            found_old = node_hash(sibling, found_old)
            found_new = node_hash(sibling, found_new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and found_old == old_root and found_new == new_root


def _split(width: int) -> int:
    """The largest power of two below a width of at least 2."""
    return 1 << ((width - 1).bit_length() - 1)


def _cover(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The full subtrees over the leaves from `low` to `high`, from left to right.

    `low` is a multiple of every power of two that fits the range: all ranges that proofs ask for are such.
    """
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def _read_range(low: int, high: int, read: ReadNode) -> bytes:
    return bag([read(level, index) for level, index in _cover(low, high)])


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
