"""A stream of a run to frames with events: its frames are read as chunks of a chat written anew, and keep their own
bytes.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.openai_chat.reader import TERMINATOR, ChatReader
from tallygate.dialects.run.errors import read_failure
from tallygate.dialects.run.form import to_chunk
from tallygate.dialects.run.names import NAME
from tallygate.dialects.sse import SseFrame, encode
from tallygate.errors import InvalidAnswer, TallygateError
from tallygate.genai.stream import Ended, Event, Failed, Ping, Started


class RunReader(EventReader):
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self._chat = ChatReader()

    def _close(self) -> list[Frame]:
        return self._chat.finish()

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
