"""Roots and proofs: equal to the recursive definitions, true for every leaf and pair of sizes, false when altered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts import merkle
from tests.receipts import trees

# The eight leaves and the roots of the trees over the first 0 to 8 of them that Certificate Transparency's reference
# implementations test themselves with.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = st.integers(1, 130)


def test_the_vectors_of_certificate_transparency() -> None:
    for size, expected in enumerate(CT_ROOTS):
        assert merkle.root(size, trees.node_reader(CT_LEAVES)).hex() == expected
        assert trees.mth(CT_LEAVES[:size]).hex() == expected


def test_the_root_is_the_recursive_definition() -> None:
    entries = trees.make_entries(300)
    read = trees.node_reader(entries)
    for size in range(301):
        assert merkle.root(size, read) == trees.mth(entries[:size])


@pytest.mark.parametrize("size", range(131))
def test_every_leaf_changes_the_root(size: int) -> None:
    entries = trees.make_entries(size)
    root = merkle.root(size, trees.node_reader(entries))
    seen = {root}
    for index in range(size):
        changed = [*entries[:index], b"another", *entries[index + 1 :]]
        seen.add(merkle.root(size, trees.node_reader(changed)))
    assert len(seen) == size + 1


def test_every_inclusion_proof_is_the_recursive_one_and_verifies() -> None:
    entries = trees.make_entries(70)
    read = trees.node_reader(entries)
    for size in range(1, 71):
        root = merkle.root(size, read)
        for index in range(size):
            path = merkle.inclusion_proof(index, size, read)
            assert path == trees.path(index, entries[:size])
            assert merkle.verify_inclusion(index, size, merkle.leaf_hash(entries[index]), path, root)


def test_every_consistency_proof_is_the_recursive_one_and_verifies() -> None:
    entries = trees.make_entries(70)
    read = trees.node_reader(entries)
    roots = [merkle.root(size, read) for size in range(71)]
    for new in range(71):
        for old in range(new + 1):
            path = merkle.consistency_proof(old, new, read)
            if old:
                assert path == trees.proof(old, entries[:new])
            assert merkle.verify_consistency(old, new, path, roots[old], roots[new])


@given(SIZES, st.data())
def test_an_altered_inclusion_proof_fails(size: int, data: st.DataObject) -> None:
    entries = trees.make_entries(size)
    read = trees.node_reader(entries)
    root = merkle.root(size, read)
    index = data.draw(st.integers(0, size - 1))
    leaf = merkle.leaf_hash(entries[index])
    path = merkle.inclusion_proof(index, size, read)
    for other in alterations(path, data):
        assert not merkle.verify_inclusion(index, size, leaf, other, root)
    for other in set(range(size + 2)) - {index}:
        assert not merkle.verify_inclusion(other, size, leaf, path, root)
    assert not merkle.verify_inclusion(index, size, flip(leaf), path, root)
    assert not merkle.verify_inclusion(index, size, leaf, path, flip(root))


@given(SIZES, st.data())
def test_an_altered_consistency_proof_fails(new: int, data: st.DataObject) -> None:
    read = trees.node_reader(trees.make_entries(new))
    old = data.draw(st.integers(0, new))
    old_root, new_root = merkle.root(old, read), merkle.root(new, read)
    path = merkle.consistency_proof(old, new, read)
    for other in alterations(path, data):
        assert not merkle.verify_consistency(old, new, other, old_root, new_root)
    assert not merkle.verify_consistency(old, new, path, flip(old_root), new_root)
    if old:  # whatever the new tree is, it follows the empty one
        assert not merkle.verify_consistency(old, new, path, old_root, flip(new_root))
    assert not merkle.verify_consistency(new + 1, new, path, old_root, new_root)


@given(st.integers(-3, 2**64), st.integers(-3, 2**64), st.lists(st.binary(min_size=31, max_size=33), max_size=70))
def test_hostile_proofs_are_answered(index: int, size: int, path: list[bytes]) -> None:
    root = bytes(32)
    assert not merkle.verify_inclusion(index, size, root, path, root) or (size == 1 and not path)
    accepted = merkle.verify_consistency(index, size, path, root, root)
    assert not accepted or (index == size > 0 and not path)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    read = trees.node_reader(trees.make_entries(4))
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_proof(index, size, read)
    with pytest.raises(ValueError, match="cannot follow"):
        merkle.consistency_proof(4, 3, read)


def alterations(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with something flipped, dropped, doubled, added or exchanged."""
    found = [[*path, bytes(32)], [bytes(32), *path]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        found.append([*path[:at], flip(path[at]), *path[at + 1 :]])
        found.append([*path[:at], *path[at + 1 :]])
        found.append([*path[: at + 1], *path[at:]])
        found.append([*path[:at], path[at][:31], *path[at + 1 :]])
    if len(path) > 1:
        found.append(path[::-1])
    return found


def flip(value: bytes) -> bytes:
    """The same bytes with one bit changed."""
    return bytes([value[0] ^ 1]) + value[1:]
