"""One client's connection, from its first byte to its last: reads requests, bounds how long each may take, writes.

An asyncio protocol without tasks or timers of its own: `check` is called once a second for every connection. One
request is served at a time. How bytes become requests is said in `framing`, what a request leads to in `doors`.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final, Literal, Protocol, cast

from msgspec import Struct

from tallygate.api.answer import CONTINUE
from tallygate.api.arrivals import Arrivals
from tallygate.api.door import Request, choose_request_id
from tallygate.api.exchange import Exchange
from tallygate.api.framing import RequestReader
from tallygate.api.head import Head
from tallygate.api.middleware import BODIED
from tallygate.api.peer import find_peer
from tallygate.api.surface import Doors, Place
from tallygate.errors import RequestTimeout, ServerBusy, ShuttingDown, TallygateError

WRITE_BYTES_HIGH: Final = 64 * 1024
"""From here on the hallway waits for the client to read."""
PIPELINED_BYTES_MAX: Final = 64 * 1024
"""What a client may send ahead while it is answered. One that sends more is served no further."""
SLOWEST_BYTES_PER_S: Final = 1024
BODY_GRACE_S: Final = 5.0
LINGER_S: Final = 2.0
"""How long a client that is still sending may take to read why it was refused: closing at once would reset the
connection, and the answer would be lost on the way (RFC 9112 section 9.6).
"""

State = Literal["idle", "head", "body", "busy", "lingering", "closing"]


class Limits(Struct, frozen=True):
    """How much, how long and for whom (docs/reference/settings.md, section server)."""

    body_bytes_max: int
    head_s: float
    body_s: float
    idle_s: float
    write_stall_s: float
    hosts: frozenset[str]


class Front(Protocol):
    """What all connections of a process share."""

    @property
    def limits(self) -> Limits:
        """What a client may do."""
        ...

    @property
    def doors(self) -> Doors:
        """Where requests go."""
        ...

    @property
    def arrivals(self) -> Arrivals:
        """The bodies on their way."""
        ...

    @property
    def draining(self) -> bool:
        """True once the gateway was told to stop."""
        ...

    @property
    def date(self) -> str:
        """The header `date` of this second, ready to be sent."""
        ...

    def enter(self, connection: "Connection") -> None:
        """A connection was made."""
        ...

    def depart(self, connection: "Connection") -> None:
        """It has ended."""
        ...

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to the task that serves a request: it outlives the connection."""
        ...


