"""Ends waits that last too long, with one timer for all of them: a timer of its own costs a call more than its wait.

Belongs to one event loop at a time; those who wait in another one get a timer each.
"""

import asyncio
from collections import deque
from typing import Any

Answer = asyncio.Future[Any]


class Patience:
    """Waits of `seconds`. A wait that ends by itself is forgotten with the next one."""

    __slots__ = ("_loop", "_seconds", "_timer", "_waits")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits: deque[tuple[float, Answer]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, answer: Answer) -> None:
        """Let `answer` raise TimeoutError if it has not come in time. Called in its loop."""
        loop, waits = answer.get_loop(), self._waits
        if loop is not self._loop and not self._adopt(loop):
            loop.call_later(self._seconds, give_up, answer)
            return
        while waits and waits[0][1].done():
            waits.popleft()
        waits.append((loop.time() + self._seconds, answer))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> bool:
        if self._loop is not None and not self._loop.is_closed():
            return False
        self._loop, self._timer = loop, None
        self._waits.clear()
        return True

    def _look(self) -> None:
        assert self._loop is not None, "the timer was set in it"
        waits, now_s = self._waits, self._loop.time()
        while waits and (waits[0][0] <= now_s or waits[0][1].done()):
            give_up(waits.popleft()[1])
        self._timer = self._loop.call_at(waits[0][0], self._look) if waits else None


def give_up(answer: Answer) -> None:
    """It has not come in time, unless it has."""
    if not answer.done():
        answer.set_exception(TimeoutError())
