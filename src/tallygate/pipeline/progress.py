"""Tells the book how far a running stream has come, so that a crash costs neither its caller nor the house more than
the last second.

A stream younger than a second tells nothing; an older one at most once a second, by the same rules as its end.
"""

import time
from collections.abc import Callable
from typing import Final

from tallygate.access.admission import Admitted
from tallygate.genai.items import Progress
from tallygate.ledger.bill import draw_up
from tallygate.pipeline.watch import Watch

Note = Callable[[Progress], None]

EVERY_NS: Final = 1_000_000_000


class Pace:
    """The notes of one call. Call it after each write. `note` is the store's writer's; nobody waits for it."""

    def __init__(
        self, note: Note, admitted: Admitted, body_bytes: int, *, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._note = note
        self._admitted = admitted
        self._body_bytes = body_bytes
        self._clock_ns = clock_ns
        self._due_ns = clock_ns() + EVERY_NS

    def __call__(self, watch: Watch) -> None:
        """Note how far the call has come, if it is time."""
        now_ns = self._clock_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + EVERY_NS
        hold, quote = self._admitted.hold, self._admitted.quote
        bill = draw_up(watch.outcome("partial"), quote.price, quote.bound, hold, self._body_bytes)
        self._note(
            Progress(
                hold=hold,
                epoch=hold.epoch,
                input_tokens=bill.usage.input_tokens,
                output_tokens=bill.usage.output_tokens,
                amount_nusd=min(bill.amount_nusd, hold.amount_nusd),
            )
        )
