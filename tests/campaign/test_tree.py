"""The stranger's own reckoning is held to the definitions, before it judges anybody."""

import itertools

import pytest

from tests.campaign.tree import BadNote, Head, find_roots, is_continued, read_head
from tests.receipts import making, trees

SIZES = range(41)
ENTRIES = trees.make_entries(max(SIZES))
HEADS = [Head("log", size, trees.mth(ENTRIES[:size])) for size in SIZES]


def test_roots_are_those_of_the_definition() -> None:
    assert find_roots(ENTRIES, SIZES) == {head.size: head.root for head in HEADS}


def test_a_proof_holds_for_its_own_trees_and_no_others() -> None:
    for old, new in itertools.combinations_with_replacement(HEADS, 2):
        path = trees.proof(old.size, ENTRIES[: new.size]) if old.size else []
        assert is_continued(old, new, path), (old.size, new.size)
        assert not is_continued(old._replace(root=b"\1" * 32), new, path)
        assert not is_continued(old, new, [*path, bytes(32)])
        if old.size != new.size and old.size:
            assert not is_continued(old, new._replace(root=b"\1" * 32), path)
            assert not is_continued(old, new, path[:-1])


def test_a_checkpoint_is_read_under_its_key_alone() -> None:
    head = making.head_of(ENTRIES[:7])
    note, vkey = making.sign(head), making.SIGNER.verifier.vkey
    assert read_head(note, vkey) == Head(making.LOG, 7, trees.mth(ENTRIES[:7]))
    for spoilt in (note.replace(b"\n7\n", b"\n8\n"), note + note[-10:], note.partition(b"\n\n")[0], note[:-1]):
        with pytest.raises(BadNote):
            read_head(spoilt, vkey)
    with pytest.raises(BadNote):
        read_head(note, vkey[:-8] + "AAAAAAA=")
