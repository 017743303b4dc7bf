"""A stream of this surface to frames with events. Its chunks are OpenAI's and are read as such, from frames written
anew; what stays of each frame are its own bytes.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.openai_chat.reader import ChatReader
from tallygate.dialects.openai_completions.text_form import to_chat
from tallygate.dialects.sse import SseFrame, encode
from tallygate.dialects.unified.errors import read_failure
from tallygate.dialects.unified.names import GENERATE
from tallygate.genai.stream import Ended, Event, Failed, Finished, Ping, Started, UsageSeen


class UnifiedReader(EventReader):
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self, dialect: str) -> None:
        super().__init__()
        self._dialect = dialect
        self._chat = ChatReader()

    def _close(self) -> list[Frame]:
        return self._chat.finish()

    def _read(self, piece: SseFrame) -> Frame:
        if not piece.data.strip():
            return Frame(piece.raw, (Ping(),))
        if piece.event == b"error":
            self._over = True
            return Frame(piece.raw, (Failed(read_failure(_decode(piece.data))),), closing=True)
        data = self._to_chat(piece.data) if self._dialect == GENERATE else piece.data
        (read,) = self._chat.feed(encode(data))
        events = tuple(map(self._name, read.events))
        self._over = any(isinstance(event, Ended | Failed) for event in events)
        # The last chunk has them all: it is held, and told what the call cost.
        last = any(isinstance(event, Finished | UsageSeen) for event in events)
        return Frame(piece.raw, events, closing=read.closing or last)

    def _to_chat(self, data: bytes) -> bytes:
        value = _decode(data)
        return data if value is None else msgspec.json.encode(to_chat(value, "delta"))

    def _name(self, event: Event) -> Event:
        return replace(event, dialect=self._dialect) if isinstance(event, Started) else event


def _decode(data: bytes) -> Any:
    """The value, or None if the data is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
