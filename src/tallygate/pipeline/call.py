"""One call on its way through the house: what came in, where its answer goes, and how its client is told apart from it.

A call is owned by one task that outlives its client (`departure`): the client may leave at any moment, the call still
comes to its end. Rooms never see a `Call`, only the values they need.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from tallygate.access.guardrails.rules import Guard
from tallygate.dialects.base import Dialect, Rendered, Streaming
from tallygate.dialects.limits import write_limits
from tallygate.dialects.registry import LIMITING, NAMING, PASSPORTED, STREAMING
from tallygate.errors import TallygateError
from tallygate.genai.peek import Peek
from tallygate.genai.rate_standing import RateStanding
from tallygate.genai.secret import Secret
from tallygate.genai.stream import Started


class ClientGone(Exception):
    """The client closed its connection, or stopped reading for too long."""


class Client(Protocol):
    """Where an answer goes: a socket, a batch's result file. `send` returns once the bytes are handed to the
    transport.
    """

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the answer's head, once."""
        ...

    def send(self, chunk: bytes) -> Coroutine[Any, Any, None]:
        """Send bytes of the body. Raises ClientGone."""
        ...

    async def end(self, last: bytes = b"") -> None:
        """Complete the body with its last bytes. Raises ClientGone."""
        ...


class Departure:
    """Tells a call's owner that the client left, but only where the owner can bear it.

    Cancelling the owner outright could hit a transaction; so leaving interrupts nothing but the stretches the owner
    marks with `watching`, where it surfaces as `ClientGone`.
    """

    def __init__(self) -> None:
        self.left = False
        self.called_off: TallygateError | None = None
        self._stays = False
        self._why: Exception | None = None
        self._waiting: asyncio.Task[object] | None = None

    def leave(self) -> None:
        """Called by the door, once it sees the client's end of the connection close. Later calls do nothing."""
        self.left = True
        if not self._stays:
            self._interrupt(ClientGone())

    @property
    def over(self) -> bool:
        """True once the call must come to its end, wherever it is."""
        return self._why is not None

    def stay(self) -> None:
        """Called by the owner: from here on leaving interrupts nothing, for the answer is kept for later."""
        self._stays = True

    def stop(self, error: TallygateError) -> None:
        """Called by the door when the gateway itself must end the call: the client is still there and gets `error`."""
        self._interrupt(error)

    def call_off(self, error: TallygateError) -> None:
        """As `stop`, where it is the caller who wants the call to end: for money that is as if the client had left."""
        self.called_off = self.called_off or error
        self._interrupt(error)

    def _interrupt(self, why: Exception) -> None:
        if self._why is not None:
            return
        self._why = why
        if self._waiting is not None:
            self._waiting.cancel()

    def watching(self) -> Self:
        """Raise ClientGone, or what the call was stopped with, inside this stretch; at once if that was before."""
        return self

    def __enter__(self) -> None:
        if self._why is not None:
            raise self._why
        self._waiting = asyncio.current_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._waiting = self._waiting, None
        # Ours only if the door asked for it; a shutdown's cancel must stay one.
        if isinstance(error, asyncio.CancelledError) and self._why and task is not None and task.uncancel() == 0:
            raise self._why from None


class Onward(NamedTuple):
    """What of a request goes on to a provider, with its outline: nearly always all of it, as it came."""

    body: bytes
    peek: Peek


