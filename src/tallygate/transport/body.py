"""Reads the body of an answer out of bytes as they come, however they are cut (RFC 9112 sections 6 and 7).

Pure. There are three ways to say where a body ends, and a reader for each. All are used alike: `feed` what came, `read`
until nothing is given, then feed more, until `done`; or say by `finish` that nothing more will come.
"""

import re

from tallygate.errors import StreamBroken

CHUNK_LINE_BYTES_MAX = 4096
"""The line before a chunk: its size, and extensions that nobody reads."""

CHUNK_COST_BYTES = 8
"""What a chunk counts beyond its bytes: many small ones are as much work as a large one."""

_CRLF = b"\r\n"
# The blanks are no standard's, but some servers fill the place of the size with them. 15 digits are a billion GB.
# Nothing is tried twice ("+"): a long line that is none costs no more than a short one.
_match_size = re.compile(rb"(?=[0-9A-Fa-f])0*+([0-9A-Fa-f]{0,15}+)[ \t]*+(?:;[^\r\n]*+)?\r\n").match
_match_begun_size = re.compile(rb"[0-9A-Fa-f]*+[ \t]*+(?:;[^\r\n]*+)?\r?").fullmatch


class Body:
    """A body, and the bytes that were fed and not yet read; behind a body that is `done` they belong to nobody."""

    __slots__ = ("_at", "_buffer", "done")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self.done = False

    @property
    def unread_bytes(self) -> int:
        """How much was fed and not yet read."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Bytes as they came from the connection."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0

    def read(self, bytes_max: int) -> bytes:
        """The next bytes, at most so many; nothing if they are not here yet, or if there are no more (`done`).

        Raises: StreamBroken where the framing is wrong, once what stands before has been read.
        """
        data = self._buffer[self._at : self._at + bytes_max]
        self._at += len(data)
        return data

    def finish(self, *, clean: bool) -> None:  # noqa: ARG002 (one body's end is like the other's but for one)
        """The connection has ended, `clean` if the other side said so. Raises StreamBroken if the body has not."""
        if not self.done:
            raise StreamBroken


class EndlessBody(Body):
    """A body that ends with its connection. Only an end that the other side has told is one."""

    __slots__ = ()

    def finish(self, *, clean: bool) -> None:
        """See `Body.finish`."""
        self.done = self.done or clean
        super().finish(clean=clean)


class SizedBody(Body):
    """A body of so many bytes, perhaps none."""

    __slots__ = ("_left",)

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self._left = size_bytes
        self.done = not size_bytes

    def read(self, bytes_max: int) -> bytes:
        """See `Body.read`."""
        data = super().read(min(bytes_max, self._left))
        self._left -= len(data)
        self.done = not self._left
        return data


class ChunkedBody(Body):
    """A body in chunks. What stands between them, extensions and trailers, is checked and passed over."""

    __slots__ = ("_in_chunk", "_left", "_trailer_bytes_max", "_trailer_left", "_wrong")

    def __init__(self, trailer_bytes_max: int) -> None:
        super().__init__()
        self._left: int = 0  # of the chunk
        self._in_chunk = False  # until the line's end behind a chunk has been passed
        self._trailer_bytes_max = trailer_bytes_max
        self._trailer_left = 0  # once the last chunk has been passed
        self._wrong: StreamBroken | None = None

    def read(self, bytes_max: int) -> bytes:
        """See `Body.read`."""
        if self._wrong is not None:
            raise self._wrong
        if not self._at and (whole := self._read_whole_chunk(bytes_max)):
            return whole
        pieces: list[bytes] = []
        try:
            while bytes_max > 0 and self._advance():
                piece = self._buffer[self._at : self._at + min(self._left, bytes_max)]
                size = len(piece)
                pieces.append(piece)
                bytes_max -= size + CHUNK_COST_BYTES
                self._at += size
                self._left -= size
                if not self._left:
                    self._in_chunk = not self._buffer.startswith(_CRLF, self._at)
                    self._at += 0 if self._in_chunk else 2
        except StreamBroken as wrong:
            self._wrong = wrong
            if not pieces:
                raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_whole_chunk(self, bytes_max: int) -> bytes:
        """What was fed if it is one chunk and nothing else, as most events of a stream are; else nothing."""
        if self._left or self._in_chunk or self._trailer_left:
            return b""
        buffer = self._buffer
        found = _match_size(buffer)
        if found is None:
            return b""
        start, end = found.end(), len(buffer) - 2
        if not 0 < end - start <= bytes_max or start > CHUNK_LINE_BYTES_MAX or int(found[1] or b"0", 16) != end - start:
            return b""
        if not buffer.endswith(_CRLF):
            return b""
        self._at = len(buffer)
        return buffer[start:end]

    def _advance(self) -> bool:
        """Come to bytes of a chunk (RFC 9112 section 7.1). False: they are not here yet, or there are no more."""
        if self._at == len(self._buffer):
            return False
        if self._left:
            return True
        if self._trailer_left:
            return self._pass_trailer()
        if self._in_chunk:
            if not self._buffer.startswith(_CRLF, self._at):
                return self._wait_for(_CRLF.startswith(self._buffer[self._at : self._at + 2]))
            self._at += 2
            self._in_chunk = False
        found = _match_size(self._buffer, self._at)
        if found is None or found.end() - self._at > CHUNK_LINE_BYTES_MAX:
            begun = self._buffer[self._at : self._at + CHUNK_LINE_BYTES_MAX]
            return self._wait_for(len(begun) < CHUNK_LINE_BYTES_MAX and _match_begun_size(begun) is not None)
        self._at = found.end()
        digits: bytes = found[1]
        self._left = int(digits or b"0", 16)
        if self._left:
            return self._at < len(self._buffer)
        self._trailer_left = self._trailer_bytes_max
        return self._pass_trailer()

    def _pass_trailer(self) -> bool:
        """Pass the lines behind the last chunk; the empty one is the end."""
        while not self.done:
            end = self._buffer.find(_CRLF, self._at)
            size = (len(self._buffer) if end < 0 else end) - self._at
            if size >= self._trailer_left or (size and end >= 0 and b":" not in self._buffer[self._at : end]):
                raise StreamBroken
            if end < 0:
                return False
            self._trailer_left -= size
            self._at = end + 2
            self.done = not size
        return False

    def _wait_for(self, possible: bool) -> bool:
        """What came is not complete, and `possible` as a beginning. Always False, which says so."""
        if not possible:
            raise StreamBroken
        return False
