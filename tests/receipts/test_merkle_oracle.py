"""The tree as somebody else has written it: roots and paths of another implementation are ours, and it accepts them."""

from typing import Any, cast

import pymerkle
import pytest

from tallygate.receipts import merkle
from tests.receipts import trees

SIZE_MAX = 130
ENTRIES = trees.make_entries(SIZE_MAX)
READ = trees.node_reader(ENTRIES)


@pytest.fixture(scope="module")
def other() -> Any:
    """Their tree of the same entries. It has no types."""
    tree = cast("Any", pymerkle.InmemoryTree)()
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def test_roots_are_the_same(other: Any) -> None:
    for size in range(SIZE_MAX + 1):
        assert merkle.root(size, READ) == other.get_root(size)


def test_paths_are_the_same_and_accepted(other: Any) -> None:
    for size in range(1, SIZE_MAX + 1):
        root = merkle.root(size, READ)
        for index in range(size):
            path = merkle.inclusion_proof(index, size, READ)
            proof = other.prove_inclusion(index + 1, size)
            leaf = merkle.leaf_hash(ENTRIES[index])
            assert proof.path == [leaf, *path]
            cast("Any", pymerkle).verify_inclusion(leaf, root, proof, index=index + 1, size=size)
            assert merkle.verify_inclusion(index, size, leaf, proof.path[1:], root)


def test_growth_that_they_prove_is_growth_between_our_roots(other: Any) -> None:
    """Their proof brings the peaks of the old tree, ours what RFC 9162 says: they cannot be compared."""
    for new in range(1, SIZE_MAX + 1):
        for old in range(1, new + 1):
            old_root, new_root = merkle.root(old, READ), merkle.root(new, READ)
            proof = other.prove_consistency(old, new)
            cast("Any", pymerkle).verify_consistency(old_root, new_root, proof, prior_size=old, later_size=new)
            assert merkle.verify_consistency(old, new, merkle.consistency_proof(old, new, READ), old_root, new_root)