class Call:
    """One request, from its door to its end. Made by `api`, walked by `pipeline.run`.

    `body` and `peek` are what the client sent and what it is answered for; `guard` are the guardrails that stand for
    it, if any do.

    `address` is method and path, as in ``POST /v1/messages``; `claim_key` the text of its Idempotency-Key; `peer` the
    client's address, empty where it has none; `timeout_ms` how long its caller lets it take;
    `traceparent` the header by which it belongs to a trace of its client's, as it came.
    """

    __slots__ = (
        "address",
        "arrived_ns",
        "body",
        "claim_key",
        "client",
        "credential",
        "departure",
        "dialect",
        "forwarded",
        "guard",
        "id",
        "operation",
        "peek",
        "peer",
        "replaced",
        "request_id",
        "standings",
        "started",
        "timeout_ms",
        "traceparent",
        "until_ns",
    )

    def __init__(
        self,
        *,
        call_id: str,
        request_id: str,
        operation: str,
        dialect: Dialect,
        body: bytes,
        peek: Peek,
        credential: Secret | None,
        forwarded: tuple[tuple[str, str], ...],
        client: Client,
        arrived_ns: int,
        address: str = "",
        claim_key: str | None = None,
        peer: str = "",
        timeout_ms: int | None = None,
        traceparent: str = "",
    ) -> None:
        self.id = call_id
        self.request_id = request_id
        self.operation = operation
        self.dialect = dialect
        self.body = body
        self.peek = peek
        self.credential = credential
        self.forwarded = forwarded
        self.client = client
        self.arrived_ns = arrived_ns
        self.address = address
        self.claim_key = claim_key
        self.traceparent = traceparent
        self.peer = peer
        self.replaced: Onward | None = None
        self.guard: Guard | None = None
        self.departure = Departure()
        self.started = False
        self.standings: tuple[RateStanding, ...] = ()
        self.timeout_ms = timeout_ms
        # On the process's monotonic clock; None: it may take its time. Set by `Deadline`.
        self.until_ns: int | None = None

    def find_left_ms(self) -> float | None:
        """How long the call may still take; None: as long as it likes."""
        return None if self.until_ns is None else (self.until_ns - time.monotonic_ns()) / 1_000_000

    @property
    def ids(self) -> dict[str, str]:
        """What the log knows the call by."""
        return {"call_id": self.id, "request_id": self.request_id}

    @property
    def onward(self) -> Onward:
        """What goes on of the request: as it came, or what a guardrail has put in its place (`replaced`)."""
        return self.replaced or Onward(self.body, self.peek)

    @property
    def streaming(self) -> Streaming:
        """The client's dialect as one that streams: for a call whose answer is a stream."""
        return STREAMING[self.dialect.name]

    def stand(self, standings: tuple[RateStanding, ...]) -> None:
        """Called once the call has met limits of requests or tokens: its answer tells how its caller stands."""
        self.standings = standings

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the head of the answer, with the headers every answer bears."""
        self.started = True
        if self.standings:
            headers = [*headers, *LIMITING.get(self.dialect.name, write_limits)(self.standings)]
        await self.client.start(status, [*headers, ("x-request-id", self.request_id), ("request-id", self.request_id)])

    def stream_head(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of a stream. Proxies are told not to gather it."""
        kind = ("content-type", self.streaming.stream_content_type)
        return [kind, ("cache-control", "no-cache"), ("x-accel-buffering", "no"), *headers]

    def whole_head(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
        """The headers of a whole answer to a call, as JSON."""
        return [("content-type", "application/json"), *headers, ("content-length", str(len(body)))]

    async def start_stream(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send the head of a stream, unless a heartbeat has done so already."""
        if not self.started:
            await self.start(200, self.stream_head(headers))

    async def answer(self, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""
        await self.start(200, self.whole_head(headers, body))
        await self.client.end(body)

    async def refuse(
        self, error: TallygateError, headers: Iterable[tuple[str, str]] = (), *, sent: bool = False
    ) -> None:
        """Answer with an error in the client's own dialect: whole if nothing was sent yet, else as the stream's last
        event. `sent`: the call was sent to a provider, and so has a receipt.
        """
        if self.started:
            # Of a whole answer that began and broke nothing can be told any more.
            await self.client.end(self._write_failure(error) if self.peek.stream else b"")
            return
        rendered = self._render(error, sent=sent)
        kind, length = ("content-type", rendered.content_type), ("content-length", str(len(rendered.body)))
        await self.start(rendered.status, [kind, *error_headers(error, rendered.status), *headers, length])
        await self.client.end(rendered.body)

    def _render(self, error: TallygateError, *, sent: bool) -> Rendered:
        passported = PASSPORTED.get(self.dialect.name)
        if passported is None or not sent:
            return self.dialect.write_error(error, self.request_id)
        return passported.write_failure(error, self.id, self.request_id)

    def _write_failure(self, error: TallygateError) -> bytes:
        """The last event of a stream that broke."""
        if naming := NAMING.get(self.dialect.name):
            head = Started(naming.name_answer(self.id), self.peek.model, int(time.time()))
            return naming.fail(error, head, self.request_id)
        return self.streaming.writer(include_usage=False).fail(error, self.request_id)

    async def rest(self, seconds: float) -> None:
        """Wait while nothing is under way for this call. Raises ClientGone, or what the call was stopped with."""
        with self.departure.watching():
            await asyncio.sleep(seconds)


def error_headers(error: TallygateError, status: int = 0) -> list[tuple[str, str]]:
    """The headers that tell an SDK whether and when to try again (docs/reference/http.md). `status` is the answer's,
    where the client's dialect has its own for the error.
    """
    status = status or error.status
    headers: list[tuple[str, str]] = []
    if error.retry is not None:
        headers.append(("x-should-retry", "true" if error.retry else "false"))
    if status in (429, 503, 529):
        headers.append(("retry-after", str(min(60, max(1, error.retry_after_s or 1)))))
    if status == 401:
        headers.append(("www-authenticate", "Bearer"))
    return headers
