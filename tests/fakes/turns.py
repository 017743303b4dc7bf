"""Turns of the event loop, for tests that make something happen at just the right moment without a clock."""

import asyncio
from collections.abc import Callable

TURNS_MAX = 100_000
"""Enough for anything that only needs turns; more is a hang."""


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it holds."""
    for _ in range(TURNS_MAX):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never happened")


def later(job: Callable[[], object], turns: int = 3) -> None:
    """Do it some turns from now: what runs at this moment has come to its next wait by then."""
    loop = asyncio.get_running_loop()
    if turns:
        loop.call_soon(later, job, turns - 1)
    else:
        job()
