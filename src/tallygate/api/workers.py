"""Several processes on one listening socket. They share nothing but the database; what one knows beside it may be lost.

The parent only starts, restarts and stops them, and passes on what a signal says: it opens no connection and runs no
event loop, so that a fork copies neither threads nor sockets.
"""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable

from tallygate.telemetry.log import logger

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)

SHORT_LIFE_S = 2.0
"""A worker that ends sooner cannot work here at all; starting it again and again would only hide why. One that somebody
has killed tells nothing of the kind.
"""


def run_workers(count: int, work: Callable[[int], None], on_hangup: Callable[[], None]) -> None:
    """Run `work` in `count` processes, numbered from 0 upwards, until SIGTERM or SIGINT reaches this one.

    In the place of a worker that dies comes a new one with a new number. If this process dies, its workers stop as if
    they had been told to. At SIGHUP `on_hangup` is called here, and then each worker gets one too; SIGUSR1, which a
    worker may send, has them get it without. Raises RuntimeError if one does not come up.
    """
    # They wait here until they are asked for, one at a time: nothing ever happens in the middle of something else.
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    # Some systems drop what is ignored by default even if it is waited for.
    signal.signal(signal.SIGCHLD, _leave_for_later)
    crew = _Crew(work)
    for _ in range(count):
        crew.start_one()
    while crew.living:
        match signal.sigwait(HEARD):
            case signal.SIGCHLD:
                crew.replace_dead()
            case signal.SIGHUP:
                on_hangup()
                crew.tell(signal.SIGHUP)
            case signal.SIGUSR1:
                crew.tell(signal.SIGHUP)
            case _:
                crew.stop()


def _leave_for_later(*_: object) -> None:
    """What is waited for is handled there."""


class _Crew:
    """The workers: `living` maps a process to its number and the moment of its start."""

    def __init__(self, work: Callable[[int], None]) -> None:
        self.living: dict[int, tuple[int, float]] = {}
        self._work = work
        self._numbers = itertools.count()
        self._stopping = False
        # Nobody writes into it: what the workers read is its end, which comes with the end of this process.
        self._lifeline, self._held = os.pipe()

    def start_one(self) -> None:
        index = next(self._numbers)
        self.living[start_worker(index, self._work, self._lifeline, self._held)] = (index, time.monotonic())

    def tell(self, number: signal.Signals) -> None:
        for pid in self.living:
            os.kill(pid, number)

    def stop(self) -> None:
        self._stopping = True
        self.tell(signal.SIGTERM)

    def replace_dead(self) -> None:
        """One signal may stand for several of them. Raises RuntimeError if one has ended at once."""
        while self.living:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            index, started_s = self.living.pop(pid, (-1, 0.0))
            if self._stopping or index < 0:
                continue
            exit_code = os.waitstatus_to_exitcode(status)
            if time.monotonic() - started_s < SHORT_LIFE_S and exit_code != -signal.SIGKILL:
                self.stop()
                raise RuntimeError(f"worker {index} ended at once")
            logger.warning("worker %d ended with status %d; another takes its place", index, exit_code)
            self.start_one()


def start_worker(index: int, work: Callable[[int], None], lifeline: int, held: int) -> int:
    """Fork a worker. Returns its process id; does not return in the worker. The signals of HEARD are blocked."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # A terminal's Ctrl-C reaches the whole group. The parent passes it on; heard twice it would mean haste.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Until the worker listens for it: what it would say is looked up then.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
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
