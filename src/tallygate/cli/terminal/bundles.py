"""Bundles of receipts as files: one in each, or one in each line of a file whose name ends with `.jsonl`.

Nothing is believed and nothing is too large: of what cannot be a bundle, no more is read than it takes to see that.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from tallygate.receipts.bundle import BUNDLE_BYTES_MAX

_READ_MAX = BUNDLE_BYTES_MAX + 2
"""A bundle, its newline, and one byte more to see that there is more."""


class Found(Struct, frozen=True):
    """A bundle's bytes and where they stand. `unread` says why there are none."""

    name: str
    data: bytes = b""
    unread: str = ""


def read_bundles(files: Iterable[Path]) -> Iterator[Found]:
    """What is in the files, in their order. A file without any line counts as one bundle, which is none."""
    for path in files:
        try:
            if path.suffix == ".jsonl":
                yield from _read_lines(path)
            else:
                with path.open("rb") as file:
                    yield Found(str(path), file.read(_READ_MAX))
        except OSError as error:
            yield Found(str(path), unread=error.strerror or "it cannot be read")


def _read_lines(path: Path) -> Iterator[Found]:
    number = 0
    with path.open("rb") as file:
        while line := file.readline(_READ_MAX):
            number += 1
            yield Found(f"{path}:{number}", line)
    if number == 0:
        yield Found(str(path))
