"""A provider that speaks OpenAI's chat wire, in a process of its own: what the gateway's contract tests call upstream.

It writes its own HTTP/1.1 over asyncio streams, so no library can paper over what the gateway sends or how it leaves.
The model's name chooses how it behaves (`BEHAVIOURS`). All that happens goes to standard output as a journal, one
JSON object a line, the very bytes included: tests prove from it what was and what was not sent. Times are seconds of
the machine's monotonic clock, which other processes share.

    python -m tests.fakes.openai_provider --key KEY
"""

import argparse
import asyncio
import gzip
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes import openai_answers as said

MODELS = ("up-echo", "up-think", "labs/up-slash")
PACE_S = 0.01
SLOW_S = 0.2
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
        own = (
            ("x-request-id", f"lab-req-{self.number}"),
            ("set-cookie", "lab=cookie"),
            ("openai-organization", "lab-org"),
        )
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

    def frames(self) -> list[bytes]:
        """The events of a whole good stream without its terminator."""
        return [event(chunk) for chunk in said.chunks(self.json, self.number)]


def event(chunk: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


async def answer(call: Incoming) -> None:
    """The good behaviour: whole or streamed, whatever was asked."""
    if not call.json.get("stream"):
        await call.whole(200, json.dumps(said.whole(call.json, call.number), ensure_ascii=False).encode())
        return
    call.open_stream()
    for frame in call.frames():
        await call.send(frame)
    await call.send(DONE)
    await call.close_stream()


async def slow(call: Incoming) -> None:
    """A pause before the head, then a good answer."""
    await asyncio.sleep(SLOW_S)
    await answer(call)


async def silent(call: Incoming) -> None:
    """Never a byte."""
    await asyncio.Event().wait()


async def steady(call: Incoming) -> None:
    """A stream with no end."""
    call.open_stream()
    frames = call.frames()
    await call.send(frames[0])
    while True:
        await call.send(frames[1])
        await asyncio.sleep(PACE_S)


async def gated(call: Incoming) -> None:
    """Role and the first piece; the rest only when a test has opened the gate named by the last user message."""
    call.open_stream()
    frames = call.frames()
    for frame in frames[:2]:
        await call.send(frame)
    await call.provider.gate(said.last_user_text(call.json)).wait()
    for frame in [*frames[2:], DONE]:
        await call.send(frame)
    await call.close_stream()


async def cut(call: Incoming, count: int, how: str) -> None:
    """`count` chunks, then: `break` resets, `cut` ends the body cleanly but too early, `stall` goes silent."""
    if not call.json.get("stream"):
        body = json.dumps(said.whole(call.json, call.number)).encode()
        call.write_head(200, ("content-type", "application/json"), ("content-length", str(len(body))))
        call.writer.write(body[: len(body) // 2])
        await call.writer.drain()
    else:
        call.open_stream()
        for frame in call.frames()[:count]:
            await call.send(frame)
    if how == "stall":
        await silent(call)
    elif how == "cut" and call.json.get("stream"):
        await call.close_stream()
    else:
        call.abort()


async def fail(call: Incoming, status: int) -> None:
    """An error status; the body tells things that must not reach the gateway's own callers."""
    error = {
        "message": f"lab says {status}; key {call.provider.key}",
        "type": "lab_error",
        "param": "messages",
        "code": "lab_code",
    }
    after = [("retry-after", "7")] if status in {429, 503} else []
    await call.whole(status, json.dumps({"error": error}).encode(), *after)


async def html(call: Incoming) -> None:
    """A page with status 200, as proxies like to send."""
    await call.whole(200, b"<html><body>Welcome to the lab</body></html>", media_type="text/html")


async def bad_json(call: Incoming) -> None:
    """A body that says it is JSON."""
    await call.whole(200, b'{"id": "chatcmpl-lab", "choices": [')


async def redirect(call: Incoming) -> None:
    """A redirect that must not be followed with a provider's key in hand."""
    await call.whole(307, b"", ("location", "/v1/elsewhere"))


async def compressed(call: Incoming) -> None:
    """A good answer in an encoding nobody asked for."""
    body = gzip.compress(json.dumps(said.whole(call.json, call.number)).encode())
    await call.whole(200, body, ("content-encoding", "gzip"))


async def error_midstream(call: Incoming) -> None:
    """Three chunks, then an error object, then the end."""
    call.open_stream()
    for frame in call.frames()[:3]:
        await call.send(frame)
    await call.send(
        event({"error": {"message": "lab broke", "type": "server_error", "param": None, "code": "lab_code"}})
    )
    await call.close_stream()


async def no_done(call: Incoming) -> None:
    """Everything but `[DONE]`."""
    call.open_stream()
    for frame in call.frames():
        await call.send(frame)
    await call.close_stream()


async def tiny_writes(call: Incoming) -> None:
    """A good stream, each byte in a chunk of its own, with CRLF line ends and a comment between events."""
    call.open_stream()
    stream = b": lab\r\n\r\n".join(frame.replace(b"\n", b"\r\n") for frame in [*call.frames(), DONE])
    for position in range(len(stream)):
        await call.send(stream[position : position + 1])
    await call.close_stream()


async def usage_unasked(call: Incoming) -> None:
    """Usage at the end of a stream whether or not it was asked for."""
    call.json = {**call.json, "stream_options": {"include_usage": True}}
    await answer(call)


Behaviour = Callable[[Incoming], Awaitable[None]]

BEHAVIOURS: dict[str, Behaviour] = {
    "up-slow": slow,
    "up-silent": silent,
    "up-steady": steady,
    "up-gated": gated,
    "up-html": html,
    "up-bad-json": bad_json,
    "up-redirect": redirect,
    "up-gzip": compressed,
    "up-error-midstream": error_midstream,
    "up-nodone": no_done,
    "up-tiny-writes": tiny_writes,
    "up-usage-unasked": usage_unasked,
}
NUMBERED = re.compile(r"up-(break|cut|stall)-after-(\d+)")
STATUS = re.compile(r"up-(\d{3})")


class Provider:
    """The server: its key, its gates, and counters for connections and requests."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._gates: dict[str, asyncio.Event] = {}
        self._connections = 0
        self._requests = 0

    def gate(self, name: str) -> asyncio.Event:
        """The gate of that name, shut until somebody opens it."""
        return self._gates.setdefault(name, asyncio.Event())

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
            listening.cancel()
            answering.result()
            return b""
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
        if call.header("authorization") != f"Bearer {self.key}":
            return fail(call, 401)
        if (call.method, call.path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model", "created": said.CREATED_S, "owned_by": "lab"} for name in MODELS]
            return call.whole(200, json.dumps({"object": "list", "data": listed}).encode())
        if (call.method, call.path) != ("POST", "/v1/chat/completions"):
            return fail(call, 404)
        call.json = json.loads(call.body)
        return behaviour_of(call.json["model"])(call)

    async def _control(self, call: Incoming, verb: str, name: str) -> None:
        """The tests' own door: `open` a gate, or `mark` a place in the journal."""
        if verb == "open":
            self.gate(name).set()
        else:
            note("mark", name=name)
        await call.whole(200, b"{}")


def behaviour_of(model: str) -> Behaviour:
    """How this provider treats calls of a model."""
    if numbered := NUMBERED.fullmatch(model):
        how, count = numbered.groups()
        return lambda call: cut(call, int(count), how)
    if status := STATUS.fullmatch(model):
        return lambda call: fail(call, int(status[1]))
    return BEHAVIOURS.get(model, answer)


async def main() -> None:
    """Listen on a free port of this machine, say which, and serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    server = await asyncio.start_server(Provider(parser.parse_args().key).serve, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
