"""What the readers of all event streams have in common: events in, frames out, however the bytes are split, and nothing
more once an event has ended the stream. What an event means is each dialect's own to say.
"""

from abc import ABC, abstractmethod

from msgspec.structs import replace

from tallygate.dialects.base import Frame
from tallygate.dialects.sse import Parser, SseFrame
from tallygate.errors import StreamBroken
from tallygate.genai.stream import Failed


class EventReader(ABC):
    """Reads one stream (`base.StreamReader`). Its dialect sets `_over` with the event that ends it."""

    def __init__(self) -> None:
        self._parser = Parser()
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
        """The frames left when the bytes end cleanly. Raises StreamBroken if the stream had not come to its end."""
        if self._over:
            return []
        frames: list[Frame] = []
        for piece in self._parser.finish():
            frame = self._read(piece)
            # What was cut off in the middle says nothing, not even that it is wrong.
            if not piece.terminated and any(isinstance(event, Failed) for event in frame.events):
                raise StreamBroken
            frames.append(replace(frame, raw=piece.raw + piece.missing_end))
        return frames if self._over else [*frames, *self._close()]

    @abstractmethod
    def _read(self, piece: SseFrame) -> Frame:
        """What one event means."""

    def _close(self) -> list[Frame]:
        """The end that the bytes lack, where that is no reason to doubt the answer. Raises StreamBroken."""
        raise StreamBroken
