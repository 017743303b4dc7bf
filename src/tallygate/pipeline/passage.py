"""The bytes of one stream on their way to the client, and what of them must wait for the call's settlement."""

import time
from functools import partial
from typing import TypeVar

from msgspec import structs

from tallygate.dialects.base import Frame
from tallygate.dialects.registry import NAMING, STREAMING
from tallygate.dialects.sse import is_own_comment
from tallygate.errors import StreamBroken, TallygateError
from tallygate.genai.chat import ChatResponse
from tallygate.genai.stream import Started
from tallygate.pipeline.call import Call
from tallygate.pipeline.exchange import Exchange
from tallygate.pipeline.watch import Watch


class Passage:
    """The bytes of one stream on their way: what may go now (`ready`), what waits until the call is closed (`held`).

    A failure is returned, not raised, because the events before it are the provider's answer and still go out.
    """

    def __init__(self, call: Call, exchange: Exchange, watch: Watch) -> None:
        same = exchange.dialect is call.dialect
        self._reader = STREAMING[exchange.dialect.name].reader()
        self._writer = None if same else call.streaming.writer(include_usage=call.peek.include_usage, asked=call.body)
        self._withhold_usage = same and exchange.withhold_usage
        self._introduce = partial(introduced, call=call)
        self._watch = watch
        self._ready: list[bytes] = []
        self.held = b""

    @property
    def ready(self) -> bool:
        """True if there is something to send now."""
        return bool(self._ready)

    def release(self) -> bytes:
        """What may go now, taken out."""
        ready, self._ready = self._ready, []
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def take(self, data: bytes) -> TallygateError | None:
        """Bytes as they came, empty at their end. Returns what the stream failed with, if it did."""
        try:
            for frame in self._reader.feed(data) if data else self._reader.finish():
                self._watch.see(frame.events)
                self._take_frame(frame)
        except TallygateError as failure:
            return failure
        return None if data or self._watch.ended else StreamBroken()

    def _take_frame(self, frame: Frame) -> None:
        if (frame.only_usage and self._withhold_usage) or is_own_comment(frame.raw):
            return
        writer = self._writer
        piece = frame.raw if writer is None else b"".join(map(writer.feed, map(self._introduce, frame.events)))
        if frame.closing:
            self.held += piece
        elif piece:
            # Something follows what looked like the end: the order of the bytes matters more.
            if self.held:
                self._ready.append(self.held)
                self.held = b""
            self._ready.append(piece)


Said = TypeVar("Said")


def introduced(said: Said, call: Call) -> Said:
    """An answer, or the beginning of one, with what the client's dialect promises: a time if its own tells none, and
    the call's id where answers bear that.
    """
    if not isinstance(said, ChatResponse | Started):
        return said
    naming = NAMING.get(call.dialect.name)
    id_ = said.id if naming is None else naming.name_answer(call.id)
    return structs.replace(said, id=id_, created_s=said.created_s or int(time.time()))
