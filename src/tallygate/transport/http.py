"""The way out over HTTP/1.1: pool, request and reader joined behind the interfaces of `transport.base`.

Redirects, cookies, proxies from the environment and compression do not exist here: what a provider sends is what the
reader sees. Nothing is decided about providers or dialects, and nothing is tried again: what was sent is never sent a
second time, for nobody can know how far the provider came with it.
"""

import asyncio
from collections.abc import Mapping

from tallygate.errors import ShuttingDown, StreamBroken, TallygateError
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.connection import UPLOAD_PIECE_BYTES, Connection
from tallygate.transport.dial import Judge
from tallygate.transport.failure import (
    closed_early,
    compressed,
    explain_connecting,
    fell_silent,
    no_head,
    no_head_in_time,
)
from tallygate.transport.head import Head, HeadLimits, HeadReader, is_encoded
from tallygate.transport.pool import Pool
from tallygate.transport.request import Place, find_address, write_head
from tallygate.transport.settings import TransportSettings

READ_BYTES_MAX = 16 * 1024
"""What one read gives at most: a provider that never pauses must not keep other calls waiting while all that is
buffered of its answer is worked through.
"""


class HttpAnswer:
    """An answer that arrives over HTTP (`transport.base.Answer`)."""

    __slots__ = (
        "_begun",
        "_body",
        "_connection",
        "_failure",
        "_keeps_alive",
        "_pool",
        "_silence_s",
        "headers",
        "status",
    )

    def __init__(self, head: Head, connection: Connection, pool: Pool, *, reusable: bool, silence_s: float) -> None:
        self.status, headers, self._body, keeps_alive = head
        self.headers: Mapping[str, str] = headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._keeps_alive = keeps_alive and reusable
        self._silence_s = silence_s
        self._begun = False
        self._failure: TallygateError | None = None
        if is_encoded(headers):
            self._fail(compressed())
        elif self._body.done:
            self._let_go(connection)

    async def read(self) -> bytes:
        """The next bytes as they arrive; empty at a clean end. See `transport.base.Answer.read` for what is raised."""
        connection, body = self._connection, self._body
        if connection is None:
            if self._failure is not None:
                raise self._failure
            return b""
        data = b""
        try:
            if body.unread_bytes:
                if self._begun:
                    # What is at hand goes out piece by piece, and other calls get their turn in between.
                    await asyncio.sleep(0)
                data = body.read(READ_BYTES_MAX)
            self._begun = True
            while not data and not body.done:
                received = await connection.receive(self._silence_s)
                if received:
                    body.feed(received)
                    data = body.read(READ_BYTES_MAX)
                else:
                    body.finish(clean=connection.ended)
        except TimeoutError:
            raise self._fail(fell_silent()) from None
        except StreamBroken as broken:
            raise self._fail(broken) from None
        if body.done:
            self._let_go(connection)
        return data

    def close(self) -> None:
        """Drop the exchange at once: the connection is closed, never reused. Harmless after a clean end."""
        if self._connection is not None:
            self._fail(closed_early())

    def _fail(self, failure: TallygateError) -> TallygateError:
        self._failure = self._failure or failure
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        return self._failure

    def _let_go(self, connection: Connection) -> None:
        """The answer is complete. Bytes behind it would be the next caller's answer, so they end the connection."""
        self._connection = None
        if self._keeps_alive and not self._body.unread_bytes:
            self._pool.give_back(connection)
        else:
            connection.abort()


class HttpExit:
    """Sends requests over HTTP (`transport.base.Exit`). Made anywhere, used from one event loop. `judge` has the last
    word on which addresses are connected to.
    """

    def __init__(self, settings: TransportSettings | None = None, *, judge: Judge | None = None) -> None:
        self._settings = settings or TransportSettings()
        self._limits = HeadLimits(self._settings.header_bytes_max, self._settings.headers_max)
        self._judge = judge
        self._pool: Pool | None = None
        self._closed = False

    async def send(self, request: OutgoingRequest, timeouts: Timeouts) -> HttpAnswer:
        """Send and wait for the answer's head.

        Raises: ProviderUnreachable, ProviderTimeout, InvalidAnswer (not HTTP); ShuttingDown once the exit is closed.
        """
        if self._closed:
            raise ShuttingDown
        if self._pool is None:
            self._pool = Pool(self._settings.connections_max, self._settings.keep_alive_ms / 1000, self._judge)
        pool = self._pool
        end_s = pool.now_s + timeouts.total_ms / 1000
        address = find_address(request.url)
        head = write_head(address, request)
        connection = pool.take(address.place) or await _connect(pool, address.place, timeouts.connect_ms / 1000)
        connection.begin(end_s)
        try:
            said, whole = await _exchange(connection, head, request.body, self._limits, timeouts.first_byte_ms / 1000)
        except BaseException:
            connection.abort()
            raise
        # A provider that has answered before it had all of the request may take the rest for another one.
        return HttpAnswer(said, connection, pool, reusable=whole, silence_s=timeouts.silence_ms / 1000)

    async def close(self) -> None:
        """Close every connection; an answer on one of them is broken. Later requests are refused."""
        self._closed = True
        if self._pool is not None:
            await self._pool.close()


async def _connect(pool: Pool, place: Place, within_s: float) -> Connection:
    try:
        async with asyncio.timeout(within_s):
            return await pool.get(place)
    except OSError as error:
        # The cause stays behind: it knows addresses, and the sentence says what happened.
        raise explain_connecting(error) from None


async def _exchange(
    connection: Connection, head: bytes, body: bytes, limits: HeadLimits, within_s: float
) -> tuple[Head, bool]:
    """Send a request and wait for the head of its answer; also whether the request went out as a whole."""
    clock = asyncio.get_running_loop().time
    until_s = clock() + within_s
    unsent = memoryview(body if len(body) > UPLOAD_PIECE_BYTES else b"")
    connection.write(head if unsent else head + body)
    reader = HeadReader(limits)
    try:
        while True:
            if unsent:
                unsent = await connection.upload(unsent, until_s - clock())
            received = await connection.receive(until_s - clock())
            if not received:
                raise no_head()
            if (said := reader.feed(received)) is not None:
                return said, not unsent
    except TimeoutError:
        raise no_head_in_time() from None
