"""Starts, pins, measures and ends the processes of a run.

CPU time is the kernel's nanosecond clock of each process (POSIX process CPU clock), which also holds what threads
that have ended used; children that have ended are added from their parent's account. Memory is proportional set
size, so pages shared between workers count once. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOP_TIMEOUT_S = 8
TICK = os.sysconf("SC_CLK_TCK")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Stat:
    parent: int
    leader: int
    children_s: float


def _stats() -> dict[int, Stat]:
    """Every live process of this machine that can be read: parent, group leader, CPU seconds of its ended children."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            found[int(entry)] = Stat(int(fields[1]), int(fields[3]), (int(fields[13]) + int(fields[14])) / TICK)
    return found


def _with_descendants(stats: dict[int, Stat], chosen: set[int]) -> set[int]:
    while more := {pid for pid, stat in stats.items() if stat.parent in chosen} - chosen:
        chosen = chosen | more
    return chosen


def _tree(root: int) -> dict[int, Stat]:
    """The process, its descendants, and whatever else it leads (setsid(2))."""
    stats = _stats()
    led = {pid for pid, stat in stats.items() if pid == root or stat.leader == root}
    return {pid: stats[pid] for pid in _with_descendants(stats, led)}


def _own_seconds(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) returns for a pid
    except OSError:
        return 0.0


class Process:
    """One started command with all its descendants, leader of a process group, pinned to one core."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        core: int,
        log: Path,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log

        def prepare() -> None:
            os.setsid()
            os.sched_setaffinity(0, {core})
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

        self.started = time.monotonic()
        with log.open("wb") as out:
            self.popen: subprocess.Popen[Any] = subprocess.Popen(
                argv,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=prepare,
            )

    def alive(self) -> bool:
        return self.popen.poll() is None

    def end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGTERM)

    def cpu_s(self) -> float:
        return sum(_own_seconds(pid) + stat.children_s for pid, stat in _tree(self.popen.pid).items())

    def memory_mb(self) -> float:
        total = 0
        for pid in _tree(self.popen.pid):
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def last_words(self, count: int = 12) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


class Fleet:
    """Every process the run has started; `stop` ends them and everything they started."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        # A daemonised grandchild becomes our child, so that it can be found and ended as well.
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(self, name: str, argv: list[str], core: int, log: Path, **how: Any) -> Process:
        process = Process(name, argv, core, log, **how)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """First asks every group, then kills by id whatever is still below this process."""
        for process in self.processes:
            process.end()
        self._wait()
        for pid in self._descendants():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait()
        self.processes.clear()

    def _wait(self) -> None:
        until = time.monotonic() + STOP_TIMEOUT_S
        while self._descendants() and time.monotonic() < until:
            self._reap()
            time.sleep(0.05)

    def _descendants(self) -> set[int]:
        me = os.getpid()
        return _with_descendants(_stats(), {me}) - {me}

    def _reap(self) -> None:
        for process in self.processes:
            process.popen.poll()
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    return
            except ChildProcessError:
                return
