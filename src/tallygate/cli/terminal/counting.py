"""Numbers of things in sentences, and numbers that are missing from a row of them."""

from collections.abc import Iterable, Sequence
from typing import Final

RANGES_SHOWN_MAX: Final = 12

Range = tuple[int, int]
"""The first and the last of numbers that follow each other."""


def count(number: int, noun: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show_ranges(ranges: Sequence[Range], otherwise: str = "none") -> str:
    """``3, 7 to 9``; of very many only the first."""
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in ranges[:RANGES_SHOWN_MAX]]
    if len(ranges) > RANGES_SHOWN_MAX:
        shown.append(f"and {len(ranges) - RANGES_SHOWN_MAX} more gaps")
    return ", ".join(shown) or otherwise


def find_gaps(numbers: Iterable[int], after: int) -> list[Range]:
    """What is missing between `after` and the last of some numbers in ascending order."""
    gaps: list[Range] = []
    last = after
    for number in numbers:
        if number > last + 1:
            gaps.append((last + 1, number - 1))
        last = max(last, number)
    return gaps
