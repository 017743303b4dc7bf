"""What all connections of a process share: the doors behind them, the clock that ends what takes too long, and the end.

A request is served by a task that is kept here, because it may outlive its connection.
"""

import asyncio
from contextlib import suppress
from email.utils import formatdate
from typing import Final

from tallygate.api.arrivals import Arrivals
from tallygate.api.connection import LINGER_S, Connection, Limits
from tallygate.api.settings import ServerSettings
from tallygate.api.surface import Doors
from tallygate.telemetry.log import logger

SWEEP_S: Final = 1.0
END_S: Final = 2 * LINGER_S
"""What calls that must end have for it."""


class Front:
    """The connections of one process, `connections_max` at most. `open` is the factory of the event loop's server."""

    def __init__(self, doors: Doors, settings: ServerSettings, connections_max: int) -> None:
        self.doors = doors
        self.limits = Limits(
            body_bytes_max=settings.body_bytes_max,
            head_s=settings.head_s,
            body_s=settings.body_s,
            idle_s=settings.idle_s,
            write_stall_s=settings.write_stall_s,
            hosts=frozenset(host.lower() for host in settings.hosts),
        )
        self.arrivals = Arrivals(max(settings.arriving_bytes_max, settings.body_bytes_max))
        self.draining = False
        self.date = ""
        self._connections_max = connections_max
        self._is_full = False
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._quiet: asyncio.Event | None = None

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    @property
    def arriving_bytes(self) -> int:
        """How much has come of bodies that are not whole."""
        return self.arrivals.held_bytes

    def start(self) -> None:
        """Begin to watch the clock, inside the event loop."""
        self.date = f"date: {formatdate(usegmt=True)}\r\n"
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SWEEP_S, self._tick)

    def open(self) -> Connection:
        """A connection that begins."""
        return Connection(self)

    def enter(self, connection: Connection) -> None:
        """It was made."""
        self._connections.add(connection)
        if len(self._connections) > self._connections_max:
            if not self._is_full:
                self._is_full = True
                logger.warning("more than %d connections are open; new ones are closed", self._connections_max)
            connection.abort()

    def depart(self, connection: Connection) -> None:
        """It has ended."""
        self._connections.discard(connection)
        if len(self._connections) < self._connections_max * 0.9:
            self._is_full = False
        self._look()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def sweep(self, now_s: float) -> None:
        """End what takes too long, as of a moment of the event loop's clock."""
        for connection in tuple(self._connections):
            connection.check(now_s)

    async def drain(self, drain_s: float, hurry: asyncio.Event) -> None:
        """Let running requests end, within `drain_s` or until `hurry`. What still runs some seconds before that is told
        to end, so that its calls are settled: whoever told us to stop may kill us when the time is up.
        """
        self.draining = True
        for connection in tuple(self._connections):
            connection.drain()
        quiet = self._quiet = asyncio.Event()
        self._look()
        waiting = [asyncio.ensure_future(event.wait()) for event in (quiet, hurry)]
        await asyncio.wait(waiting, timeout=max(0.0, drain_s - END_S), return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiting:
            waiter.cancel()
        for connection in tuple(self._connections):
            connection.stop()
        # Bounded, for a client that reads nothing can hold up its own end for ever.
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await quiet.wait()

    def close(self) -> None:
        """End every connection."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._connections):
            connection.abort()

    def _tick(self) -> None:
        self.start()
        self.sweep(asyncio.get_running_loop().time())

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._look()

    def _look(self) -> None:
        if self._quiet is not None and not self._connections and not self._tasks:
            self._quiet.set()
