"""A stream of this wire to frames with events. Its chunks are read as a chat's, from frames written anew; what stays of
each frame are its own bytes.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat.reader import ChatReader
from tallygate.dialects.openai_completions.names import NAME
from tallygate.dialects.openai_completions.text_form import to_chat
from tallygate.dialects.sse import Parser, SseFrame, encode
from tallygate.errors import StreamBroken
from tallygate.genai.stream import Ended, Event, Failed, Ping, Started


class CompletionsReader:
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._chat = ChatReader()
        self._over = False

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises InvalidAnswer for an event beyond the parser's limit."""
        if self._over:
            return []
        frames: list[Frame] = []
        for piece in self._parser.feed(data):
            frames.append(self._read(piece))
            if self._over:
                break
        return frames

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

    def _read(self, piece: SseFrame) -> Frame:
        if not piece.data.strip():
            return Frame(piece.raw, (Ping(),))
        (read,) = self._chat.feed(encode(_to_chat(piece.data), piece.event))
        events = tuple(map(_name, read.events))
        self._over = any(isinstance(event, Ended | Failed) for event in events)
        return replace(read, raw=piece.raw, events=events)


def _to_chat(data: bytes) -> bytes:
    """The data as a chat's; as it is if it is no JSON, for the reader of chats to judge."""
    try:
        value: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    return msgspec.json.encode(to_chat(value, "delta"))


def _name(event: Event) -> Event:
    return replace(event, dialect=NAME) if isinstance(event, Started) else event
