"""A provider made of bytes: a loopback server that says exactly what it is told, well-formed or not."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from tallygate.transport.base import Answer, Exit, OutgoingRequest
from tallygate.transport.http import HttpExit
from tallygate.transport.settings import TransportSettings

Script = Callable[["Line"], Awaitable[None]]


class Line:
    """One accepted connection, as a script sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    async def hear(self) -> tuple[str, bytes]:
        """One request: its head and its body."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-length")), 0)
        return head, await self._reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hear_end(self) -> None:
        """Wait until the other side closes."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass

    @property
    def agreed_protocol(self) -> str | None:
        """What both sides agreed to speak over TLS."""
        return self._writer.get_extra_info("ssl_object").selected_alpn_protocol()

    def hang_up(self) -> None:
        """Close the proper way (FIN)."""
        self._writer.close()

    def tear_down(self) -> None:
        """Close at once (RST)."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


@asynccontextmanager
async def serving(script: Script, identity: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """Run `script` for every connection; the address to send to. A script that fails fails the test."""
    lines: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []
    number = 0

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(Line(number, reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side went away, as tests of breaks want it
        except Exception as error:  # noqa: BLE001 (it is raised in the test itself, below)
            failures.append(error)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        number += 1
        task = asyncio.ensure_future(run(reader, writer))
        lines.add(task)
        task.add_done_callback(lines.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=identity)
    try:
        scheme = "https" if identity else "http"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(lines):
            task.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await server.wait_closed()
    if failures:
        raise failures[0]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with a right length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unused_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(url: str, body: bytes = b"{}", *headers: tuple[str, str]) -> OutgoingRequest:
    return OutgoingRequest("POST", f"{url}/v1/chat/completions", (("content-type", "application/json"), *headers), body)


@asynccontextmanager
async def going_out(settings: TransportSettings | None = None) -> AsyncGenerator[Exit]:
    exit_ = HttpExit(settings)
    try:
        yield exit_
    finally:
        await exit_.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (what happens inside the client sets no event)
        await asyncio.sleep(0.001)


async def read_all(got: Answer) -> bytes:
    pieces: list[bytes] = []
    while data := await got.read():
        pieces.append(data)
    return b"".join(pieces)


def assert_ours(message: str) -> None:
    """A person reads it, and it tells nothing of addresses or libraries."""
    assert message.endswith((".", "?"))
    assert all(word not in message.lower() for word in ("127.0.0.1", "aiohttp", "errno", "http://", "localhost", "["))
