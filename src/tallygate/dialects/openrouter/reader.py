"""A stream of this wire to frames with events. Its chunks are OpenAI's but for the provider's word for the end."""

from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat.reader import ChatReader
from tallygate.dialects.openrouter.response import read_native
from tallygate.genai.stream import Event, Finished


class OpenRouterReader:
    """Reads one stream. What is not this wire's, or tells of an error, yields one `Failed` and then nothing more."""

    def __init__(self) -> None:
        self._chat = ChatReader()

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises InvalidAnswer for an event beyond the parser's limit."""
        return [_read(frame) for frame in self._chat.feed(data)]

    def finish(self) -> list[Frame]:
        """The last frames, a terminator added if only that is missing. Raises StreamBroken if more is."""
        return [_read(frame) for frame in self._chat.finish()]


def _read(frame: Frame) -> Frame:
    if not any(isinstance(event, Finished) for event in frame.events):
        return frame
    return replace(frame, events=tuple(map(_read_event, frame.events)))


def _read_event(event: Event) -> Event:
    return replace(event, extra=read_native(event.extra, event.reason)) if isinstance(event, Finished) else event
