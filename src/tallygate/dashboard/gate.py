"""Lets one password be hashed at a time, and a few wait: whoever floods the pages gets a 429, and no call suffers."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from tallygate.errors import TooManySignIns

WAITING_MAX: Final = 8

Result = TypeVar("Result")


class Gate:
    """The one place of a process where passwords are hashed."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._waiting = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in a thread, when it is its turn. Raises TooManySignIns, and what the work raises."""
        if self._waiting >= WAITING_MAX:
            raise TooManySignIns(retry_after_s=5)
        self._waiting += 1
        try:
            async with self._one:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
