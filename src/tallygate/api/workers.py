"""Several processes on one listening socket. They share nothing but the database; what one knows beside it may be lost.

The parent only starts, restarts and stops them: it opens no connection and runs no event loop, so that a fork copies
neither threads nor sockets.
"""

import itertools
import os
import signal
import time
from collections.abc import Callable

from tallygate.telemetry import logger

SHORT_LIFE_S = 2.0
"""A worker that ends sooner cannot work here at all; starting it again and again would only hide why. One that somebody
has killed tells nothing of the kind.
"""


def run_workers(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in `count` processes, numbered from 0 upwards, until SIGTERM or SIGINT reaches this one.

    In the place of a worker that dies comes a new one with a new number. Raises RuntimeError if one does not come up.
    """
    living: dict[int, tuple[int, float]] = {}
    numbers = itertools.count()
    stopping = False

    def start() -> None:
        index = next(numbers)
        living[start_worker(index, work)] = (index, time.monotonic())

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in living:
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for _ in range(count):
        start()
    while living:
        pid, status = os.wait()
        index, started_s = living.pop(pid, (-1, 0.0))
        if stopping or index < 0:
            continue
        exit_code = os.waitstatus_to_exitcode(status)
        if time.monotonic() - started_s < SHORT_LIFE_S and exit_code != -signal.SIGKILL:
            stop()
            raise RuntimeError(f"worker {index} ended at once")
        logger.warning("worker %d ended with status %d; another takes its place", index, exit_code)
        start()


def start_worker(index: int, work: Callable[[int], None]) -> int:
    """Fork a worker. Returns its process id; does not return in the worker."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        work(index)
        status = 0
    except BaseException:
        logger.exception("worker %d cannot go on", index)
        raise
    finally:
        # Nothing of the parent's may run here: no exit handlers, no flushing of its buffers.
        os._exit(status)
