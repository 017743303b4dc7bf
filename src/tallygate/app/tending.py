"""What a worker does again and again beside its calls, how often, and when it must not go on at all."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from tallygate.errors import TallygateError
from tallygate.telemetry.log import logger

LOOK_EVERY_S = 30.0
PRICES_EVERY_S = 5.0
SPOOL_EVERY_S = 60.0

DISK_FAILED = 74
"""The exit status of a process whose disk did not keep what was written (sysexits.h: EX_IOERR)."""


def stop_on_a_failed_disk(error: Exception) -> None:
    """End at once: after a failed fsync nobody knows what the database holds, and waiting calls must not be told."""
    logger.critical("the gateway stops: %s", error)
    os._exit(DISK_FAILED)


async def repeat(every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again until cancelled. A database that is away is asked again the next time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await work()
        except TallygateError as error:
            logger.warning("put off: %s", error)
        except Exception:  # noqa: BLE001 - a task that ended would be missed only when it is needed
            logger.exception("what is done every %s seconds failed, and is tried again", every_s)
