"""A small gateway with planted bugs: the proof that the judge sees. Honest unless the model's row names a bug.

It speaks one wire and knows nothing of the real gateway; what it has in common with it is what the judge looks at. A
process of its own, stopped by SIGTERM as a gateway is; how it goes wrong at that is said by `--drain`.

    python -m tests.faults.planted --provider PORT [--drain BUG]
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from itertools import count

from tests.faults.caller import Line, Torn, read_body, read_head

BEAT_S = 0.05
BLOCK_S = 0.5
ERROR = {"message": "The provider failed.", "type": "server_error", "param": None, "code": "stream_broken"}
DONE = b"data: [DONE]\n\n"

BUGS = {
    "drop-chunk": "S1",
    "repeat-chunk": "S1",
    "swap-chunks": "S1",
    "replace-character": "S1",
    "done-after-error": "S2",
    "done-twice": "S2",
    "page-as-error": "S2",
    "keep-upstream": "S3",
    "swallow-error": "S5",
    "done-on-loss": "S5",
    "half-body": "S5",
    "no-pause": "S6",
    "block-loop": "S7",
    "mix-streams": "S9",
    "no-heartbeat": "S10",
    "numbered-heartbeat": "S10",
    "ask-again": "C7",
    "outcome-twice": "C8",
    "no-outcome": "C8",
    "wrong-outcome": "C8",
    "relay-error": "X4",
    "trace-in-error": "X4",
}
"""Each bug of a call, and the promise it breaks."""

DRAIN_BUGS = ("stay-ready", "cut-streams", "exit-badly", "never-exit")


class Walk:
    """One call on its way."""

    numbers = count(1)
    last_frame = b""

    def __init__(self, provider: int, bug: str, model: str, request: dict[str, object], client: Line) -> None:
        self._provider, self.bug, self._model = provider, bug, model
        self._request = {**request, "model": model.partition("/")[2]}
        self._writer = client[1]
        self._upstream: asyncio.StreamWriter | None = None
        self.status = "cancelled"
        self._sent_at_s = time.monotonic()
        self._streaming = False

    async def run(self) -> None:
        """Serve it."""
        beating = asyncio.ensure_future(self._beat()) if self._request["stream"] else None
        try:
            await self._serve()
        finally:
            if beating is not None:
                beating.cancel()
            if self.bug != "keep-upstream" and self._upstream is not None:
                self._upstream.close()
            self._record()

    async def _serve(self) -> None:
        reader = await self._ask()
        status, pairs = await read_head(reader)
        body = read_body(reader, status, dict(pairs))
        if status != 200:
            page = b"".join([data async for data in body])
            await self._refuse(page if self.bug == "relay-error" else b"")
        elif self._request["stream"]:
            await self._stream(body)
        else:
            await self._whole(body)

    async def _ask(self) -> asyncio.StreamReader:
        reader, self._upstream = await asyncio.open_connection("127.0.0.1", self._provider)
        body = json.dumps(self._request).encode()
        self._upstream.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        return reader

    async def _whole(self, body: AsyncIterator[bytes]) -> None:
        whole = b""
        try:
            async for data in body:
                whole += data
        except Torn:
            if self.bug != "half-body":
                await self._refuse(b"")
                return
        self._answer("200 OK", whole)
        self.status = "ok"

    async def _stream(self, body: AsyncIterator[bytes]) -> None:
        self._begin()
        try:
            await self._pass(body)
        except Torn:
            if self.bug == "ask-again":
                reader = await self._ask()
                status, pairs = await read_head(reader)
                with contextlib.suppress(Torn):
                    await self._pass(read_body(reader, status, dict(pairs)))
            if self.bug not in ("swallow-error", "done-on-loss"):
                self._chunk(b"data: " + json.dumps({"error": ERROR}).encode() + b"\n\n")
            if self.bug in ("done-after-error", "done-on-loss"):
                self._chunk(DONE)
            self.status = "partial"
        self._writer.write(b"0\r\n\r\n")

    async def _pass(self, body: AsyncIterator[bytes]) -> None:
        """Frame by frame, with this call's bug in the third."""
        rest, place, kept = b"", 0, b""
        async for data in body:
            *frames, rest = (rest + data).split(b"\n\n")
            for frame in (frame + b"\n\n" for frame in frames):
                place += 1
                if place == 3:
                    if self.bug == "swap-chunks":
                        kept = frame
                        continue
                    self._chunk(self._spoil(frame))
                else:
                    self._chunk(frame + kept)
                kept = b""
                if self.bug != "no-pause":
                    await self._writer.drain()
                if frame == DONE:
                    self._chunk(DONE if self.bug == "done-twice" else b"")
                    self.status = "ok"
                    return
                await asyncio.sleep(0)
        raise Torn

    def _spoil(self, frame: bytes) -> bytes:
        stranger, Walk.last_frame = Walk.last_frame, frame
        match self.bug:
            case "drop-chunk":
                return b""
            case "repeat-chunk":
                return frame * 2
            case "replace-character":
                return frame.replace("☃".encode(), "�".encode())
            case "mix-streams":
                return stranger
            case "block-loop":
                time.sleep(BLOCK_S)
            case _:
                pass
        return frame

    async def _refuse(self, page: bytes) -> None:
        self.status = "failed"
        if self.bug == "page-as-error":
            page = b"Bad Gateway"
        if self.bug == "trace-in-error":
            page = json.dumps({"error": {**ERROR, "message": "aiohttp.ClientError in /usr/lib/gateway.py"}}).encode()
        if not self._streaming:
            self._answer("502 Bad Gateway", page or json.dumps({"error": ERROR}).encode())

    def _answer(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)

    def _begin(self) -> None:
        if not self._streaming:
            self._streaming = True
            self._writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )

    def _chunk(self, data: bytes) -> None:
        if data:
            self._sent_at_s = time.monotonic()
            self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if time.monotonic() - self._sent_at_s > BEAT_S and self.bug != "no-heartbeat":
                self._begin()
                self._chunk(b"id: 5\n\n" if self.bug == "numbered-heartbeat" else b": beat\n\n")

    def _record(self) -> None:
        """One line as the gateway's log has it."""
        status = "ok" if self.bug == "wrong-outcome" else self.status
        facts = f"gen_ai.request.model='{self._model}' tallygate.status='{status}'"
        for _ in range({"no-outcome": 0, "outcome-twice": 2}.get(self.bug, 1)):
            sys.stdout.write(f"call call_{next(self.numbers):032x} {facts}\n")
            sys.stdout.flush()


