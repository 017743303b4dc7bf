"""Every connection of this process: those that wait for work, those at work, and who waits for one.

A connection is lent to one exchange at a time. The one that was used last is lent first, so that the others can grow
old and go. Nothing is known here of HTTP; that a connection may be lent again is for its user to say.
"""

import asyncio
from collections import deque
from typing import NamedTuple

from tallygate.errors import ShuttingDown
from tallygate.transport.connection import UNREAD_BYTES_MAX, Connection
from tallygate.transport.dial import Dialler, Judge
from tallygate.transport.request import Place

LOOK_EVERY_S = 0.25
"""How often the limits of all connections are looked at: instead of a timer for every wait of each."""


class _Turn(NamedTuple):
    """Somebody's place in the queue. What it is given is a connection, or None: room for a new one."""

    place: Place
    given: asyncio.Future[Connection | None]


class Pool:
    """At most `connections_max` connections, over all places. Used from one event loop."""

    def __init__(self, connections_max: int, idle_s: float, judge: Judge | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle_s = idle_s
        self._buffer = memoryview(bytearray(UNREAD_BYTES_MAX))
        self._dialler = Dialler(lambda place: Connection(place, self._buffer, self._forget), judge)
        self._idle: dict[Place, dict[Connection, None]] = {}  # of each place the oldest first
        self._lent: set[Connection] = set()
        self._room = connections_max
        self._turns: deque[_Turn] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._closed = False
        self._gone = asyncio.Event()

    @property
    def now_s(self) -> float:
        """The time by the event loop's clock."""
        return self._loop.time()

    def take(self, place: Place) -> Connection | None:
        """A connection to that place on which nothing is going on, if there is one. It is lent from then on."""
        idle = self._idle.get(place)
        oldest_s = self._loop.time() - self._idle_s
        while idle:
            connection, _ = idle.popitem()
            self._lent.add(connection)
            if connection.idle_since_s > oldest_s and connection.is_quiet:
                return connection
            connection.abort()
        return None

    async def get(self, place: Place) -> Connection:
        """A connection to that place, waiting for room and making it if need be.

        Raises: OSError, ssl.SSLError among them.
        """
        turn = _Turn(place, self._loop.create_future())
        self._turns.append(turn)
        self._serve()
        try:
            connection = await turn.given
        except BaseException:
            self._leave(turn)
            raise
        return connection or await self._dial(place)

    def give_back(self, connection: Connection) -> None:
        """An exchange has come to its clean end, and another one may follow."""
        if connection not in self._lent:
            return  # it is gone already
        self._lent.remove(connection)
        connection.rest()
        self._idle.setdefault(connection.place, {})[connection] = None
        if self._turns:
            self._serve()

    async def close(self) -> None:
        """Close every connection at once, and wait until all are. Nothing is lent any more."""
        self._closed = True
        for turn in self._turns:
            if not turn.given.done():
                turn.given.set_exception(ShuttingDown())
        for connection in self._everything():
            connection.abort()
        if self._everything():
            await self._gone.wait()
        if self._look is not None:
            self._look.cancel()

    async def _dial(self, place: Place) -> Connection:
        try:
            connection = await self._dialler.dial(place)
            if connection.lost:
                raise ConnectionResetError
        except BaseException:
            self._free()
            raise
        self._lent.add(connection)
        if self._closed:
            connection.abort()
            raise ShuttingDown
        if self._look is None:
            self._look = self._loop.call_later(LOOK_EVERY_S, self._look_after)
        return connection

    def _serve(self) -> None:
        """Give what there is to those who wait, in their order."""
        while self._turns:
            turn = self._turns[0]
            connection = None
            if not turn.given.done():
                connection = self.take(turn.place)
                if connection is None and not self._room:
                    self._make_room()
                    return
                if connection is None:
                    self._room -= 1
                turn.given.set_result(connection)
            self._turns.popleft()

    def _make_room(self) -> None:
        """Close the connection that has been idle longest; who waits is served when it is gone."""
        oldest = [next(iter(idle)) for idle in self._idle.values() if idle]
        if oldest:
            min(oldest, key=lambda connection: connection.idle_since_s).abort()

    def _leave(self, turn: _Turn) -> None:
        """Somebody gave up waiting. What was given in that very moment goes to the next."""
        if not turn.given.done():
            turn.given.cancel()
        elif turn.given.cancelled() or turn.given.exception() is not None:
            return
        elif (connection := turn.given.result()) is not None:
            self.give_back(connection)
        else:
            self._free()

    def _forget(self, connection: Connection) -> None:
        """A connection is gone."""
        idle = self._idle.get(connection.place, {})
        if connection in self._lent:
            self._lent.remove(connection)
        elif connection in idle:
            del idle[connection]
        else:
            return  # it never came to be: its handshake failed, or it ended as it was made
        self._free()
        if self._closed and not self._everything():
            self._gone.set()

    def _free(self) -> None:
        self._room += 1
        self._serve()

    def _everything(self) -> list[Connection]:
        return [*self._lent, *(connection for idle in self._idle.values() for connection in idle)]

    def _look_after(self) -> None:
        """End what has lasted too long, exchanges and idleness."""
        now_s = self._loop.time()
        for connection in list(self._lent):
            connection.expire(now_s)
        for idle in self._idle.values():
            for connection in idle:
                if connection.idle_since_s > now_s - self._idle_s:
                    break  # those behind it are younger
                connection.abort()
        again = any(self._idle.values()) or self._lent
        self._look = self._loop.call_later(LOOK_EVERY_S, self._look_after) if again else None
