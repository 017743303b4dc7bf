"""Who waits for the writer, and which calls live in this process: from the moment their hold is asked for until its end
is decided.

The writer's thread hands results over here; futures are touched only in the loops they belong to.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from tallygate.genai.items import Admission, Item, Settlement, Void
from tallygate.genai.results import Held, Refused, Result
from tallygate.store.queue import Entry, Queue

Outcome = Result | Exception


class Waiting:
    """Hands results to those who wait. What was held for somebody who has left is put into `queue` to be voided."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        # One set, changed from several threads by single operations only.
        self._live: set[str] = set()

    def live_holds(self) -> frozenset[str]:
        """Ids of the holds whose calls live here."""
        return frozenset(self._live)

    def begin(self, item: Admission) -> None:
        """A call is about to ask for its hold."""
        self._live.add(item.hold_id)

    def forget(self, item: Item, outcome: Outcome | None) -> None:
        """Drop a call from the living if its hold has ended or was never made; None: it was not even asked for."""
        match item:
            case Admission():
                if not isinstance(outcome, Held):
                    self._live.discard(item.hold_id)
            case Settlement():
                self._live.discard(item.hold.id)
            case Void():
                if not (isinstance(outcome, Refused) and outcome.reason == "dispatched"):
                    self._live.discard(item.hold.id)
            case _:
                pass

    def deliver(self, entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        """Hand results to the loops that wait for them, with one call for each loop."""
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Entry, Outcome]]] = defaultdict(list)
        for entry, outcome in zip(entries, outcomes, strict=True):
            self.forget(entry.item, outcome)
            if entry.answer is not None:
                by_loop[entry.answer.get_loop()].append((entry, outcome))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._answer, answers)
            except RuntimeError:  # the loop is closed: nobody waits any more
                for entry, outcome in answers:
                    self._void_unwanted(entry, outcome)

    def leave(self, entry: Entry) -> None:
        """Whoever waits for an entry goes. Where that is before its result has come, `_answer` sees it; else nobody."""
        answer = entry.answer
        if answer is not None and answer.done() and not answer.cancelled() and answer.exception() is None:
            self._void_unwanted(entry, answer.result())

    def _answer(self, answers: Sequence[tuple[Entry, Outcome]]) -> None:
        for entry, outcome in answers:
            answer = entry.answer
            if answer is None or answer.done():
                self._void_unwanted(entry, outcome)
            elif isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    def _void_unwanted(self, entry: Entry, outcome: Outcome) -> None:
        """Whoever asked for a hold has left before it came: nothing was sent upstream for it."""
        if isinstance(entry.item, Admission) and isinstance(outcome, Held):
            self._queue.put(Entry(Void(outcome.hold, outcome.hold.epoch)))
