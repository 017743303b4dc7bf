"""One call on its way through the house: what came in, where its answer goes, and how its client is told apart from it.

A call is owned by one task that outlives its client (`departure`): the client may leave at any moment, the call still
comes to its end. Rooms never see a `Call`, only the values they need.
"""

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Protocol

from tallygate.dialects.base import Dialect
from tallygate.errors import TallygateError
from tallygate.genai.peek import Peek
from tallygate.genai.secret import Secret


class ClientGone(Exception):
    """The client closed its connection, or stopped reading for too long."""


class Client(Protocol):
    """Where an answer goes: a socket, a batch's result file. `send` returns once the bytes are handed to the
    transport.
    """

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the answer's head, once."""
        ...

    async def send(self, chunk: bytes) -> None:
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
        self._why: Exception | None = None
        self._waiting: asyncio.Task[object] | None = None

    def leave(self) -> None:
        """Called by the door, once it sees the client's end of the connection close. Later calls do nothing."""
        self.left = True
        self._interrupt(ClientGone())

    def stop(self, error: TallygateError) -> None:
        """Called by the door when the gateway itself must end the call: the client is still there and gets `error`."""
        self._interrupt(error)

    def _interrupt(self, why: Exception) -> None:
        if self._why is not None:
            return
        self._why = why
        if self._waiting is not None:
            self._waiting.cancel()

    @contextmanager
    def watching(self) -> Generator[None]:
        """Raise ClientGone, or what the call was stopped with, inside this stretch; at once if that was before."""
        if self._why is not None:
            raise self._why
        task = self._waiting = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            # Ours only if the door asked for it; a shutdown's cancel must stay one.
            if self._why is not None and task is not None and task.uncancel() == 0:
                raise self._why from None
            raise
        finally:
            self._waiting = None


class Call:
    """One request, from its door to its end. Made by `api`, walked by `pipeline.run`."""

    __slots__ = (
        "arrived_ns",
        "body",
        "client",
        "credential",
        "departure",
        "dialect",
        "forwarded",
        "id",
        "operation",
        "peek",
        "request_id",
        "started",
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
        self.departure = Departure()
        self.started = False

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the head of the answer, with the headers every answer bears."""
        self.started = True
        await self.client.start(status, [*headers, ("x-request-id", self.request_id), ("request-id", self.request_id)])

    async def start_stream(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send the head of a stream, unless a heartbeat has done so already. Proxies are told not to gather it."""
        if not self.started:
            kind = ("content-type", self.dialect.stream_content_type)
            await self.start(200, [kind, ("cache-control", "no-cache"), ("x-accel-buffering", "no"), *headers])

    async def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""
        await self.start(status, [*headers, ("content-length", str(len(body)))])
        await self.client.end(body)

    async def refuse(self, error: TallygateError) -> None:
        """Answer with an error in the client's own dialect: whole if nothing was sent yet, else as the stream's last
        event.
        """
        if self.started:
            await self.client.end(self.dialect.writer(include_usage=False).fail(error, self.request_id))
            return
        rendered = self.dialect.write_error(error, self.request_id)
        await self.answer(
            rendered.status, [("content-type", rendered.content_type), *error_headers(error)], rendered.body
        )


def error_headers(error: TallygateError) -> list[tuple[str, str]]:
    """The headers that tell an SDK whether and when to try again (docs/reference/http.md)."""
    headers: list[tuple[str, str]] = []
    if error.retry is False:
        headers.append(("x-should-retry", "false"))
    if error.status in (429, 503, 529):
        headers.append(("retry-after", str(min(60, max(1, error.retry_after_s or 1)))))
    if error.status == 401:
        headers.append(("www-authenticate", "Bearer"))
    return headers
