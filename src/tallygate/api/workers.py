"""Several processes on one listening socket. They share nothing but the database; what one knows beside it may be lost.

The parent only starts, restarts and stops them: it opens no connection and runs no event loop, so that a fork copies
neither threads nor sockets.
"""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable

from tallygate.telemetry import logger

STOPS = (signal.SIGTERM, signal.SIGINT)

SHORT_LIFE_S = 2.0
"""A worker that ends sooner cannot work here at all; starting it again and again would only hide why. One that somebody
has killed tells nothing of the kind.
"""


def run_workers(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in `count` processes, numbered from 0 upwards, until SIGTERM or SIGINT reaches this one.

    In the place of a worker that dies comes a new one with a new number. If this process dies, its workers stop as if
    they had been told to. Raises RuntimeError if one does not come up.
    """
    living: dict[int, tuple[int, float]] = {}
    numbers = itertools.count()
    stopping = False
    # Nobody writes into it: what the workers read is its end, which comes with the end of this process.
    lifeline, held = os.pipe()

    def start() -> None:
        # A worker must not be born between a signal and its handling, nor meet one before it has left ours behind.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        if not stopping:
            index = next(numbers)
            living[start_worker(index, work, lifeline, held)] = (index, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in living:
            os.kill(pid, signal.SIGTERM)

    for number in STOPS:
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


def start_worker(index: int, work: Callable[[int], None], lifeline: int, held: int) -> int:
    """Fork a worker. Returns its process id; does not return in the worker. Signals that stop are blocked meanwhile."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A terminal's Ctrl-C reaches the whole group. The parent passes it on; heard twice it would mean haste.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        os.close(held)
        threading.Thread(target=stop_with_parent, args=(lifeline,), name="lifeline", daemon=True).start()
        work(index)
        status = 0
    except BaseException:
        logger.exception("worker %d cannot go on", index)
        raise
    finally:
        # Nothing of the parent's may run here: no exit handlers, no flushing of its buffers.
        os._exit(status)


def stop_with_parent(lifeline: int) -> None:
    """Stop this worker in good order once its parent is gone: nobody would replace it, or tell it to stop."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
