"""The server under the doors: an event loop on a socket that is already open, and the signals that end it.

uvloop's loop where there is one, else Python's own; nothing here depends on which.
"""

import asyncio
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from tallygate.api import surface
from tallygate.api.front import Front
from tallygate.api.settings import ServerSettings

try:
    from uvloop import new_event_loop
except ImportError:
    new_event_loop = asyncio.new_event_loop

BACKLOG: Final = 2048
FILES_MAX: Final = 1 << 20


class Doors(surface.Doors, Protocol):
    """What is served, with its beginning and its end."""

    @property
    def settings(self) -> ServerSettings:
        """Where and how it is served."""
        ...

    async def start(self) -> None:
        """Make ready for a first request."""
        ...

    def drain(self) -> None:
        """Take no new calls."""
        ...

    async def stop(self) -> None:
        """End what `start` began, once no request runs any more."""
        ...


class Server:
    """Serves doors on a listening socket until it is stopped."""

    def __init__(self, doors: Doors, listener: socket.socket, connections_max: int) -> None:
        self._doors = doors
        self._listener = listener
        self._front = Front(doors, doors.settings, connections_max)
        self._told = asyncio.Event()
        self._hurried = asyncio.Event()

    @property
    def front(self) -> Front:
        """The connections, and what is on its way in them."""
        return self._front

    def stop(self) -> None:
        """Let running requests end, then stop; asked a second time, do not wait for them."""
        if self._told.is_set():
            self._hurried.set()
        self._told.set()

    async def run(self, opened: Callable[[], None]) -> None:
        """Serve. `opened` is called once when requests are taken."""
        await self._doors.start()
        try:
            self._front.start()
            server = await asyncio.get_running_loop().create_server(
                self._front.open, sock=self._listener, backlog=BACKLOG
            )
            opened()
            await self._told.wait()
            self._doors.drain()
            server.close()
            await self._front.drain(self._doors.settings.drain_s, self._hurried)
        finally:
            await self._doors.stop()
            self._front.close()


def run_server(
    doors: Doors,
    listener: socket.socket,
    opened: Callable[[], None],
    hear: Callable[[], None] | None = None,
    watch: Callable[[Front], None] = lambda _: None,
) -> None:
    """Serve on `listener` until SIGTERM or SIGINT, then let running answers end. `opened` is called once when ready,
    `hear` at each SIGHUP, `watch` with the connections before there are any.
    """
    connections_max = raise_file_limit() // 2

    async def serve() -> None:
        server = Server(doors, listener, connections_max)
        watch(server.front)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # A worker ignores the terminal's Ctrl-C, which its parent passes on in its own words.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, server.stop)
        if hear is not None:
            loop.add_signal_handler(signal.SIGHUP, hear)
        await server.run(opened)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve())


def raise_file_limit() -> int:
    """Have as many files open as this user may; how many that is. Half of them are for clients: a call needs another
    for its provider, and the database must never find none left.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft == resource.RLIM_INFINITY:
        return FILES_MAX
    if soft >= wanted:
        return soft
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft
