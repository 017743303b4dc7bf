"""Server-Sent Events as bytes, both ways, without I/O (WHATWG HTML, section 9.2 "Server-sent events").

The parser cuts a stream into frames that keep every byte, so that a relay can pass on what it did not change. What the
data of a frame means belongs in a dialect; `id` and `retry` fields mean nothing to any of them and are only kept.
"""

import re

from msgspec import Struct

from tallygate.errors import InvalidAnswer

FRAME_BYTES_MAX = 8 << 20

_BOM = b"\xef\xbb\xbf"

# A line end followed by an empty line. After `\n` a `\r` may be half of a `\r\n` still to come, so the next byte
# decides; after a lone `\r` waiting would hold up streams that end lines so, and a `\n` that does follow starts the
# next frame, where an empty line changes nothing. Either way the split of the bytes over calls does not matter.
_END = re.compile(rb"\n(?:\n|\r\n|\r(?=[^\n]))|\r\r")

_LINE_END = re.compile(rb"\r\n|\n|\r")


OWN = "tallygate"
"""What each comment of ours begins with, and no event of anybody's."""

_OWN_COMMENT = f": {OWN}".encode()


class SseFrame(Struct, frozen=True):
    """One event block. All `raw` in order join to the bytes of the stream.

    `data` is its data lines joined by ``\\n``, empty if it has none; `event` the event's name, empty if it has none.
    `comment` marks a block of comments only, such as a keep-alive. `terminated` is False for what stood after the last
    blank line when the stream ended; `missing_end` is then what to add to make it whole.
    """

    raw: bytes
    event: bytes = b""
    data: bytes = b""
    comment: bool = False
    terminated: bool = True

    @property
    def missing_end(self) -> bytes:
        """The bytes that end this frame if they follow `raw`; empty if it has its end."""
        if self.terminated:
            return b""
        return b"\n" if self.raw.endswith(b"\n") else b"\n\n"


class Parser:
    """Bytes of one stream to frames, however the bytes are split."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._pending = bytearray()
        self._searched = 0  # no end of a frame begins before this index of `_pending`
        self._seen_cr = False
        self._seen_frame = False

    @property
    def pending_bytes(self) -> int:
        """How much of a frame is here that has not come to its end."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[SseFrame]:
        """The frames that `data` completes. Raises InvalidAnswer for a frame over the limit, after those before it."""
        self._seen_cr = self._seen_cr or b"\r" in data
        frames: list[SseFrame] = []
        if self._pending:
            self._pending += data
            rest = self._cut(self._pending, self._searched, frames)
            del self._pending[:rest]
        else:
            # Most chunks hold whole frames: those are cut from the chunk itself.
            rest = self._cut(data, 0, frames)
            if rest == len(data):
                return frames
            self._pending += data[rest:]
        self._searched = max(len(self._pending) - 2, 0)
        if not frames:
            self._check_size(len(self._pending))
        return frames

    def finish(self) -> list[SseFrame]:
        """What is left when the stream has ended: nothing, or one frame. Raises InvalidAnswer if over the limit."""
        self._check_size(len(self._pending))
        raw = bytes(self._pending)
        self._pending.clear()
        self._searched = 0
        # The one end that waits for a byte to follow it: `\r` after `\n`.
        return [self._parse(raw, terminated=raw.endswith(b"\n\r"))] if raw else []

    def _cut(self, buffer: bytes | bytearray, searched: int, frames: list[SseFrame]) -> int:
        """Append the frames that `buffer` holds and return where the rest begins."""
        start = 0
        while True:
            end = self._find_end(buffer, max(searched, start))
            # A frame over the limit stays, so that the frames before it are handed out before the error is raised.
            if end < 0 or end - start > self._frame_bytes_max:
                return start
            frames.append(self._parse(bytes(buffer[start:end]), terminated=True))
            start = end

    def _find_end(self, buffer: bytes | bytearray, position: int) -> int:
        if not self._seen_cr:
            found = buffer.find(b"\n\n", position)
            return found + 2 if found >= 0 else -1
        match = _END.search(buffer, position)
        return match.end() if match is not None else -1

    def _check_size(self, size: int) -> None:
        if size > self._frame_bytes_max:
            raise InvalidAnswer(f"The provider sent one event of more than {self._frame_bytes_max} bytes.")

    def _parse(self, raw: bytes, *, terminated: bool) -> SseFrame:
        first, self._seen_frame = not self._seen_frame, True
        # Nearly every frame: one line of data and its blank line.
        if raw.startswith(b"data: ") and terminated and raw.find(b"\n") == len(raw) - 2 and not self._seen_cr:
            return SseFrame(raw, b"", raw[6:-2])
        return _parse_lines(raw, raw.removeprefix(_BOM) if first else raw, terminated=terminated)


def _parse_lines(raw: bytes, text: bytes, *, terminated: bool) -> SseFrame:
    event = b""
    data: list[bytes] = []
    comments = fields = 0
    for line in text.splitlines():
        if line.startswith(b":"):
            comments += 1
        elif line:
            fields += 1
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
            elif name == b"event":
                event = value.removeprefix(b" ")
    return SseFrame(raw, event, b"\n".join(data), comments > 0 and not fields, terminated)


def encode(data: bytes, event: bytes = b"") -> bytes:
    """One frame. Line ends inside `data` become several data lines; `event` is one line."""
    name = b"event: " + event + b"\n" if event else b""
    if b"\n" in data or b"\r" in data:
        data = _LINE_END.sub(b"\ndata: ", data)
    return name + b"data: " + data + b"\n\n"


def is_own_comment(raw: bytes) -> bool:
    """Whether a frame is a comment of a gateway like this one, and nothing else: those are for one hop only."""
    return raw.startswith(_OWN_COMMENT) and not _LINE_END.search(raw.rstrip(b"\r\n"))


def comment(text: str) -> bytes:
    """One frame that every client skips: a sign of life, or a note for a person who reads the stream."""
    return b"".join(b": " + line + b"\n" for line in text.encode().splitlines() or [b""]) + b"\n"