class Connection(asyncio.Protocol):
    """One connection. A `Line` to its exchanges."""

    __slots__ = (
        "_deaf", "_ended", "_exchange", "_front", "_head", "_left_bytes", "_loop", "_matched", "_paused_s", "_reader",
        "_since_s", "_state", "_transport", "_waiting",
    )  # fmt: skip

    def __init__(self, front: Front) -> None:
        self._front = front
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(front.limits.body_bytes_max, front.limits.hosts)
        self._state: State = "idle"
        self._since_s = self._loop.time()
        self._head: Head | None = None
        self._matched: Place | None = None
        self._exchange: Exchange | None = None
        # Nothing more is read: the client sent too much ahead (deaf), or has said all it will say (ended).
        self._deaf = self._ended = False
        self._paused_s: float | None = None
        self._left_bytes = 0
        self._waiting: list[asyncio.Future[None]] = []

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection begins."""
        # What uvloop hands over is one in all but its ancestors.
        self._transport = transport = cast("asyncio.Transport", transport)
        transport.set_write_buffer_limits(high=WRITE_BYTES_HIGH)
        self._front.enter(self)

    def data_received(self, data: bytes) -> None:
        """More bytes of the client."""
        state = self._state
        if self._deaf or state in ("lingering", "closing"):
            # Read and forgotten, so that the client's leaving is still noticed.
            return
        self._reader.feed(data)
        if state != "busy":
            self._advance()
        elif self._reader.buffered > PIPELINED_BYTES_MAX:
            self._deaf = True
            self._reader.clear()

    def eof_received(self) -> bool:
        """The client sends no more. Who waits for a model's answer would stay, so it has left; anything else is
        answered in a moment.
        """
        exchange = self._exchange
        if exchange is not None and not exchange.is_call and self._state == "busy":
            self._ended = True
            return True
        if exchange is not None:
            exchange.leave()
        self._enter("closing")
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """The connection is over, whoever ended it."""
        self._transport = None
        self._deaf = True
        self._reader.clear()
        self._wake()
        self._front.arrivals.forget(self)
        self._front.depart(self)
        if self._exchange is not None:
            self._exchange.leave()

    def pause_writing(self) -> None:
        """The client reads less than it is sent."""
        self._note_pause(self._loop.time())

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._wake()

    # What an exchange asks.

    @property
    def draining(self) -> bool:
        """True once the gateway was told to stop."""
        return self._front.draining

    @property
    def date(self) -> str:
        """The header `date`."""
        return self._front.date

    @property
    def paused(self) -> bool:
        """True while the client takes less than it is sent."""
        return self._paused_s is not None

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        if self._transport is not None:
            self._transport.write(data)

    async def writable(self) -> None:
        """Wait until the client has caught up, or has gone."""
        # One future for each who waits: cancelling one of them must not wake the others.
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        await future

    def finish(self, *, keeps: bool) -> None:
        """The answer is written."""
        self._exchange = self._head = self._matched = None
        if self._deaf or self._ended or self._front.draining or not keeps:
            self._close(linger=self._deaf or (self._state != "busy" and not self._ended))
            return
        self._enter("idle")
        if self._reader.buffered:
            # Not at once: a thousand requests sent ahead would be served by as many calls within calls.
            self._loop.call_soon(self._resume)

    # What the front asks.

    def check(self, now_s: float) -> None:
        """Called once a second: end what takes too long."""
        if self._transport is None:
            return
        if self._paused_s is not None:
            self._check_writing(self._transport, now_s, self._paused_s)
        since_s, limits = now_s - self._since_s, self._front.limits
        match self._state:
            case "idle":
                if since_s >= limits.idle_s:
                    self._close(linger=False)
            case "head":
                if since_s >= limits.head_s:
                    self._refuse(RequestTimeout(f"The headers did not arrive within {limits.head_s:.0f} seconds."))
            case "body":
                slowest = SLOWEST_BYTES_PER_S * (since_s - BODY_GRACE_S)
                if since_s >= limits.body_s or self._reader.received < slowest:
                    self._refuse(RequestTimeout(f"The body did not arrive within {since_s:.0f} seconds."))
            case "lingering":
                if since_s >= LINGER_S:
                    self._transport.abort()
            case "closing":
                if since_s >= limits.write_stall_s and self._paused_s is None:
                    self._transport.abort()
            case "busy":
                pass

    def drain(self) -> None:
        """The gateway was told to stop: who asks for nothing is let go."""
        if self._state == "idle":
            self._close(linger=False)

    def stop(self) -> None:
        """The time to end has passed: the client is told so, where it waits for a model."""
        if self._exchange is not None:
            self._exchange.stop(ShuttingDown())

    def give_way(self) -> None:
        """More is on its way to the gateway than it can hold, and most of it is this connection's."""
        self._refuse(ServerBusy(retry_after_s=1))

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # The steps of a request.

    def _resume(self) -> None:
        if self._state == "idle" and self._reader.buffered:
            self._advance()

    def _advance(self) -> None:
        """Read on, and serve the request once it is whole."""
        try:
            head = self._head or self._read_head()
            if head is None:
                return
            body = self._reader.read_body()
        except TallygateError as error:
            self._refuse(error)
            return
        if body is not None:
            self._serve(head, body if head.method in BODIED else b"")
        else:
            self._front.arrivals.note(self, self._reader.received)

    def _read_head(self) -> Head | None:
        head = self._reader.read_head()
        if head is None:
            if self._state == "idle" and self._reader.buffered:
                self._enter("head")
            return None
        self._head = head
        self._matched = self._front.doors.match(head)
        if head.has_body:
            self._enter("body")
            if head.expects and not self._reader.buffered:
                self.write(CONTINUE)
        return head

    def _serve(self, head: Head, body: bytes) -> None:
        matched, doors = self._matched, self._front.doors
        assert matched is not None
        request = Request(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=head.headers,
            body=body,
            request_id=choose_request_id(head.fields.get(b"x-request-id")),
            arrived_ns=time.monotonic_ns(),
            slots=matched.slots,
            peer=find_peer(self._transport),
        )
        exchange = self._exchange = Exchange(
            self,
            request.request_id,
            chunks=head.chunks,
            keeps=head.keeps,
            bare=head.method == "HEAD",
            is_call=doors.is_call(matched),
        )
        self._enter("busy")
        serving = self._see_through(doors.serve(matched, request, exchange), exchange)
        self._front.keep(self._loop.create_task(serving))

    async def _see_through(self, serving: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        """The body of a request's task. An answer without its end must not look as if it had one."""
        try:
            await serving
        finally:
            if not exchange.done and not exchange.gone:
                self.abort()

    def _refuse(self, error: TallygateError) -> None:
        """Answer before the request is whole. Nothing after it on this connection could be trusted, unless it was known
        to have no body.
        """
        head = self._head
        request_id = choose_request_id(head.fields.get(b"x-request-id") if head else None)
        path, bare, keeps = ("", False, False)
        if head is not None:
            path, bare = head.path, head.method == "HEAD"
            keeps = head.keeps and not head.has_body and error.status != 411
        exchange = self._exchange = Exchange(self, request_id, chunks=True, keeps=keeps, bare=bare)
        exchange.reply(self._front.doors.refuse(error, path, request_id))

    # The end.

    def _close(self, *, linger: bool) -> None:
        """Close once all is written. `linger`: the client may still be sending, and is given time to read."""
        if self._transport is None:
            return
        self._reader.clear()
        if linger and self._transport.can_write_eof():
            self._enter("lingering")
            self._transport.write_eof()
        else:
            self._enter("closing")
            self._transport.close()

    def _enter(self, state: State) -> None:
        if self._state == "body":
            self._front.arrivals.forget(self)
        self._state = state
        self._since_s = self._loop.time()

    def _note_pause(self, now_s: float) -> None:
        assert self._transport is not None
        self._paused_s = now_s
        self._left_bytes = self._transport.get_write_buffer_size()

    def _check_writing(self, transport: asyncio.Transport, now_s: float, paused_s: float) -> None:
        """End the connection of a client that takes next to nothing."""
        left_bytes, stall_s = transport.get_write_buffer_size(), self._front.limits.write_stall_s
        if left_bytes > self._left_bytes:
            self._note_pause(now_s)
        elif now_s - paused_s >= stall_s:
            if self._left_bytes - left_bytes < SLOWEST_BYTES_PER_S * stall_s:
                transport.abort()
            else:
                self._note_pause(now_s)

    def _wake(self) -> None:
        self._paused_s = None
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
