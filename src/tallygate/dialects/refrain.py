"""What repeats from event to event of one stream: most differ from the one before in one string, the words.

An event that begins and ends with the same bytes as one that was read whole, and has one JSON string between them, has
the same members with the same values but for that string (RFC 8259). Whoever learns a refrain proves it by reading a
probe in the string's place, and must read everything else as ever. Pure.
"""

import re
from typing import Final

import msgspec

RAW_BYTES_MAX: Final = 64 * 1024
"""Longer events are read as ever: what is sound about their size is known elsewhere."""

PROBE: Final = "\N{LATIN SMALL LETTER SHARP S}probe"

_decode = msgspec.json.Decoder(str).decode


class Refrain:
    """All of an event but the inside of one string."""

    __slots__ = ("_around_bytes", "_from", "_head", "_tail", "_to")

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        """`start` and `end` bound the string without its quotes."""
        self._head, self._tail = raw[:start], raw[end:]
        self._around_bytes = len(self._head) + len(self._tail)
        self._from, self._to = start - 1, 1 - len(self._tail)

    def fill(self, text: str) -> bytes:
        """The event with another string, of letters that JSON need not escape."""
        return self._head + text.encode() + self._tail

    def find(self, raw: bytes) -> str | None:
        """The string of a whole event; None if it is not like the first in all else."""
        if raw.startswith(self._head) and raw.endswith(self._tail) and self._around_bytes <= len(raw) <= RAW_BYTES_MAX:
            try:
                return _decode(raw[self._from : len(raw) + self._to])
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
        return None


def compile_member(name: str) -> re.Pattern[bytes]:
    """What finds a member's string, without its quotes, in an event."""
    return re.compile(rb'"%b"\s*+:\s*+"((?:[^"\\]|\\.)*+)"' % name.encode(), re.DOTALL)


def suppose(raw: bytes, member: re.Pattern[bytes]) -> Refrain | None:
    """What may be the refrain around a member of this event. Its first such member may be another's: prove it."""
    found = member.search(raw, 0, RAW_BYTES_MAX)
    return Refrain(raw, *found.span(1)) if found is not None else None
