"""The tree by the words of RFC 6962 section 2.1, recursive and slow, and a store of nodes for tests.

Written from the definitions alone and independent of the module it judges: a second opinion, and the one oracle here.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH of section 2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF of section 2.1.2."""
    return subproof(m, entries, is_old_tree=True)


def subproof(m: int, entries: Sequence[bytes], *, is_old_tree: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if m == len(entries):
        return [] if is_old_tree else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], is_old_tree=is_old_tree), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], is_old_tree=False), mth(entries[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def make_entries(count: int) -> list[bytes]:
    """Entries that are all different."""
    return [sha256(b"entry %d" % number).digest() for number in range(count)]


def node_reader(entries: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """Every full node over the entries, and nothing that is not full."""
    levels = [[sha256(b"\x00" + entry).digest() for entry in entries]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([sha256(b"\x01" + below[i] + below[i + 1]).digest() for i in range(0, len(below) - 1, 2)])
    return lambda level, index: levels[level][index]
