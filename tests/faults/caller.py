"""The campaign's clients: raw sockets that write down every attempt before it is made, and every byte when it comes.

They read HTTP strictly: a body that ends before its framing says so is torn, never complete. They can leave or stop
reading at a chosen moment. Connections are used again after a whole answer, as real clients do, for that is where
cross-talk would show.
"""

import asyncio
import json
import random
import string
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from tests.faults.exchange import reset
from tests.faults.journal import Journal
from tests.faults.wires import WIRES, Json

CALL_TIMEOUT_S = 60.0


class Leave(NamedTuple):
    """When a client leaves: once it has so many bytes of the body (-1: as soon as it has asked), or after a while."""

    after_bytes: int | None = None
    after_s: float | None = None
    reset: bool = False


class Answered(NamedTuple):
    """What a call came to."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    how: str


class Torn(Exception):
    """The connection ended before the answer did."""


class Left(Exception):
    """The client has had enough."""


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def make_nonce(source: random.Random) -> str:
    """A name that no other call bears."""
    return f"zq{''.join(source.choices(string.ascii_lowercase + string.digits, k=8))}qz"


class Caller:
    """Clients of one gateway, or of what stands before it."""

    def __init__(self, history: Journal, port: int, key: str) -> None:
        self._history, self._port, self._key = history, port, key
        self._idle: list[Line] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def call(
        self, wire: str, row: str, fault: str, nonce: str, *, stream: bool, leave: Leave | None = None
    ) -> Answered:
        """One call to a model of a provider's row."""
        request = WIRES[wire].request(f"{row}/{fault}.{nonce}", stream=stream)
        asked = {"wire": wire, "row": row, "fault": fault, "stream": stream}
        self._history.note("asked", durable=True, nonce=nonce, **asked)
        status, headers, body, how = 0, dict[str, str](), b"", "torn"
        line: Line | None = None
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S if leave is None or leave.after_s is None else leave.after_s):
                line = await self._ask(WIRES[wire].path, request)
                if leave is not None and leave.after_bytes == -1:
                    raise Left
                status, pairs = await read_head(line[0])
                headers = dict(pairs)
                self._history.note("head", nonce=nonce, status=status, headers=pairs)
                async for data in read_body(line[0], status, headers):
                    body += data
                    self._history.note("got", nonce=nonce, data=data.decode("latin-1"))
                    if leave is not None and leave.after_bytes is not None and len(body) > leave.after_bytes:
                        raise Left
            how = "complete"
        except Left:
            how = "left"
        except TimeoutError:
            how = "late" if leave is None or leave.after_s is None else "left"
        except (Torn, OSError, asyncio.IncompleteReadError):
            how = "torn"
        finally:
            self._part(line, how, headers, harshly=leave is not None and leave.reset)
            self._history.note("ended", nonce=nonce, how=how)
        return Answered(status, headers, body, how)

    async def stall(self, wire: str, row: str, fault: str, nonce: str, until: asyncio.Event) -> None:
        """Ask for a stream and never read it; leave when told."""
        self._history.note("asked", durable=True, nonce=nonce, wire=wire, row=row, fault=fault, stream=True)
        line = await self._ask(WIRES[wire].path, WIRES[wire].request(f"{row}/{fault}.{nonce}", stream=True))
        self._history.note("stalled", nonce=nonce)
        await until.wait()
        reset(line[1])
        self._history.note("ended", nonce=nonce, how="left")

    async def get(self, path: str) -> int:
        """The status of a GET on a connection of its own; 0 if there was no answer."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n".encode())
                return (await read_head(reader))[0]
            finally:
                writer.close()
        except (OSError, Torn, asyncio.IncompleteReadError):
            return 0

    async def probe(self, path: str) -> None:
        """One look at an address, with how long it took."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        status = await self.get(path)
        self._history.note("probe", path=path, status=status, took_s=loop.time() - begun_s)

    async def close(self) -> None:
        """Close every connection."""
        self._idle.clear()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers.clear()

    async def _ask(self, path: str, request: Json) -> Line:
        line = await self._connect()
        body = json.dumps(request).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._key}\r\nanthropic-version: 2023-06-01\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        line[1].write(head.encode() + body)
        return line

    async def _connect(self) -> Line:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        line = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.add(line[1])
        return line

    def _part(self, line: Line | None, how: str, headers: Mapping[str, str], *, harshly: bool) -> None:
        if line is None:
            return
        self._writers = {writer for writer in self._writers if not writer.is_closing()}
        if how == "complete" and headers.get("connection") != "close":
            self._idle.append(line)
        elif harshly:
            reset(line[1])
        else:
            line[1].close()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    """Status and headers of an answer. Raises Torn."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Torn from None
    status_line, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(status_line.split(" ")[1]), pairs


async def read_body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Torn if it ends before its framing does."""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await _read_line(reader), 16):
            while size:
                data = await _read(reader, size)
                size -= len(data)
                yield data
            if await _read_line(reader):
                raise Torn
        if await _read_line(reader):
            raise Torn
    elif "content-length" in headers:
        left = int(headers["content-length"])
        while left:
            data = await _read(reader, left)
            left -= len(data)
            yield data
    elif status not in (204, 304):
        while data := await reader.read(1 << 16):
            yield data


async def _read(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        data = await reader.read(size)
    except ConnectionError:
        raise Torn from None
    if not data:
        raise Torn
    return data


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Torn from None
