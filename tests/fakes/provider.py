"""The server under every fake provider: HTTP/1.1 over asyncio streams, written here so that no library can paper over
what the gateway sends or how it leaves.

All that happens goes to standard output as a journal, one JSON object a line, the very bytes included: tests prove from
it what was and what was not sent. Times are seconds of the machine's monotonic clock, which other processes share. What
a provider says is its subclass's business; how it misbehaves is in `behaviours`.
"""

import argparse
import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

REASONS = {200: "OK", 204: "No Content", 307: "Temporary Redirect", 401: "Unauthorized", 429: "Too Many Requests"}


class PeerGone(Exception):
    """The caller closed the connection while an answer was due."""


def note(event: str, **facts: Any) -> None:
    """One line of the journal."""
    sys.stdout.write(json.dumps({"event": event, "at_s": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


class Incoming:
    """One request as it came, and the means to answer it."""

    def __init__(self, provider: "Provider", writer: asyncio.StreamWriter, head: bytes, number: int) -> None:
        self.provider, self.writer, self.number = provider, writer, number
        request_line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = request_line.split(" ", 2)
        self.headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines if line)
        ]
        self.body = b""
        self.json: dict[str, Any] = {}
        self.must_close = self.header("connection").lower() == "close"
        self.chunk_index = 0

    def header(self, name: str) -> str:
        """The first value of a header, or the empty string."""
        return next((value for key, value in self.headers if key == name), "")

    def write_head(self, status: int, *headers: tuple[str, str]) -> None:
        """The head of the answer, with a few headers that are this provider's own business."""
        own = self.provider.own_headers(self)
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in (*own, *headers))]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        note("head", request=self.number, status=status)

    async def whole(
        self, status: int, body: bytes, *headers: tuple[str, str], media_type: str = "application/json"
    ) -> None:
        """A whole answer with its length."""
        self.write_head(status, ("content-type", media_type), ("content-length", str(len(body))), *headers)
        self.writer.write(body)
        await self.writer.drain()
        note("body", request=self.number, text=body.decode("latin-1"))

    def open_stream(self) -> None:
        """The head of a stream of events."""
        self.write_head(200, ("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked"))

    async def send(self, data: bytes) -> None:
        """Some bytes of a stream."""
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()
        note("chunk", request=self.number, index=self.chunk_index, text=data.decode("latin-1"))
        self.chunk_index += 1

    async def close_stream(self) -> None:
        """The clean end of a stream's body."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        note("end", request=self.number)

    def abort(self) -> None:
        """Break the connection off."""
        self.must_close = True
        note("abort", request=self.number)
        self.writer.transport.abort()


class Provider(ABC):
    """The server: its key, its gates, and counters for connections and requests. A subclass gives it a language."""

    opening_frames: int
    """How many events of a stream stand before the first piece of the answer."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._gates: dict[str, asyncio.Event] = {}
        self._connections = 0
        self._requests = 0

    def gate(self, name: str) -> asyncio.Event:
        """The gate of that name, shut until somebody opens it."""
        return self._gates.setdefault(name, asyncio.Event())

    @abstractmethod
    def own_headers(self, call: Incoming) -> list[tuple[str, str]]:
        """The headers of every answer that are this provider's own business."""

    @abstractmethod
    def whole_body(self, call: Incoming) -> bytes:
        """The body of a good whole answer."""

    @abstractmethod
    def frames(self, call: Incoming) -> list[bytes]:
        """The events of a good stream, all that ends it included."""

    @abstractmethod
    def error_body(self, call: Incoming, status: int, message: str) -> bytes:
        """The body of an answer with an error status."""

    @abstractmethod
    def error_frame(self, call: Incoming) -> bytes:
        """The event that says in mid-stream that all is lost."""

    @abstractmethod
    def last_user_text(self, call: Incoming) -> str:
        """What the user said last."""

    @abstractmethod
    def route(self, call: Incoming) -> Awaitable[None]:
        """The answer to a request that is not the tests' own."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        self._connections += 1
        connection, call = self._connections, None
        note("connected", connection=connection)
        closed_by, heard = "peer", b""
        try:
            while True:
                call = None
                call = await self._read(heard, reader, writer, connection)
                heard = await self._answer(call, reader)
                if call.must_close:
                    closed_by = "provider"
                    break
        except (asyncio.IncompleteReadError, ConnectionError, PeerGone):
            pass  # the journal says who left, and during what
        note("closed", connection=connection, by=closed_by, request=call.number if call else None)
        writer.close()

    async def _read(
        self, heard: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> Incoming:
        head = heard + await reader.readuntil(b"\r\n\r\n")
        self._requests += 1
        call = Incoming(self, writer, head[:-4], self._requests)
        if call.header("transfer-encoding"):
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                call.body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        else:
            call.body = await reader.readexactly(int(call.header("content-length") or 0))
        note(
            "request",
            request=call.number,
            connection=connection,
            method=call.method,
            path=call.path,
            headers=call.headers,
            body=call.body.decode("latin-1"),
        )
        return call

    async def _answer(self, call: Incoming, reader: asyncio.StreamReader) -> bytes:
        """Answer while listening for the caller's leaving. What was read of the next request meanwhile."""
        answering = asyncio.ensure_future(self._route(call))
        listening = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            # Only when the listener has left may another read from this connection. What came meanwhile stays unread.
            listening.cancel()
            await asyncio.wait({listening})
            answering.result()
            return b"" if listening.cancelled() else listening.result()
        # A caller that has its whole answer may ask again before we are back from sending it.
        heard = listening.result()
        if heard or answering.done():
            await answering
            return heard
        answering.cancel()
        raise PeerGone

    def _route(self, call: Incoming) -> Awaitable[None]:
        parts = call.path.strip("/").split("/")
        if parts[0] == "control":
            return self._control(call, parts[1], "/".join(parts[2:]))
        return self.route(call)

    async def _control(self, call: Incoming, verb: str, name: str) -> None:
        """The tests' own door: `open` a gate, or `mark` a place in the journal."""
        if verb == "open":
            self.gate(name).set()
        else:
            note("mark", name=name)
        await call.whole(200, b"{}")


async def main(make: Callable[[str], Provider]) -> None:
    """Listen on a free port of this machine, say which, and serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    server = await asyncio.start_server(make(parser.parse_args().key).serve, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()
