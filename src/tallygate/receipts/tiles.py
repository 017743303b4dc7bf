"""The tree in tiles of 256 hashes, as it is stored and as it is served (https://c2sp.org/tlog-tiles).

A tile only ever grows at its end, so an older and narrower one is the beginning of what is stored, and a full one never
changes. Pure: who keeps the tiles hands in how to read them.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec import Struct

from tallygate.receipts.merkle import HASH_BYTES

HEIGHT = 8
WIDTH = 1 << HEIGHT
LEVEL_MAX = 63

ReadTile = Callable[[int, int], bytes]
"""Gives the hashes of a tile, by its level and its index there, as far as they exist; nothing where there is none."""

_NAME = re.compile(r"(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6})([0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII)


class DamagedTree(Exception):
    """A tile that has to be there is missing or too short. The text says which."""


class Grown(Struct, frozen=True):
    """A tree after leaves were added: how many it has now, and every tile that is new or wider, by level and index."""

    size: int
    tiles: dict[tuple[int, int], bytes]


class TileName(Struct, frozen=True):
    """What the address of a tile says. Level None: not hashes but the entries themselves."""

    level: int | None
    index: int
    width: int = WIDTH


def grow(size: int, read: ReadTile, leaves: Sequence[bytes]) -> Grown:
    """Add leaves (their hashes) behind the first `size`. Raises DamagedTree."""
    changed: dict[tuple[int, int], bytes] = {}
    added: Sequence[bytes] = leaves
    level = 0
    while added:
        index, width = divmod(size >> HEIGHT * level, WIDTH)
        begun = _read_begun(read, level, index, width) if width else b""
        hashes = begun + b"".join(added)
        full: list[bytes] = []
        for start in range(0, len(hashes), WIDTH * HASH_BYTES):
            tile = hashes[start : start + WIDTH * HASH_BYTES]
            changed[level, index] = tile
            index += 1
            if len(tile) == WIDTH * HASH_BYTES:
                full.append(join_hashes(tile))
        added = full
        level += 1
    return Grown(size + len(leaves), changed)


def join_hashes(hashes: bytes) -> bytes:
    """The root of a full subtree whose lowest nodes stand one behind the other: 1, 2, 4 ... 256 of them."""
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest()
                for at in range(0, len(hashes), 2 * HASH_BYTES)
            ]
        )
    return hashes


class TileNodes:
    """Every full node of the tree, from tiles. Each tile is read once and kept, so let go of it soon."""

    def __init__(self, read: ReadTile) -> None:
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """A node, as `merkle.ReadNode` gives it. Raises DamagedTree."""
        tile_level, height = divmod(level, HEIGHT)
        tile_index, offset = divmod(index << height, WIDTH)
        hashes = self._tile(tile_level, tile_index)[offset * HASH_BYTES : (offset + (1 << height)) * HASH_BYTES]
        if len(hashes) != HASH_BYTES << height:
            raise DamagedTree(
                f"tile {tile_index} of level {tile_level} has not the {offset + (1 << height)} hashes needed"
            )
        return join_hashes(hashes)

    def _tile(self, level: int, index: int) -> bytes:
        name = (level, index)
        if name not in self._tiles:
            self._tiles[name] = self._read(level, index)
        return self._tiles[name]


def write_name(name: TileName) -> str:
    """The last part of a tile's address: `0/x001/x234/067`, `entries/001.p/5`."""
    digits = str(name.index)
    digits = digits.zfill(-len(digits) // 3 * -3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    level = "entries" if name.level is None else str(name.level)
    return f"{level}/{path}" if name.width == WIDTH else f"{level}/{path}.p/{name.width}"


def read_name(path: str) -> TileName:
    """The tile that a last part of an address names. Raises ValueError for any other spelling of it."""
    match = _NAME.fullmatch(path)
    if match is None:
        raise ValueError("this is not the address of a tile")
    level, groups, last, width = match.groups()
    name = TileName(
        None if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "") + last),
        WIDTH if width is None else int(width),
    )
    if write_name(name) != path or (name.level or 0) > LEVEL_MAX or not 1 <= name.width <= WIDTH:
        raise ValueError("this is not the address of a tile")
    return name


def holds_tile(size: int, name: TileName) -> bool:
    """Whether a tree of `size` leaves has that tile, as wide as it is named."""
    return name.index * WIDTH + name.width <= size >> HEIGHT * (name.level or 0)


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """The entries of a tile of level 0, each behind its length."""
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def _read_begun(read: ReadTile, level: int, index: int, width: int) -> bytes:
    hashes = read(level, index)[: width * HASH_BYTES]
    if len(hashes) != width * HASH_BYTES:
        raise DamagedTree(f"tile {index} of level {level} has not the {width} hashes needed")
    return hashes
