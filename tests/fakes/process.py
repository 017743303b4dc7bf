"""A server in a process of its own, watched line by line: tests wait for what it prints, never for a while.

The reader thread ends with the process. Not for asserting anything: it only starts, listens and stops.
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

T = TypeVar("T")


class Process:
    """A started command. Use as a context manager; `lines` is what it has printed so far, both outputs in one."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: Path = ROOT) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self.child = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def text(self) -> str:
        """All that was printed so far."""
        return "\n".join(self.lines)

    def wait_for(self, look: Callable[[list[str]], T | None], timeout_s: float = START_TIMEOUT_S) -> T:
        """What `look` finds in the lines, as soon as it finds it. Raises AssertionError if it does not come."""

        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while (found := look(self.lines)) is None and not self._ended:
                if not self._changed.wait(deadline_s - time.monotonic()):
                    break
            ended = self._ended
        if found is None:
            state = f"ended with {self.child.poll()}" if ended else f"printed nothing such within {timeout_s} s"
            raise AssertionError(f"the process {state}; it said:\n{self.text}")
        return found

    def wait_for_match(self, pattern: str, timeout_s: float = START_TIMEOUT_S) -> re.Match[str]:
        """The first match of a pattern in any line."""

        def look(lines: list[str]) -> re.Match[str] | None:
            return next((match for line in lines if (match := re.search(pattern, line))), None)

        return self.wait_for(look, timeout_s)

    def stop(self) -> int:
        """End the process politely, by force if it will not go; its exit code."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self._thread.join()
        if self.child.stdout:
            self.child.stdout.close()
        return self.child.returncode

    def _listen(self) -> None:
        assert self.child.stdout
        for line in self.child.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
