"""Reads the head of an answer out of bytes as they come, and says which body follows (RFC 9112 sections 4 to 6).

Pure. It is strict, for the gateway puts its name and a receipt on what it reads: where two readers could disagree about
where an answer ends, there is no answer. What a status or a header means to a call is not known here.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from tallygate.errors import InvalidAnswer
from tallygate.transport.body import Body, ChunkedBody, EndlessBody, SizedBody

INTERIM_ANSWERS_MAX = 256
"""So many 1xx answers may stand before the one that counts."""

HEAD_LINES_MAX = 4
"""A head as a whole may be as long as this many of its longest lines."""

NAME_BYTES_MAX = 256
"""The longest name of a header."""

_START = b"HTTP/1."
_LENGTH_DIGITS_MAX = 18

_match_status_line = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?").fullmatch
_match_name = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_find_unsayable = re.compile(r"[^\t\x20-\x7e\x80-\xff]").search


class HeadLimits(NamedTuple):
    """The longest line of a head in bytes, and how many headers it may have."""

    line_bytes_max: int
    headers_max: int


class Head(NamedTuple):
    """A status, headers by lower-case names, and the body, fed with what came behind the head.

    Headers that stand repeatedly are joined by a comma (RFC 9110 section 5.2). `keeps_alive` is whether another request
    may follow on the connection once the body is done.
    """

    status: int
    headers: dict[str, str]
    body: Body
    keeps_alive: bool


class HeadReader:
    """Reads the head of one answer. Interim answers before it are passed over."""

    __slots__ = ("_buffer", "_interim", "_limits", "_searched")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._buffer = b""
        self._searched = 0  # bytes in which no head ends
        self._interim = 0

    def feed(self, data: bytes) -> Head | None:
        """Bytes as they came from the connection. None as long as the head is not complete. Raises: InvalidAnswer."""
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._find_end()) >= 0:
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            self._buffer = self._buffer[end + 4 :]
            self._searched = 0
            status, is_old = _read_status_line(lines[0])
            headers = self._read_headers(lines)
            if status >= 200:
                body = _frame(status, headers, is_old=is_old, trailer_bytes_max=self._limits.line_bytes_max)
                body.feed(self._buffer)
                return Head(status, headers, body, not is_old and _keeps_alive(headers, body))
            self._interim += 1
            # Nobody asked for another protocol (101).
            if status == 101 or self._interim > INTERIM_ANSWERS_MAX:
                raise _invalid()
        return None

    def _find_end(self) -> int:
        """Where the blank line is, or -1. What cannot become a head is not waited for."""
        buffer = self._buffer
        if not buffer.startswith(_START) and not _START.startswith(buffer):
            raise _invalid()
        end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._searched = len(buffer)
        if (self._searched if end < 0 else end) > self._limits.line_bytes_max * HEAD_LINES_MAX:
            raise _invalid()
        # Lines that end in LF alone never make a blank line; it would be waited for in vain.
        if end < 0 and buffer.count(b"\n") != buffer.count(b"\r\n"):
            raise _invalid()
        return end

    def _read_headers(self, lines: list[str]) -> dict[str, str]:
        """What all lines but the first say. One that continues another is refused (RFC 9112 section 5.2)."""
        if len(lines) > self._limits.headers_max + 1 or max(map(len, lines)) > self._limits.line_bytes_max:
            raise _invalid()
        # Almost every head is plain; only another one is looked at more closely.
        if not "".join(lines).isprintable() and any(map(_find_unsayable, lines)):
            raise _invalid()
        headers: dict[str, str] = {}
        del lines[0]
        for line in lines:
            written, colon, value = line.partition(":")
            name = _lower_name(written) if len(written) <= NAME_BYTES_MAX else ""
            if not colon or not name:
                raise _invalid()
            value = value.strip(" \t")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers


def _frame(status: int, headers: dict[str, str], *, is_old: bool, trailer_bytes_max: int) -> Body:
    """The body that a head announces (RFC 9112 section 6.3). Where it can be read in two ways, there is no answer."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    # A length that stands twice is joined by a comma, and no number.
    if length is not None and not (length.isascii() and length.isdigit() and len(length) <= _LENGTH_DIGITS_MAX):
        raise _invalid()
    # Chunks come last; that something stands before them is for `is_encoded` to say.
    if coding is not None and (is_old or length is not None or _words(coding)[-1] != "chunked"):
        raise _invalid()
    if status in (204, 304):
        # What is announced here and can never come would be taken for the next answer by one of two readers.
        if coding is not None or length not in (None, "0"):
            raise _invalid()
        return SizedBody(0)
    if coding is not None:
        return ChunkedBody(trailer_bytes_max)
    return EndlessBody() if length is None else SizedBody(int(length))


def _keeps_alive(headers: dict[str, str], body: Body) -> bool:
    said = headers.get("connection")
    return not isinstance(body, EndlessBody) and (said is None or "close" not in _words(said))


def is_encoded(headers: dict[str, str]) -> bool:
    """Whether a body must be unfolded before it can be read."""
    content = headers.get("content-encoding", "identity").lower()
    transfer = headers.get("transfer-encoding", "chunked").lower()
    return content not in ("", "identity") or transfer != "chunked"


@lru_cache(maxsize=64)
def _read_status_line(line: str) -> tuple[int, bool]:
    """The status, and whether it is an answer of HTTP/1.0 (RFC 9112 section 4). Kept, as names are."""
    found = _match_status_line(line)
    if found is None:
        raise _invalid()
    return int(found[2]), found[1] == "0"


@lru_cache(maxsize=4096)
def _lower_name(written: str) -> str:
    """A header's name in lower case, nothing if it cannot be one. Kept, for the same few names come all the time."""
    name = written.lower()
    return name if _match_name(name) is not None else ""


def _words(value: str) -> list[str]:
    return [word.strip(" \t") for word in value.lower().split(",")]


def _invalid() -> InvalidAnswer:
    return InvalidAnswer("The provider's answer is not valid HTTP.")
