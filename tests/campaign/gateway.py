"""The gateway as `tallygate` starts it, with mines in it, and if asked with a bug that the judge has to find.

A mine counts only while the file ARMED says so: `PLACE:COUNT`. Whoever comes to that place for the so-manieth time
removes the file and kills itself, so of several processes one dies. Without the file this is the gateway and nothing
else.

    python -m tests.campaign.gateway --armed FILE [--bug NAME] -- serve ...
"""

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tallygate.access.admission import Turnstile
from tallygate.cli import main as run_tallygate
from tallygate.media.spool import Recording
from tallygate.pipeline import run as hallway
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.watch import Watch
from tallygate.receipts import note
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.record import Record
from tallygate.receipts.sequencer import Sequencer
from tallygate.store import log
from tallygate.store.writer import Writer
from tallygate.transport.http import HttpExit
from tests.campaign.bugs import BUGS
from tests.campaign.log_bugs import LOG_BUGS, RESTORED

PLACES: dict[str, tuple[Any, str, str]] = {
    "asked": (Turnstile, "admit", "before"),
    "held": (Turnstile, "admit", "after"),
    "dispatched": (HttpExit, "send", "before"),
    "headed": (HttpExit, "send", "after"),
    "handed-on": (Watch, "count_chunk", "after"),
    "noted": (Writer, "note", "after"),
    "ended": (Finisher, "finish", "before"),
    "kept": (Recording, "finish", "after"),
    "settling": (Writer, "settle", "before"),
    "settled": (Writer, "settle", "after"),
    "closing": (hallway, "conclude", "before"),
    "told": (hallway, "conclude", "after"),
    "recovering": (Writer, "recover", "before"),
    "recovered": (Writer, "recover", "after"),
    "receipted": (Writer, "_make_receipts", "after"),
    "posted": (Sequencer, "wake", "before"),
    "woken": (Sequencer, "wake", "after"),
    "recorded": (Record, "put_used", "after"),
    "taken": (LogWriter, "_take", "after"),
    "appending": (log, "append", "before"),
    "appended": (log, "append", "after"),
    "signed": (note.Signer, "sign", "after"),
    "marked": (HighWater, "rise", "after"),
    "published": (log, "publish", "after"),
}
"""Where it may die: before or after a step of a call, of recovery, or of a turn at the log."""

LOG_PLACES = ("recorded", "taken", "appending", "appended", "signed", "marked", "published")
"""Steps of a turn: there are few of these in a second."""


class Mines:
    """In every place; each kills this process if it is the one that is armed."""

    def __init__(self, armed: Path) -> None:
        self._armed = armed
        self._seen: Counter[str] = Counter()

    def lay(self) -> None:
        """Put them in their places."""
        for place, (owner, name, when) in PLACES.items():
            setattr(owner, name, self._mined(place, getattr(owner, name), is_before=when == "before"))

    def step_on(self, place: str) -> None:
        """Die, if it is time."""
        try:
            order = self._armed.read_text()
        except FileNotFoundError:
            return
        named, _, count = order.partition(":")
        if named != place:
            return
        self._seen[order] += 1
        if self._seen[order] < int(count.partition(":")[0]):
            return
        try:
            self._armed.unlink()
        except FileNotFoundError:  # another process was first
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def _mined(self, place: str, step: Callable[..., Any], *, is_before: bool) -> Callable[..., Any]:
        async def wait_for(answer: Any) -> Any:
            result = await answer
            self.step_on(place)
            return result

        def mined(*args: Any, **named: Any) -> Any:
            if is_before:
                self.step_on(place)
                return step(*args, **named)
            answer = step(*args, **named)
            if hasattr(answer, "__await__"):
                return wait_for(answer)
            self.step_on(place)
            return answer

        return mined


def main() -> None:
    """Change what is to be changed, and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--armed", type=Path, required=True)
    bugs = {**BUGS, **LOG_BUGS, **RESTORED}
    parser.add_argument("--bug", choices=sorted(bugs), default=None)
    options, rest = parser.parse_known_args()
    Mines(options.armed).lay()
    if options.bug:
        bugs[options.bug].plant()
    sys.argv = ["tallygate", *(word for word in rest if word != "--")]
    run_tallygate()


if __name__ == "__main__":
    main()
