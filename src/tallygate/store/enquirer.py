"""Answers questions about money and usage for the doors of one process, on threads of its own that only read.

A question is a function of a connection, from `usage`. It may take long, so it stands in nobody's way: neither in the
writer's nor in that of the keys' reader. Each gets a connection and lets it go: they are rare beside calls, and a kept
connection may have died with its server. Nothing is cached and nothing is written here.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tallygate.errors import StoreUnavailable
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.refusal import DatabaseUnusable

ANSWER_S = 10.0
"""How long an answer may take before its question is given up."""

THREADS_MAX = 2
"""Two, so that a long report does not keep everybody from their balance."""

WAITING_MAX = 64

Answer = TypeVar("Answer")
Question = Callable[[DriverConnection], Answer]


class _Seat:
    """The connection of one question, for as long as it is asked, and whether somebody still waits for the answer."""

    __slots__ = ("connection", "left")

    def __init__(self) -> None:
        self.connection: DriverConnection | None = None
        self.left = False


class Enquirer:
    """Puts questions to the database. Threads begin with the first one; close it at the end."""

    def __init__(self, address: DatabaseAddress, *, answer_s: float = ANSWER_S) -> None:
        self._address = address
        self._answer_s = answer_s
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="store-enquirer")
        self._waiting = 0

    async def ask(self, question: Question[Answer]) -> Answer:
        """The answer, read after the question was put.

        Raises StoreUnavailable when the database is away, slow or asked too much, and whatever the question raises.
        """
        if self._waiting >= WAITING_MAX:
            raise _unavailable()
        seat = _Seat()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, seat, question)
        except TimeoutError:
            seat.left = True
            if (connection := seat.connection) is not None:
                connection.cut()
            raise _unavailable() from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads, after the questions under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _answer(self, seat: _Seat, question: Question[Answer]) -> Answer:
        try:
            seat.connection = connection = DriverConnection(self._address)
            try:
                if seat.left:
                    raise _unavailable()
                return question(connection)
            finally:
                seat.connection = None
                connection.close()
        except (DriverError, DatabaseUnusable) as error:
            raise _unavailable() from error


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable("The gateway's database did not answer in time.", retry_after_s=2)
