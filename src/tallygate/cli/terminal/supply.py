"""What a gateway would offer now on this machine, for verbs that tell it without starting one."""

import asyncio

from tallygate.app import make_supply
from tallygate.config import Resolved
from tallygate.pipeline.supply import Supply
from tallygate.transport.http import HttpExit


def look(resolved: Resolved) -> Supply:
    """What a gateway would offer now: keys are read, and this machine's ports asked unless `discover` is off."""
    supply = make_supply(resolved.settings, demo=False)

    async def ask() -> None:
        exit_ = HttpExit(resolved.settings.transport)
        try:
            await supply.look(exit_, resolved.settings.server.port)
        finally:
            await exit_.close()

    asyncio.run(ask())
    return supply
