"""The bytes of one stream on their way to the client, and what of them must wait for the call's settlement."""

import time
from functools import partial
from typing import TypeVar

from msgspec import structs

from tallygate.access.guardrails.answers import StreamGuard
from tallygate.dialects.base import Frame
from tallygate.dialects.registry import NAMING, STREAMING
from tallygate.dialects.sse import is_own_comment
from tallygate.errors import StreamBroken, TallygateError
from tallygate.genai.chat import ChatResponse
from tallygate.genai.stream import Event, Started
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
        self._see = watch.see
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
                self._see(frame.events)
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
            self._send(piece)

    def _send(self, piece: bytes) -> None:
        # Something follows what looked like the end: the order of the bytes matters more.
        if self.held:
            self._ready.append(self.held)
            self.held = b""
        self._ready.append(piece)


class GuardedPassage(Passage):
    """The same for a stream that guardrails look through: what goes on is written from what they let through, also
    where both ends speak one dialect. A block is a failure like others, and what was kept back then never goes.
    """

    def __init__(self, call: Call, exchange: Exchange, watch: Watch, guard: StreamGuard) -> None:
        super().__init__(call, exchange, watch)
        writer = call.streaming.writer(include_usage=call.peek.include_usage, asked=call.body)
        self._speak = writer.feed
        self._guard = guard
        self._see = watch.overhear

    def _take_frame(self, frame: Frame) -> None:
        if frame.closing and (kept := self._write(self._guard.flush())):
            self._send(kept)
        piece = self._write(self._guard.feed(frame.events))
        if frame.closing:
            self.held += piece
        elif piece:
            self._send(piece)

    def _write(self, events: list[Event]) -> bytes:
        self._watch.show(events)
        return b"".join(map(self._speak, map(self._introduce, events)))


def open_passage(call: Call, exchange: Exchange, watch: Watch) -> Passage:
    """The way of one stream to its client."""
    guard = call.guard
    if guard is None or not guard.guards_output:
        return Passage(call, exchange, watch)
    return GuardedPassage(call, exchange, watch, guard.open_stream())


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
