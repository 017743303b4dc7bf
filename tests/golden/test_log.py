"""The log's formats beside Go's: its packages have accepted what is made here, and what they made is accepted here.

`log/main.go` is the program that did both with Go's `sumdb/note` and `sumdb/tlog`, once; its findings are data, so the
tests need no Go. The key is the one that Go's authors test with, known to everybody.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from tallygate.genai.secret import Secret
from tallygate.receipts import base64_text, checkpoint, merkle, note, tlog_proof
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.tlog_proof import Proof
from tests.receipts import trees

SIZE = 300
SIGNER = note.read_signer(Secret("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"))
ENTRIES = [b"entry %d" % number for number in range(SIZE)]
READ = trees.node_reader(ENTRIES)


class Step(Struct):
    """A proof: of an entry by its index, or of an older tree by its size."""

    path: list[str]
    index: int = 0
    old: int = 0


class Vectors(Struct):
    """Signed checkpoints by size, and proofs in the tree of 300."""

    vkey: str
    checkpoints: dict[int, str]
    inclusion: list[Step]
    consistency: list[Step]
    tlog_proof: str = ""


def read_vectors(name: str) -> Vectors:
    return msgspec.json.decode((Path(__file__).parent / "log" / name).read_bytes(), type=Vectors)


OURS, GO = read_vectors("tallygate.json"), read_vectors("go.json")


def test_go_has_made_the_same_bytes() -> None:
    assert (GO.vkey, GO.checkpoints) == (OURS.vkey, OURS.checkpoints)
    assert (GO.inclusion, GO.consistency) == (OURS.inclusion, OURS.consistency)


def test_what_go_has_accepted_is_what_is_made_here() -> None:
    assert SIGNER.verifier.vkey == OURS.vkey
    made = {size: sign(size) for size in OURS.checkpoints}
    assert made == {size: text.encode() for size, text in OURS.checkpoints.items()}
    for step in OURS.inclusion:
        assert encode(merkle.inclusion_proof(step.index, SIZE, READ)) == step.path
    for step in OURS.consistency:
        assert encode(merkle.consistency_proof(step.old, SIZE, READ)) == step.path
    path = tuple(merkle.inclusion_proof(255, SIZE, READ))
    assert tlog_proof.write(Proof(255, path, sign(SIZE))) == OURS.tlog_proof.encode()


@pytest.mark.parametrize("vectors", [GO, OURS], ids=["go", "ours"])
def test_every_vector_verifies(vectors: Vectors) -> None:
    roots = open_checkpoints(vectors.checkpoints, vectors.vkey)
    for step in vectors.inclusion:
        leaf = merkle.leaf_hash(ENTRIES[step.index])
        assert merkle.verify_inclusion(step.index, SIZE, leaf, decode(step.path), roots[SIZE])
        assert not merkle.verify_inclusion(step.index + 1, SIZE, leaf, decode(step.path), roots[SIZE])
    for step in vectors.consistency:
        assert merkle.verify_consistency(step.old, SIZE, decode(step.path), roots[step.old], roots[SIZE])


def open_checkpoints(texts: Mapping[int, str], vkey: str) -> dict[int, bytes]:
    """The roots in signed checkpoints, by size."""
    roots: dict[int, bytes] = {}
    for size, text in texts.items():
        signed = note.parse(text.encode())
        note.verify(signed, [vkey])
        said = checkpoint.read(signed.text)
        assert (said.origin, said.size) == ("PeterNeumann", size)
        roots[size] = said.root
    return roots


def sign(size: int) -> bytes:
    return SIGNER.sign(checkpoint.write(Checkpoint("PeterNeumann", size, merkle.root(size, READ))))


def encode(path: Sequence[bytes]) -> list[str]:
    return [base64_text.encode(one) for one in path]


def decode(path: Sequence[str]) -> list[bytes]:
    return [base64_text.decode(one) for one in path]
