"""One connection: bytes out, bytes in, and the waits for both. It knows neither HTTP nor who uses it.

Nothing here makes a timer or a task: whoever owns the connections looks at their limits from time to time (`expire`).
"""

import asyncio
import select
import ssl
from collections.abc import Callable
from math import inf
from typing import cast

from tallygate.transport.request import Place

UNREAD_BYTES_MAX = 64 * 1024
"""What waits unread for one slow reader before the other side is made to wait; one read of the socket comes on top."""

UPLOAD_PIECE_BYTES = 256 * 1024
"""What is sent in one go: between two pieces of a large request other calls get their turn."""


class Connection(asyncio.BufferedProtocol):
    """A connection that was made: `place` is where it leads.

    `ended` is true once the other side has said that it sends no more, `lost` once nothing goes either way, `timed_out`
    if that is because a limit was over. `buffer` is where the socket is read into: one for all connections of an event
    loop, for nothing stays in it.
    """

    __slots__ = (
        "_buffer", "_end_s", "_loop", "_on_lost", "_poll", "_reading_paused", "_transport", "_unread", "_unread_bytes",
        "_wait_until_s", "_waiter", "_writing_paused", "ended", "idle_since_s", "lost", "place", "timed_out",
    )  # fmt: skip

    def __init__(self, place: Place, buffer: memoryview, on_lost: Callable[["Connection"], None]) -> None:
        self.place = place
        self._loop = asyncio.get_running_loop()
        self._buffer = buffer
        self._on_lost = on_lost
        self._poll = select.poll()
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writing_paused = False
        self._wait_until_s = 0.0
        self._end_s = inf
        self.idle_since_s = 0.0
        self.ended = False
        self.lost = False
        self.timed_out = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The way is open."""
        # By what it does, for not every event loop's transports are of asyncio's own class.
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (asyncio's signature)
        """Where to put what came."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self._unread.append(bytes(self._buffer[:nbytes]))
        self._unread_bytes += nbytes
        if self._unread_bytes > UNREAD_BYTES_MAX and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The bytes have ended. Over TLS anybody on the way could have made them; what counts there is a farewell."""
        secure: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        self.ended = secure is None or _has_farewell(secure)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """Nothing goes either way any more."""
        self.lost = True
        self._wake()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The other side takes no more for now."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._writing_paused = False
        self._wake()

    # What its user calls.

    def begin(self, end_s: float) -> None:
        """An exchange begins, and ends at this time of the event loop's clock at the latest."""
        self._end_s = end_s

    def rest(self) -> None:
        """An exchange has come to its end, and another one may follow."""
        self._end_s = inf
        self.idle_since_s = self._loop.time()

    @property
    def is_quiet(self) -> bool:
        """Whether a new exchange may begin: all of ours has gone, and nothing has come, not even an end that the event
        loop has not looked at yet.
        """
        if self._unread or self.ended or self.lost or self._transport.is_closing():
            return False
        return not self._transport.get_write_buffer_size() and not self._poll.poll(0)

    def write(self, data: bytes) -> None:
        """Send a few bytes, however long it takes them to go."""
        self._transport.write(data)

    async def upload(self, left: memoryview, within_s: float) -> memoryview:
        """Send many bytes. Returns the rest if the other side says something, goes away or takes too long before it has
        them all.
        """
        while left:
            self._transport.write(left[:UPLOAD_PIECE_BYTES])
            left = left[UPLOAD_PIECE_BYTES:]
            await asyncio.sleep(0)
            while self._writing_paused and not (self._unread or self.ended or self.lost):
                self._wait_until_s = self._loop.time() + within_s
                self._waiter = waiter = self._loop.create_future()
                await waiter
            if self._unread or self.ended or self.lost:
                break
        return left

    async def receive(self, within_s: float) -> bytes:
        """What came, waiting for it if nothing has; empty once there is no more to come.

        Raises: TimeoutError if it is not here in that time, or when the exchange must end.
        """
        if self._unread:
            # Who always finds something would never let others have their turn.
            await asyncio.sleep(0)
        while not self._unread:
            if self.ended or self.lost:
                if self.timed_out:
                    raise TimeoutError
                return b""
            if self._reading_paused:
                self._reading_paused = False
                self._transport.resume_reading()
            self._wait_until_s = self._loop.time() + within_s
            self._waiter = waiter = self._loop.create_future()
            await waiter
        unread, self._unread, self._unread_bytes = self._unread, [], 0
        return unread[0] if len(unread) == 1 else b"".join(unread)

    def expire(self, now_s: float) -> None:
        """End what has lasted too long."""
        waits = self._waiter is not None and not self._waiter.done()
        if now_s >= self._end_s or (waits and now_s >= self._wait_until_s):
            self.timed_out = True
            self.abort()

    def abort(self) -> None:
        """Drop it at once, whatever is still on its way."""
        self._transport.abort()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _has_farewell(secure: ssl.SSLObject) -> bool:
    """Whether the other side has said that it sends no more (RFC 8446 section 6.1). All it sent has been read."""
    try:
        return secure.read(1) == b""
    except ssl.SSLError:
        return False
