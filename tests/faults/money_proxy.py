"""A proxy before PostgreSQL that knows enough of its protocol to see a COMMIT, and cuts the line there, once.

The request can get lost, its answer, or the request can lie on the way until somebody lets it go on: then nobody knows
yet what will become of it (https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Cut = Literal["request", "answer", "delay"]

BLOCK_BYTES = 1 << 16
SOCKET = ".s.PGSQL.5432"
COMMITTED = b"COMMIT\0"


class Proxy:
    """Listens on a socket of its own, in a thread of its own, for the length of a `with` block."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._cut: Cut | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self.cuts = 0
        self.links = 0
        self._release = asyncio.Event()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="tallygate-px-", dir="/tmp")
        self._thread.start()
        opening = asyncio.start_unix_server(self._carry, Path(self._folder.name) / SOCKET)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def url(self, name: str) -> str:
        """The address of one database, through this proxy."""
        return f"postgresql://postgres@/{name}?host={self._folder.name}"

    def cut_next(self, cut: Cut) -> None:
        """Cut the line at the next COMMIT."""
        self._release = asyncio.Event()
        self._cut = cut

    def release(self) -> None:
        """Let a delayed request go on."""
        self._loop.call_soon_threadsafe(self._release.set)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links += 1
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._target / SOCKET)
        except OSError:
            writer.close()
            return
        with _closing(writer, far_writer):
            down = asyncio.ensure_future(self._answers(far_reader, writer))
            with contextlib.suppress(OSError):
                await self._requests(reader, writer, far_writer, down)
            down.cancel()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_writer: asyncio.StreamWriter,
        down: "asyncio.Future[None]",
    ) -> None:
        commits = _Commits()
        while block := await reader.read(BLOCK_BYTES):
            if commits.sees(block) and self._cut in ("request", "delay"):
                is_late, self._cut = self._cut == "delay", None
                down.cancel()
                writer.transport.abort()
                self.cuts += 1
                if is_late:
                    await self._release.wait()
                    far_writer.write(block)
                    await far_writer.drain()
                return
            far_writer.write(block)
            await far_writer.drain()

    async def _answers(self, far_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await far_reader.read(BLOCK_BYTES):
                if self._cut == "answer" and COMMITTED in block:
                    self._cut = None
                    self.cuts += 1
                    break
                writer.write(block)
                await writer.drain()
        writer.transport.abort()


class _Commits:
    """Finds a COMMIT in what a client sends: written out, or by the name it was prepared under."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False
        self._names: set[bytes] = set()

    def sees(self, block: bytes) -> bool:
        self._rest += block
        found = False
        while message := self._take():
            kind, body = message
            if kind == b"Q":
                found |= body == COMMITTED
            elif kind == b"P":
                name, query = body.split(b"\0")[:2]
                if query == b"COMMIT":
                    self._names.add(name)
            elif kind == b"B":
                found |= body.split(b"\0")[1] in self._names
        return found

    def _take(self) -> tuple[bytes, bytes] | None:
        """One whole message; the first of a connection has no kind."""
        at = int(self._started)
        if len(self._rest) < at + 4:
            return None
        end = at + int.from_bytes(self._rest[at : at + 4])
        if len(self._rest) < end:
            return None
        kind, body, self._rest = self._rest[:at], self._rest[at + 4 : end], self._rest[end:]
        self._started = True
        return kind, body


@contextlib.contextmanager
def _closing(*writers: asyncio.StreamWriter) -> Generator[None]:
    try:
        yield
    finally:
        for writer in writers:
            writer.close()
