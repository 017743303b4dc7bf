"""Tells the book how far running streams have come, so that a crash costs neither their callers nor the house more than
the last second.

One clock for all of them: each second those are told of that are older than one and have said something since. What
they have come to is reckoned by the rules of their end, as if they broke off just then.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from tallygate.access.admission import Admitted
from tallygate.genai.items import Progress
from tallygate.ledger.bill import draw_up
from tallygate.pipeline.watch import Watch

Note = Callable[[Progress], None]

EVERY_S: Final = 1.0

AT_ONCE: Final = 64
"""So many notes are written before others get their turn."""


class Pace:
    """One running stream, while its `with` block lasts. `old`: it was there when the clock last struck; `noted`: the
    writes told of.
    """

    __slots__ = ("_paces", "admitted", "body_bytes", "noted", "old", "watch")

    def __init__(self, paces: "set[Pace]", admitted: Admitted, watch: Watch, body_bytes: int) -> None:
        self._paces = paces
        self.admitted = admitted
        self.watch = watch
        self.body_bytes = body_bytes
        self.old = False
        self.noted = 0

    def __enter__(self) -> None:
        self._paces.add(self)

    def __exit__(self, *_: object) -> None:
        self._paces.discard(self)


class Pacer:
    """The clock of one process. `note` is the store's writer's; nobody waits for it. It ticks only while calls run."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._paces: set[Pace] = set()
        self._ticking: asyncio.Task[None] | None = None

    def keep(self, admitted: Admitted, watch: Watch, body_bytes: int) -> Pace:
        """The call runs while this context is open. `body_bytes`: of its request."""
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())
        return Pace(self._paces, admitted, watch, body_bytes)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            if not self._paces:
                return
            await self.look()

    async def look(self) -> None:
        """Tell of every stream that has something new to tell."""
        for number, pace in enumerate(tuple(self._paces)):
            if not pace.old:
                pace.old = True
            elif pace in self._paces and pace.watch.chunks_delivered > pace.noted:
                pace.noted = pace.watch.chunks_delivered
                self._note(_reckon(pace))
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)


def _reckon(pace: Pace) -> Progress:
    hold, quote = pace.admitted.hold, pace.admitted.quote
    outcome = pace.watch.outcome("partial")
    sale = quote.find_sale(outcome)
    bill = draw_up(outcome, sale.price, sale.bound, hold, pace.body_bytes)
    return Progress(
        hold=hold,
        epoch=hold.epoch,
        input_tokens=bill.usage.input_tokens,
        output_tokens=bill.usage.output_tokens,
        amount_nusd=min(bill.amount_nusd, hold.amount_nusd),
        price_version=sale.price_version,
    )
