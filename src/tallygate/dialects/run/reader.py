"""A stream of a run to frames with events: its frames are read as chunks of a chat written anew, and keep their own
bytes.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat.reader import TERMINATOR, ChatReader
from tallygate.dialects.run.errors import read_failure
from tallygate.dialects.run.form import to_chunk
from tallygate.dialects.run.names import NAME
from tallygate.dialects.sse import Parser, SseFrame, encode
from tallygate.errors import InvalidAnswer, StreamBroken, TallygateError
from tallygate.genai.stream import Ended, Event, Failed, Ping, Started


class RunReader:
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._chat = ChatReader()
        self._over = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises InvalidAnswer for an event beyond the parser's limit."""
        return [] if self._over else self._read_all(self._parser.feed(data))

    def finish(self) -> list[Frame]:
        """The last frames, a terminator added if only that is missing. Raises StreamBroken if more is."""
        frames: list[Frame] = []
        if self._over:
            return frames
        for piece in self._parser.finish():
            frame = self._read(piece)
            if any(isinstance(event, Failed) for event in frame.events) and not piece.terminated:
                raise StreamBroken
            frames.append(replace(frame, raw=piece.raw + piece.missing_end))
        return frames if self._over else [*frames, *self._chat.finish()]

    def _read_all(self, pieces: list[SseFrame]) -> list[Frame]:
        frames: list[Frame] = []
        for piece in pieces:
            frames.append(self._read(piece))
            if self._over:
                break
        return frames

    def _read(self, piece: SseFrame) -> Frame:
        if not piece.data.strip():
            return Frame(piece.raw, (Ping(),))
        if piece.data.strip() == TERMINATOR[6:-2]:
            return self._pass_on(piece, TERMINATOR, closing=True)
        try:
            frame = _decode(piece.data)
            if frame.get("error") is not None:
                raise read_failure(frame)
            chunk = to_chunk(frame)
        except TallygateError as error:
            self._over = True
            return Frame(piece.raw, (Failed(error),), closing=True)
        closing = bool(frame.get("done") or frame.get("is_last"))
        return self._pass_on(piece, encode(msgspec.json.encode(chunk)), closing=closing)

    def _pass_on(self, piece: SseFrame, chunk: bytes, *, closing: bool) -> Frame:
        (read,) = self._chat.feed(chunk)
        events = tuple(map(_name, read.events))
        self._over = any(isinstance(event, Ended | Failed) for event in events)
        return Frame(piece.raw, events, closing=read.closing or closing)


def _name(event: Event) -> Event:
    return replace(event, dialect=NAME) if isinstance(event, Started) else event


def _decode(data: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidAnswer("The provider sent a frame that is no JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]