class Planted:
    """The server."""

    def __init__(self, provider: int, drain_bug: str) -> None:
        self._provider, self._drain_bug = provider, drain_bug
        self._kept: set[asyncio.Task[None]] = set()
        self._draining = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if head.startswith("GET"):
                    busy = self._draining and self._drain_bug != "stay-ready" and "/ready" in head
                    writer.write(f"HTTP/1.1 {503 if busy else 200} -\r\ncontent-length: 0\r\n\r\n".encode())
                    continue
                length = next(
                    int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length")
                )
                request = json.loads(await reader.readexactly(length))
                await self._call(request, (reader, writer))
        writer.close()

    async def _call(self, request: dict[str, str], client: Line) -> None:
        walk = Walk(self._provider, request["model"].partition("/")[0], request["model"], dict(request), client)
        running = asyncio.ensure_future(walk.run())
        self._kept.add(running)
        running.add_done_callback(self._kept.discard)
        gone = asyncio.ensure_future(client[0].read(1))
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and walk.bug != "keep-upstream":
            running.cancel()
        gone.cancel()
        await asyncio.wait({gone})
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await running

    async def drain(self) -> int:
        """What SIGTERM asks for; the exit code."""
        self._draining = True
        if self._drain_bug == "never-exit":
            await asyncio.Event().wait()
        while self._kept and self._drain_bug != "cut-streams":
            await asyncio.wait(self._kept)
        await asyncio.sleep(BEAT_S)
        return 3 if self._drain_bug == "exit-badly" else 0


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--provider", type=int, required=True)
    parser.add_argument("--drain", choices=("", *DRAIN_BUGS), default="")
    options = parser.parse_args()
    planted = Planted(options.provider, options.drain)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    server = await asyncio.start_server(planted.serve, "127.0.0.1", 0)
    sys.stdout.write(f"listening on {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await told.wait()
    code = await planted.drain()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    asyncio.run(main())
