"""A writer over the town in a real database, with somebody who looks on, and the calls to make of it."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from typing import Any

from tallygate.genai.book import Hold
from tallygate.genai.items import Admission, Settlement, TopUp
from tallygate.genai.results import Held, Result
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress
from tallygate.store.writer import Writer
from tests.fakes.ledger import Shelf, ask
from tests.fakes.receipts import DRAFT
from tests.faults.money_book import Watch
from tests.laws.book_judge import Judge
from tests.laws.store_town import Town, found_town

CREDIT_NUSD = 1_000_000


class Gate:
    """Stops the writer's thread at one moment until it is let go."""

    def __init__(self, watch: Watch, moment: str) -> None:
        self._moment, self._watch, self._before = moment, watch, watch.look
        self._reached, self._open = threading.Event(), threading.Event()
        self._error: Exception | None = None
        watch.look = self._look

    def _look(self, moment: str) -> None:
        self._before(moment)
        if moment == self._moment:
            self._reached.set()
            assert self._open.wait(60)
            if self._error is not None:
                raise self._error

    async def reached(self) -> None:
        """Wait until the thread stands there."""
        assert await asyncio.to_thread(self._reached.wait, 60)

    def let_go(self, error: Exception | None = None) -> None:
        """Let it go on, or fail there."""
        self._error = error
        self._watch.look = self._before
        self._open.set()


class Desk:
    """A writer at work, and what became of it."""

    def __init__(self, address: DatabaseAddress, watch: Watch, kind: type[Writer] = Writer) -> None:
        self.address = address
        self.watch = watch
        self.broken: list[Exception] = []
        self.writer = kind(
            address, watch.fold, complete, owner="test", on_broken=self.broken.append, open_book=watch.open_book
        )

    async def hold(self, hold_id: str, amount_nusd: int = 100, key_id: str = "k1") -> Hold:
        result = await self.writer.admit(call(hold_id, amount_nusd, key_id))
        assert isinstance(result, Held), result
        return result.hold

    async def close(self) -> None:
        await asyncio.to_thread(self.writer.close)

    def read(self) -> Shelf:
        """The database, after the judge has looked at it."""
        with closing(Town(self.address)) as town:
            shelf = town.read()
        Judge().look(shelf)
        return shelf


@asynccontextmanager
async def open_desk(address: DatabaseAddress, watch: Watch | None = None) -> AsyncGenerator[Desk]:
    """A desk in a new town where both workspaces have money; the judge looks at it in the end."""
    await asyncio.to_thread(found_town, address)
    desk = Desk(address, watch or Watch())
    desk.writer.start()
    try:
        for workspace_id in ("w1", "w2"):
            await desk.writer.change(TopUp(f"opening-{workspace_id}", workspace_id, CREDIT_NUSD))
        yield desk
    finally:
        await desk.close()
    await asyncio.to_thread(desk.read)


def call(hold_id: str, amount_nusd: int = 100, key_id: str = "k1", **changes: Any) -> Admission:
    """An admission of a user with room for many calls."""
    return ask(hold_id, amount_nusd, key_id, slots_max=100_000, **changes)


def end(hold: Hold, amount_nusd: int = 40) -> Settlement:
    """Its settlement by its owner."""
    return Settlement(hold=hold, epoch=hold.epoch, amount_nusd=amount_nusd, output_tokens=1, receipt=DRAFT)


def kinds(results: list[Result]) -> list[str]:
    """What kind each result is."""
    return [type(result).__name__ for result in results]
