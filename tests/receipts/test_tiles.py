"""Tiles: the tree grown in any steps is the same tree, every node is found in it, and addresses have one spelling."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.receipts import merkle, tiles
from tallygate.receipts.tiles import DamagedTree, TileName, TileNodes
from tests.receipts import trees

Stored = dict[tuple[int, int], bytes]


def reader(stored: Stored) -> tiles.ReadTile:
    return lambda level, index: stored.get((level, index), b"")


def grow(steps: list[int]) -> tuple[list[bytes], Stored]:
    """A tree grown in steps, and its leaves."""
    leaves = [merkle.leaf_hash(entry) for entry in trees.make_entries(sum(steps))]
    stored: Stored = {}
    size = 0
    for step in steps:
        grown = tiles.grow(size, reader(stored), leaves[size : size + step])
        for name, hashes in grown.tiles.items():
            assert hashes.startswith(stored.get(name, b""))  # a tile grows at its end and never changes
            stored[name] = hashes
        size = grown.size
    return leaves, stored


@given(st.lists(st.sampled_from([0, 1, 2, 3, 7, 100, 255, 256, 257, 512, 700]), max_size=6))
def test_the_steps_do_not_matter(steps: list[int]) -> None:
    leaves, stored = grow(steps)
    _, at_once = grow([len(leaves)])
    assert stored == at_once
    entries = trees.make_entries(len(leaves))
    assert merkle.root(len(leaves), TileNodes(reader(stored))) == trees.mth(entries)


def test_every_root_and_proof_is_found_in_the_tiles() -> None:
    entries = trees.make_entries(600)
    _, stored = grow([600])
    nodes, plain = TileNodes(reader(stored)), trees.node_reader(entries)
    for size in (0, 1, 255, 256, 257, 511, 512, 599, 600):
        assert merkle.root(size, nodes) == merkle.root(size, plain)
        for other in (1, 200, 256, 300, size):
            if 0 < other <= size:
                assert merkle.consistency_proof(other, size, nodes) == merkle.consistency_proof(other, size, plain)
                assert merkle.inclusion_proof(other - 1, size, nodes) == merkle.inclusion_proof(other - 1, size, plain)


def test_the_tiles_of_the_specification_s_example() -> None:
    # 70,000 leaves: 273 full tiles and one of 112; one full and one of 17; one of 1.
    stored: Stored = {}
    leaf = merkle.leaf_hash(b"")
    stored.update(tiles.grow(0, reader(stored), [leaf] * 70_000).tiles)
    widths = {name: len(hashes) // 32 for name, hashes in stored.items()}
    assert sum(1 for (level, _), width in widths.items() if level == 0 and width == 256) == 273
    assert (widths[0, 273], widths[1, 0], widths[1, 1], widths[2, 0]) == (112, 256, 17, 1)
    assert len(widths) == 277
    assert all(tiles.holds_tile(70_000, TileName(level, index, width)) for (level, index), width in widths.items())
    assert not tiles.holds_tile(70_000, TileName(0, 273, 113))
    assert not tiles.holds_tile(70_000, TileName(1, 1))
    assert tiles.holds_tile(70_000, TileName(None, 273, 112))


def test_a_full_tile_stands_above_as_one_hash() -> None:
    _, stored = grow([256])
    assert stored[1, 0] == trees.mth(trees.make_entries(256))


def test_a_missing_tile_is_named() -> None:
    _, stored = grow([300])
    del stored[0, 1]
    with pytest.raises(DamagedTree, match="tile 1 of level 0"):
        merkle.root(300, TileNodes(reader(stored)))
    with pytest.raises(DamagedTree, match="tile 1 of level 0"):
        tiles.grow(300, reader(stored), [bytes(32)])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TileName(0, 0), "0/000"),
        (TileName(1, 5, 17), "1/005.p/17"),
        (TileName(0, 999), "0/999"),
        (TileName(0, 1000), "0/x001/000"),
        (TileName(0, 1234067), "0/x001/x234/067"),
        (TileName(None, 1234067, 1), "entries/x001/x234/067.p/1"),
        (TileName(63, 0, 255), "63/000.p/255"),
    ],
)
def test_addresses(name: TileName, path: str) -> None:
    assert tiles.write_name(name) == path
    assert tiles.read_name(path) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "64/000",
        "-1/000",
        "0/x000/001",
        "0/001/002",
        "0/x001",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/",
        "0/000/",
        "/0/000",
        "entries",
        "0/٣٣٣",
        "0/../000",
        "0/" + "x001/" * 7 + "000",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="tile"):
        tiles.read_name(path)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**20 - 1), st.integers(1, 256))
def test_an_address_that_is_written_is_read(level: int | None, index: int, width: int) -> None:
    name = TileName(level, index, width)
    assert tiles.read_name(tiles.write_name(name)) == name


def test_a_bundle_has_the_entries_behind_their_lengths() -> None:
    entry = sha256(b"").digest()
    assert tiles.write_bundle([entry, b"ab"]) == b"\x00\x20" + entry + b"\x00\x02ab"
