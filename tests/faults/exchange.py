"""One request at the hostile provider, and the means to answer it rightly or wrongly, byte by byte.

Whatever is sent is first written to the journal: no byte can leave that the judge does not know of. What to send is
decided in the `wrong_*` modules; nothing of HTTP is checked here, for breaking it is the purpose.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tests.faults.journal import Journal
from tests.faults.wires import TOKENS, Ask, Json, Wire, text_of, token

PROVIDER_KEY = "sk-lab-4f81c2d97b6e30a5"
LEAKS = (
    PROVIDER_KEY,
    "gpu-17.cluster.internal",
    "/srv/lab/worker.py",
    "10.20.30.40",
    "lab_scheduler",
)
"""What the provider's pages tell of itself and no caller of the gateway may ever read."""

PAGE = (
    f"Worker on {LEAKS[1]} ({LEAKS[3]}) failed for key {LEAKS[0]}: Traceback (most recent call last): "
    f'File "{LEAKS[2]}", line 17, in {LEAKS[4]}'
)


class Piece(NamedTuple):
    """A piece of a stream. `kind`: content, finish, terminator, error, or noise; `lane`: whose text it is."""

    data: bytes
    kind: str = "noise"
    text: str = ""
    lane: str = "0"


class PeerGone(Exception):
    """The gateway closed the connection while an answer was due."""


class Exchange:
    """One request and its answer."""

    def __init__(
        self, ask: Ask, wire: Wire, journal: Journal, writer: asyncio.StreamWriter, number: int, headers: list[str]
    ) -> None:
        self.ask, self.wire, self.number = ask, wire, number
        self.request_headers = headers
        self.must_close = False
        self._journal, self._writer = journal, writer
        self._emitted = 0

    def note(self, event: str, *, durable: bool = False, **facts: Any) -> None:
        """An entry about this request."""
        self._journal.note(event, durable=durable, request=self.number, **facts)

    def emit(self, kind: str, text: str = "", lane: str = "0") -> None:
        """Say in the journal what the next bytes mean."""
        self.note("emitted", number=self._emitted, kind=kind, text=text, lane=lane)
        self._emitted += 1

    async def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int | str, *headers: tuple[str, str]) -> None:
        """A status line and headers, right or wrong."""
        reason = status if isinstance(status, str) else f"{status} Lab"
        lines = [f"HTTP/1.1 {reason}", *(f"{name}: {value}" for name, value in headers)]
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def answer(
        self, status: int, body: bytes, *headers: tuple[str, str], media_type: str = "application/json", text: str = ""
    ) -> None:
        """A whole answer of true length. With `text` it counts as a sound one."""
        if text:
            self.emit("whole", text)
        await self.head(status, ("content-type", media_type), ("content-length", str(len(body))), *headers)
        await self.raw(body)
        self.note("ended", how="clean")

    async def answer_json(self, value: Json, *headers: tuple[str, str], text: str = "") -> None:
        """A whole answer with status 200."""
        await self.answer(200, json.dumps(value, ensure_ascii=False).encode(), *headers, text=text)

    async def refuse(self, status: int, *headers: tuple[str, str], message: str = PAGE) -> None:
        """An error in this wire's shape, whose text tells more than a caller may know."""
        self.emit("error")
        await self.answer(status, json.dumps(self.wire.error(status, message)).encode(), *headers)

    async def open_stream(self, *headers: tuple[str, str], media_type: str = "text/event-stream") -> None:
        """The head of a stream."""
        await self.head(200, ("content-type", media_type), ("transfer-encoding", "chunked"), *headers)

    async def send(self, piece: Piece) -> None:
        """One piece, in a chunk of its own."""
        if piece.kind != "noise" or piece.text:
            self.emit(piece.kind, piece.text, piece.lane)
        await self.raw(f"{len(piece.data):x}\r\n".encode() + piece.data + b"\r\n")

    async def close_stream(self) -> None:
        """The clean end of a body in chunks."""
        await self.raw(b"0\r\n\r\n")
        self.note("ended", how="clean")

    async def play(self, pieces: list[Piece], *, close: bool = True) -> None:
        """A stream of these pieces, to its clean end or left open."""
        await self.open_stream()
        for piece in pieces:
            await self.send(piece)
        if close:
            await self.close_stream()

    def fin(self) -> None:
        """Hang up politely."""
        self.must_close = True
        self.note("ended", how="fin")

    def reset(self) -> None:
        """Tear the connection down: what was sent may be lost, and the other side gets a reset."""
        self.must_close = True
        self.note("ended", how="reset")
        reset(self._writer)

    async def hang(self) -> None:
        """Say nothing more until the gateway leaves (the caller of this coroutine is cancelled then)."""
        await asyncio.Event().wait()

    def good(self, tokens: int = TOKENS, usage: Any = None) -> list[Piece]:
        """The pieces of a good stream."""
        ask, wire = self.ask, self.wire
        return [
            *(Piece(data) for data in wire.opening(ask)),
            *(self.content(number) for number in range(tokens)),
            *(Piece(data, "finish") for data in wire.finish(ask, usage)),
            Piece(wire.terminator(), "terminator"),
        ]

    def content(self, number: int) -> Piece:
        """One token of the good stream."""
        text = token(self.ask.nonce, number)
        return Piece(self.wire.content(self.ask, text), "content", text)

    def body(self) -> Json:
        """The body of a good whole answer."""
        return self.wire.whole(self.ask, self.text)

    @property
    def text(self) -> str:
        """The text of a good answer."""
        return text_of(self.ask.nonce)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[None]]


async def behave(x: Exchange) -> None:
    """The good answer, whole or streamed."""
    if x.ask.stream:
        await x.play(x.good())
    else:
        await x.answer_json(x.body(), text=x.text)
