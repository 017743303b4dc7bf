"""Statements of SQLite over many rows at once.

Each step of a statement lets go of the interpreter, and on a busy process waits to get it back: row by row a batch is
mostly waiting. So rows are written together, in a few shapes, each of which is compiled once.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final, LiteralString

ROWS: Final = (64, 32, 16, 8, 4, 2, 1)
"""How many rows a statement may be for. 64 rows of a hold have 1,536 values; SQLite takes 32,766
(https://www.sqlite.org/limits.html).
"""


class Shapes:
    """One statement around ``VALUES`` and rows of so many columns."""

    __slots__ = ("_texts",)

    def __init__(self, before: LiteralString, columns: int, after: LiteralString = "") -> None:
        row = "(" + "?, " * (columns - 1) + "?)"
        self._texts: list[tuple[int, LiteralString]] = [
            (size, before + " VALUES " + (row + ", ") * (size - 1) + row + after) for size in ROWS
        ]

    def spell(self, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[LiteralString, list[Any]]]:
        """The statements that write these rows in their order, each with its values."""
        begin, end = 0, len(rows)
        for size, text in self._texts:
            while end - begin >= size:
                yield text, list(chain.from_iterable(rows[begin : begin + size]))
                begin += size
