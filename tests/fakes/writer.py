"""A writer over the real fold, in memory and in the event loop: the calls' side of the store's writer, without a store.

It answers in a later turn of the loop, as the real one does, and can be made to answer late or never. An owner that was
taken for dead is what `take_over` makes.
"""

import asyncio

from msgspec import structs

from tallygate.genai.items import Admission, Progress, Recovery, Settlement, Void
from tallygate.genai.results import Held, Result
from tests.fakes.ledger import NOON_NS, Shelf
from tests.fakes.receipts import DRAFT


class ShelfWriter:
    """Keeps what it was asked. `gate` cleared: nothing is written until it is set again."""

    def __init__(self, shelf: Shelf, *, epoch: str = "e1", now_ns: int = NOON_NS) -> None:
        self.shelf = shelf
        self.epoch = epoch
        self.now_ns = now_ns
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Admission] = []
        self.ends: list[Settlement | Void] = []
        self.notes: list[Progress] = []
        self._writing: set[asyncio.Task[Result]] = set()

    async def admit(self, item: Admission) -> Result:
        await asyncio.sleep(0)
        item = structs.replace(item, epoch=self.epoch)
        self.asked.append(item)
        return self.shelf.do(item, self.now_ns)

    async def settle(self, item: Settlement | Void, wait_s: float | None = None) -> Result:
        """Goes on when nobody waits any more."""
        self.ends.append(item)
        task = asyncio.create_task(self._write(item))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.wait_for(asyncio.shield(task), wait_s)

    async def _write(self, item: Settlement | Void) -> Result:
        await self.gate.wait()
        return self.shelf.do(item, self.now_ns)

    def note(self, item: Progress) -> None:
        self.notes.append(item)
        self.shelf.do(item, self.now_ns)

    async def drain(self) -> None:
        """Wait until everything is written."""
        while self._writing:
            await asyncio.wait(set(self._writing))

    def take_over(self, hold_id: str) -> None:
        """Another process takes this one for dead, and ends its call."""
        hold = self.shelf.hold(hold_id)
        self.shelf.do(Recovery(hold=hold, from_epoch=self.epoch, to_epoch="e2", receipt=DRAFT), self.now_ns)

    def hold_all(self, admission: Admission, count: int) -> None:
        """Open so many calls like this one."""
        for number in range(count):
            item = structs.replace(admission, hold_id=f"{admission.hold_id}-{number}")
            assert isinstance(self.shelf.do(item, self.now_ns), Held)
