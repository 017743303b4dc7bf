"""The front door on a real socket, with a hallway behind it that does as the model's name says and notes every call.

Doors, server, connections and limits are the gateway's own; there is no database and no provider.
"""

import asyncio
import http.client
import io
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from tallygate.access.principal import Principal
from tallygate.api.account import Accounts
from tallygate.api.doors import Doors, Rooms
from tallygate.api.head import Head
from tallygate.api.middleware import Matched
from tallygate.api.server import Server
from tallygate.api.settings import ServerSettings
from tallygate.errors import TallygateError
from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.run import Hallway
from tallygate.router.plan import build_catalog
from tallygate.telemetry.reporter import Reporter

WAIT_S = 20.0
EVENT = b"data: " + b"x" * 1017 + b"\n\n"
ANSWER = b'{"object":"chat.completion"}'


class Played(Hallway):
    """A hallway whose calls do what their model's name says: `hold` waits for `release`, `flood` streams without end,
    `stream` sends ten events, `cut` stops in the middle; anything else is answered at once.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ended: list[Call] = []
        self.sent_bytes = 0
        self.release = asyncio.Event()

    async def run(self, call: Call) -> None:
        self.calls.append(call)
        try:
            await self._play(call)
        except ClientGone:
            pass
        except TallygateError as error:
            await call.refuse(error)
        finally:
            self.ended.append(call)

    async def _play(self, call: Call) -> None:
        model = call.peek.model
        if model == "hold":
            with call.departure.watching():
                await self.release.wait()
        if model in ("flood", "stream", "cut"):
            await call.start_stream(())
            with call.departure.watching():
                count = 0
                while model == "flood" or count < 10:
                    # A client that reads as fast as it is sent never makes `send` wait, and signals want to be heard.
                    await asyncio.sleep(0)
                    await call.client.send(EVENT)
                    self.sent_bytes += len(EVENT)
                    count += 1
            if model != "cut":
                await call.client.end(b"data: [DONE]\n\n")
            return
        await call.answer((), ANSWER)


class Noting(Doors):
    """Doors that note what they were asked for, served or not."""

    def __init__(self, hallway: Hallway, settings: ServerSettings) -> None:
        super().__init__(make_rooms(hallway), settings)
        self.asked: list[str] = []

    def match(self, head: Head) -> Matched:
        self.asked.append(f"{head.method} {head.path}")
        return super().match(head)


class Answer(NamedTuple):
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """A client's connection, byte by byte, to a port or a socket in the file system."""

    def __init__(self, port: int | Path) -> None:
        if isinstance(port, int):
            self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(WAIT_S)
            self.socket.connect(str(port))
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, raw: bytes) -> Self:
        """Send bytes as they are. The other end may have stopped listening."""
        try:
            self.socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def end(self) -> Self:
        """Say that no more will come."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return self

    def read(self, *, bare: bool = False) -> Answer:
        """The next answer. Raises EOFError if there is none, AssertionError if it is not one."""
        try:
            line = self._file.readline(1000)
        except ConnectionResetError:
            line = b""
        if not line:
            raise EOFError
        assert line.startswith(b"HTTP/1.1 "), line
        response = http.client.HTTPResponse(_Replayed(line, self._file), method="HEAD" if bare else None)  # pyright: ignore[reportArgumentType]
        response.begin()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())

    def read_raw(self) -> bytes:
        """All bytes until the connection ends."""
        return self._file.read()

    def at_end(self) -> bool:
        """True if the other end closes without another byte."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()


class _Replayed(io.RawIOBase):
    """What `HTTPResponse` takes for a socket: a line that was read already, and the rest."""

    def __init__(self, line: bytes, rest: io.BufferedReader) -> None:
        self._line, self._rest = line, rest

    def makefile(self, *_: object) -> Self:
        return self

    def close(self) -> None:
        return

    def flush(self) -> None:
        return

    def readline(self, size: int | None = -1, /) -> bytes:
        if self._line:
            line, self._line = self._line, b""
            return line
        return self._rest.readline(-1 if size is None else size)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._rest.read(size)

    def readinto(self, buffer: Any, /) -> int:
        return self._rest.readinto(buffer)


class Opened:
    """A running front door."""

    def __init__(
        self,
        port: int,
        server: Server,
        loop: asyncio.AbstractEventLoop,
        thread: threading.Thread,
        hallway: Played,
        doors: Noting,
    ) -> None:
        self.port, self.server, self.loop, self.thread = port, server, loop, thread
        self.hallway, self.doors = hallway, doors

    def connect(self) -> Line:
        """A client."""
        return Line(self.port)

    def tell(self, action: Callable[[], object]) -> None:
        """Have something done inside the event loop, and wait for it."""
        done = threading.Event()

        def act() -> None:
            try:
                action()
            finally:
                done.set()

        self.loop.call_soon_threadsafe(act)
        assert done.wait(WAIT_S)

    def pass_time(self, seconds: float) -> None:
        """Judge every connection as if so much time had passed."""
        self.tell(lambda: self.server._front.sweep(self.loop.time() + seconds))

    def stop(self) -> None:
        """What a signal does."""
        self.tell(self.server.stop)

    def wait_until_stopped(self) -> None:
        """Wait for the end of the server."""
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Give the event loop turns until something holds."""
        for _ in range(100_000):
            held: list[bool] = []
            self.tell(lambda held=held: held.append(condition()))
            if held[0]:
                return
        raise AssertionError("it never happened")


async def _nobody(*_: object) -> Principal:
    raise AssertionError("nobody is asked for a key here")


async def _nothing(*_: object) -> Any:
    return None


def make_rooms(hallway: Hallway) -> Rooms:
    """Rooms with a hallway and nothing else."""
    return Rooms(
        hallway=hallway,
        identify=_nobody,
        accounts=Accounts(None),  # pyright: ignore[reportArgumentType]
        quotes=None,  # pyright: ignore[reportArgumentType]
        routes=None,  # pyright: ignore[reportArgumentType]
        proofs=None,  # pyright: ignore[reportArgumentType]
        admin=_nothing,
        catalog=lambda: build_catalog({}, (), {}),
        find_price=lambda _: None,
        ping=_nothing,
        start=_nothing,
        stop=_nothing,
        version="test",
        metrics=_nothing,
        reporter=Reporter(),
    )


@contextmanager
def open_front(
    settings: ServerSettings | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    connections_max: int = 10_000,
) -> Generator[Opened]:
    """A front door on a free port, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
    port = listener.getsockname()[1]
    hallway = Played()
    doors = Noting(hallway, settings or ServerSettings())
    server = Server(doors, listener, connections_max)
    opened = threading.Event()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=(server.run(opened.set),), daemon=True)
        thread.start()
        assert opened.wait(WAIT_S), "the server did not start"
        try:
            yield Opened(port, server, loop, thread, hallway, doors)
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(server.stop)
                loop.call_soon_threadsafe(server.stop)
            thread.join(WAIT_S)
            assert not thread.is_alive()
