"""The public log by its own laws: signed checkpoints, roots, and proofs that it only grew, as a stranger checks them.

Written from RFC 9162, section 2.1, and C2SP's signed-note and tlog-checkpoint, with nothing of the gateway in it. Pure.
"""

import base64
from collections.abc import Container, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EMPTY = sha256(b"").digest()


class Head(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


class BadNote(Exception):
    """Not a checkpoint that this key has signed."""


def read_head(note: bytes, vkey: str) -> Head:
    """A checkpoint that one key has signed, and nobody else. Raises BadNote."""
    name, _, rest = vkey.partition("+")
    key_id, _, key = rest.partition("+")
    text, _, signatures = note.decode().partition("\n\n")
    mark = f"\u2014 {name} "
    if not (signatures.startswith(mark) and signatures.endswith("\n") and signatures.count("\n") == 1):
        raise BadNote(f"not one signature by {name}: {note!r}")
    signature = base64.b64decode(signatures.removeprefix(mark), validate=False)
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
        public.verify(signature[4:], f"{text}\n".encode())
        origin, size, root = text.split("\n")
    except (InvalidSignature, ValueError) as error:
        raise BadNote(f"{type(error).__name__}: {note!r}") from error
    if signature[:4].hex() != key_id or origin != name:
        raise BadNote(f"not of {name} under {key_id}: {note!r}")
    return Head(origin, int(size), base64.b64decode(root))


def find_roots(entries: Iterable[bytes], sizes: Container[int]) -> dict[int, bytes]:
    """The roots of the trees of these sizes over the first so many entries."""
    roots = {0: EMPTY} if 0 in sizes else {}
    peaks: list[tuple[int, bytes]] = []
    for size, entry in enumerate(entries, 1):
        peaks.append((1, sha256(b"\x00" + entry).digest()))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (_, right), (count, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * count, _join(left, right)))
        if size in sizes:
            root = peaks[-1][1]
            for _, left in reversed(peaks[:-1]):
                root = _join(left, root)
            roots[size] = root
    return roots


def is_continued(old: Head, new: Head, path: Sequence[bytes]) -> bool:
    """Whether a path proves that the larger tree begins with the smaller (RFC 9162, section 2.1.4.2)."""
    if old.size in (0, new.size):
        return not path and (old.root == new.root if old.size else old.root == EMPTY)
    hashes = [old.root, *path] if old.size & (old.size - 1) == 0 else list(path)
    if not hashes:
        return False
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    small = large = hashes[0]
    for one in hashes[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            small, large = _join(one, small), _join(one, large)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            large = _join(large, one)
        node, last = node >> 1, last >> 1
    return (small, large, last) == (old.root, new.root, 0)


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
