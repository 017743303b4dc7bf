"""A stream of this wire to frames with events. Its chunks are read as a chat's, from frames written anew; what stays of
each frame are its own bytes.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.openai_chat.reader import ChatReader
from tallygate.dialects.openai_completions.names import NAME
from tallygate.dialects.openai_completions.text_form import to_chat
from tallygate.dialects.sse import SseFrame, encode
from tallygate.genai.stream import Ended, Event, Failed, Ping, Started


class CompletionsReader(EventReader):
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self._chat = ChatReader()

    def _close(self) -> list[Frame]:
        return self._chat.finish()

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
