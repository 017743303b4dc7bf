"""Cuts a connection's bytes into requests: a head, then its body by length or in chunks (RFC 9112 sections 6 and 7).

Pure: bytes in, requests out, however the bytes are split. It stops behind each request until the next one is asked for.
No socket, clock or door is known here.
"""

import re
from typing import Final

from tallygate.api.head import FIELD, Head, check_beginning, read_head
from tallygate.errors import PayloadTooLarge, RequestError

CHUNK_LINE_BYTES_MAX: Final = 1024
EXTENSIONS_BYTES_MAX: Final = 16 * 1024
"""What all the chunks of a body may say beside their sizes; nobody has a use for it."""
TRAILER_BYTES_MAX: Final = 8 * 1024

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:;[^\x00-\x08\x0a-\x1f\x7f]*)?)")
_SIZE_BEGINNING = re.compile(rb"(?:[0-9A-Fa-f]{1,16}(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r?)?")


class RequestReader:
    """The requests of one connection: `feed` it, ask for a head until there is one, then for the body; then again.

    A body is `bytes_max` long at most. `received` counts the bytes of the body under way.
    """

    __slots__ = ("_body", "_buffer", "_bytes_max", "_chunks", "_hosts", "_missing", "_searched", "_skipped", "received")

    def __init__(self, bytes_max: int, hosts: frozenset[str] = frozenset()) -> None:
        self._bytes_max = bytes_max
        self._hosts = hosts
        self._buffer = b""
        self._searched = 0
        self._skipped = False
        self._missing = 0
        self._chunks: Chunks | None = None
        self._body: bytearray | None = None
        self.received = 0

    @property
    def buffered(self) -> int:
        """How many bytes wait to be read."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """More bytes of the connection."""
        self._buffer = self._buffer + data if self._buffer else data

    def clear(self) -> None:
        """Forget everything: nothing more will be read."""
        self._buffer = b""
        self._body = self._chunks = None

    def read_head(self) -> Head | None:
        """The next head, or None as long as it is not whole. Raises what `head.read_head` raises."""
        if not self._skipped and self._buffer[:2] == b"\r\n":
            # One empty line before a request is tolerated: some clients end their bodies with one (section 2.2).
            self._skipped = True
            self._buffer = self._buffer[2:]
        end = self._buffer.find(b"\r\n\r\n", self._searched)
        if end < 0:
            if self._buffer:
                check_beginning(self._buffer, self._searched)
            self._searched = max(0, len(self._buffer) - 3)
            return None
        head = read_head(self._buffer[: end + 2], self._hosts)
        self._buffer = self._buffer[end + 4 :]
        self._searched, self._skipped = 0, False
        self.received = 0
        self._missing = head.length or 0
        self._chunks = Chunks(self._bytes_max) if head.length is None else None
        return head

    def read_body(self) -> bytes | None:
        """The body of the last head, or None as long as it is not whole. Raises RequestError, PayloadTooLarge."""
        if self._chunks is not None:
            return self._read_chunks(self._chunks)
        data, missing = self._buffer, self._missing
        if missing > self._bytes_max:
            raise too_large(self._bytes_max)
        if self._body is None and len(data) >= missing:
            # Nearly always: the body came with its head.
            self._buffer = data[missing:]
            return data[:missing]
        if self._body is None:
            self._body = bytearray()
        self._body += data[:missing]
        self._buffer = data[missing:]
        self.received = len(self._body)
        self._missing = missing - min(missing, len(data))
        if self._missing:
            return None
        body, self._body = bytes(self._body), None
        return body

    def _read_chunks(self, chunks: "Chunks") -> bytes | None:
        self._buffer = chunks.feed(self._buffer)
        self.received = len(chunks.body)
        if not chunks.done:
            return None
        self._chunks = None
        return bytes(chunks.body)


class Chunks:
    """A body in chunks. `body` grows as it is fed; extensions and trailers are read and forgotten."""

    __slots__ = ("_bytes_max", "_extensions", "_missing", "_trailer", "body", "done")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._extensions = 0
        self._missing: int | None = None
        self._trailer: int | None = None
        self.body = bytearray()
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body and can be read by now. Returns the rest. Raises RequestError,
        PayloadTooLarge.
        """
        at, before = 0, -1
        while at != before and not self.done:
            before = at
            if self._trailer is not None:
                at = self._take_trailer(data, at)
            elif self._missing is None:
                at = self._take_size(data, at)
            else:
                at = self._take_data(data, at, self._missing)
        return data[at:]

    def _take_size(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n", at, at + CHUNK_LINE_BYTES_MAX)
        if end < 0:
            if len(data) - at >= CHUNK_LINE_BYTES_MAX or not _SIZE_BEGINNING.fullmatch(data, at):
                raise _malformed()
            return at
        line = _SIZE_LINE.fullmatch(data, at, end)
        if line is None:
            raise _malformed()
        self._extensions += len(line[2])
        if self._extensions > EXTENSIONS_BYTES_MAX:
            raise RequestError("The chunks of the body carry too many extensions.")
        size = int(line[1], 16)
        if len(self.body) + size > self._bytes_max:
            raise too_large(self._bytes_max)
        if size:
            self._missing = size
        else:
            self._trailer = 0
        return end + 2

    def _take_data(self, data: bytes, at: int, missing: int) -> int:
        if missing:
            piece = data[at : at + missing]
            self.body += piece
            self._missing = missing - len(piece)
            return at + len(piece)
        end = data[at : at + 2]
        if end == b"\r\n":
            self._missing = None
            return at + 2
        if end not in (b"", b"\r"):
            raise _malformed()
        return at

    def _take_trailer(self, data: bytes, at: int) -> int:
        assert self._trailer is not None
        end = data.find(b"\r\n", at)
        length = (len(data) if end < 0 else end + 2) - at
        if self._trailer + length > TRAILER_BYTES_MAX:
            raise RequestError("The trailer of the body is too long.")
        if end < 0:
            if b"\n" in data[at:]:
                raise _malformed()
            return at
        self._trailer += length
        if end == at:
            self.done = True
        elif not FIELD.fullmatch(data, at, end + 2):
            raise _malformed()
        return end + 2


def too_large(bytes_max: int) -> PayloadTooLarge:
    """The error for a body above the limit."""
    return PayloadTooLarge(f"The body is larger than {bytes_max} bytes, the most this gateway accepts.")


def _malformed() -> RequestError:
    return RequestError("The body's chunks are malformed.")
