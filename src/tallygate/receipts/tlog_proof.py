"""Proofs that an entry is in a log, complete in one text for who has only the log's key (https://c2sp.org/tlog-proof).

Text only: `merkle` checks the path, `note` the signature, `checkpoint` reads the tree's head.
"""

from msgspec import Struct

from tallygate.receipts import base64_text, merkle, note
from tallygate.receipts.decimal_text import read_number

HEADER = "c2sp.org/tlog-proof@v1"
PATH_LENGTH_MAX = 63
"""A tree of 2**63 leaves has no longer paths."""

PROOF_BYTES_MAX = note.NOTE_BYTES_MAX + 65_536

_EXTRA = "extra "
_INDEX = "index "


class BadProof(ValueError):
    """This is not the text of a proof. The message says why."""


class Proof(Struct, frozen=True):
    """Where an entry stands, the path from its leaf to the root, and the signed checkpoint, whole as it was published.

    `extra` is what an application adds; nothing vouches for it.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def write(proof: Proof) -> bytes:
    """The text of a proof, in UTF-8."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(_EXTRA + base64_text.encode(proof.extra))
    lines.append(f"{_INDEX}{proof.index}")
    lines.extend(map(base64_text.encode, proof.path))
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + proof.checkpoint


def read(data: bytes) -> Proof:
    """Take a proof apart without believing it; the checkpoint is not looked into. Raises BadProof."""
    if len(data) > PROOF_BYTES_MAX:
        raise BadProof("a proof is too long")
    # A note has empty lines of its own: the first one ends the proof's part.
    head, _, checkpoint = data.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise BadProof("the lines of a proof are ASCII") from error
    if not checkpoint or header != HEADER:
        raise BadProof(f"a proof begins with {HEADER} and ends with a checkpoint")
    try:
        extra = base64_text.decode(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
        if not lines or not lines[0].startswith(_INDEX):
            raise BadProof("a proof says the index of its entry")
        index = read_number(lines.pop(0).removeprefix(_INDEX))
        path = tuple(map(base64_text.decode, lines))
    except BadProof:
        raise
    except ValueError as error:
        raise BadProof("a proof has a decimal index and hashes in base64") from error
    if len(path) > PATH_LENGTH_MAX or any(len(hash_) != merkle.HASH_BYTES for hash_ in path):
        raise BadProof("the path of a proof has at most 63 hashes of 32 bytes")
    return Proof(index, path, checkpoint, extra)
