"""Signs of life on a silent stream, so that neither a client nor a proxy between us takes silence for death.

A stream that has sent nothing for fifteen seconds gets its dialect's ping; if not even its head was sent, that is
committed first (docs/house.md, Streams). One timer per stream, re-armed lazily, so a lively stream pays one clock read
per chunk. Whole answers get none: their status cannot be known early.
"""

import asyncio
from types import TracebackType
from typing import Self

from tallygate.pipeline.call import Call, ClientGone

SILENCE_S = 15.0


class Heartbeat:
    """Guards one attempt of one call. `headers` are those of the target the attempt goes to."""

    def __init__(self, call: Call, headers: tuple[tuple[str, str], ...], silence_s: float = SILENCE_S) -> None:
        self._call = call
        self._headers = headers
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._touched_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        if self._call.peek.stream and self._call.streaming.stream_content_type == "text/event-stream":
            self._timer = self._loop.call_later(self._silence_s, self._check)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def touch(self) -> None:
        """The stream has just sent something."""
        self._touched_s = self._loop.time()

    async def start(self) -> None:
        """Send the stream's head unless it was sent already."""
        await self._call.start_stream(self._headers)

    def _check(self) -> None:
        silent_s = self._loop.time() - self._touched_s
        if silent_s >= self._silence_s:
            self._beating = self._loop.create_task(self._beat())
            self.touch()
            silent_s = 0.0
        self._timer = self._loop.call_later(self._silence_s - silent_s, self._check)

    async def _beat(self) -> None:
        try:
            await self.start()
            await self._call.client.send(self._call.streaming.ping)
        except ClientGone:
            self._call.departure.leave()
