"""The same tree seen as a mountain range: the peaks over the log's leaves, and one root bagged from them.

A view and nothing more: bagged from the smallest to the largest, the peaks give the very root of RFC 6962 that
checkpoints sign. It is not the format of drafts that hash positions into nodes.
"""

from msgspec import Struct

from tallygate.receipts import merkle


class Range(Struct, frozen=True):
    """The peaks of a tree of `size` leaves, the largest first, and their root."""

    size: int
    peaks: tuple[bytes, ...]
    root: bytes


def read_range(size: int, read: merkle.ReadNode) -> Range:
    """The range of the first `size` leaves; without leaves there are no peaks, and the root is that of nothing."""
    peaks = tuple(merkle.read_peaks(size, read))
    return Range(size, peaks, merkle.bag(peaks) if peaks else merkle.EMPTY_ROOT)
