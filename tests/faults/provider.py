"""The hostile provider: raw sockets in a process of its own, which does wrong whatever the model's name asks for.

The model is called FAULT.NONCE: the script of a request travels in the one field that every translation carries over.
Faults of the connection live on ports ("doors") of their own. All that is accepted, emitted and closed is in its
journal. Nothing of the gateway is imported here.

    python -m tests.faults.provider --journal FILE --certificate FILE --key FILE
"""

import argparse
import asyncio
import json
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.faults.exchange import LEAKS, PROVIDER_KEY, Exchange, PeerGone
from tests.faults.journal import Journal
from tests.faults.table import FAULTS
from tests.faults.wires import WIRE_OF_PATH, read_ask


class Provider:
    """The server: its journal, and counters for connections and requests."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._connections = 0
        self._requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        self._connections += 1
        connection = self._connections
        by, request, heard = "peer", None, b""
        try:
            while True:
                x = await self._read(heard, reader, writer, connection)
                request = x.number
                heard = await _answer(x, reader)
                if x.must_close:
                    by = "provider"
                    break
                request = None
        except (asyncio.IncompleteReadError, ConnectionError, PeerGone):
            writer.transport.abort()  # the journal says who left, and during what
        self._journal.note("closed", durable=True, connection=connection, by=by, request=request)
        writer.close()

    async def _read(
        self, heard: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> Exchange:
        head = (heard + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *headers = head.strip().split("\r\n")
        path = request_line.split(" ")[1]
        length = next(int(line.split(":")[1]) for line in headers if line.lower().startswith("content-length:"))
        ask = read_ask(json.loads(await reader.readexactly(length)))
        self._requests += 1
        x = Exchange(ask, WIRE_OF_PATH[path], self._journal, writer, self._requests, headers)
        x.note(
            "accepted",
            durable=True,
            connection=connection,
            nonce=ask.nonce,
            fault=ask.fault,
            wire=x.wire.name,
            stream=ask.stream,
            signed_in=any(PROVIDER_KEY in line for line in headers),
            leaks=LEAKS,
        )
        return x


async def _answer(x: Exchange, reader: asyncio.StreamReader) -> bytes:
    """Answer while listening for the caller's leaving. The first byte of a next request, if it came meanwhile."""
    answering = asyncio.ensure_future(FAULTS[x.ask.fault].behaviour(x))
    listening = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and not answering.done() and not listening.result():
            raise PeerGone
        await answering
        return listening.result() if listening.done() else b""
    finally:
        answering.cancel()
        listening.cancel()
        await asyncio.wait({answering, listening})


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Doors:
    """The ports, by name, and what must stay alive behind them."""

    def __init__(self, provider: Provider, certificate: Path, key: Path) -> None:
        self._provider = provider
        self._identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._identity.load_cert_chain(certificate, key)
        self._kept: list[object] = []
        self.ports: dict[str, int] = {}

    async def open(self) -> None:
        """Open them all."""
        await self._listen("lab")
        await self._listen("tls-to-plain", serve=_refuse_hello)
        await self._listen("tls-untrusted", identity=self._identity)
        await self._listen("accept-close", serve=_hang_up)
        await self._listen("accept-silence", serve=_ignore)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.ports["refuse"] = unused.getsockname()[1]
        self.ports["blackhole"] = self._fill_backlog()

    async def _listen(self, name: str, *, serve: Serve | None = None, identity: ssl.SSLContext | None = None) -> None:
        server = await asyncio.start_server(serve or self._provider.serve, "127.0.0.1", 0, limit=1 << 26, ssl=identity)
        self._kept.append(server)
        self.ports[name] = server.sockets[0].getsockname()[1]

    def _fill_backlog(self) -> int:
        """A port whose queue is full: the system drops every further attempt to connect."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self._kept.append(listener)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
            self._kept.append(waiting)
        return listener.getsockname()[1]


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _refuse_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a plain server does with the first bytes of TLS."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
    writer.close()


async def _ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def main() -> None:
    """Open the doors, say where they are, and serve until stopped."""
    parser = argparse.ArgumentParser()
    for name in ("--journal", "--certificate", "--key"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    doors = Doors(Provider(Journal(options.journal)), options.certificate, options.key)
    await doors.open()
    sys.stdout.write(f"doors {json.dumps(doors.ports)}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
