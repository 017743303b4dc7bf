"""Writers and books with one defect each, and the test that finds it: what cannot fail says nothing."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from tallygate.genai.items import Admission
from tallygate.genai.results import Fenced, Posted
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away, Book
from tallygate.store.queue import Entry, Queue
from tallygate.store.recovery import Sweeper
from tallygate.store.waiting import Outcome, Waiting
from tallygate.store.writer import Writer
from tests.fakes.receipts import draft_recovered
from tests.faults.money_book import Watch, WatchedBook
from tests.laws.store_planted import HonestBook, TakesNoLock
from tests.laws.store_town import found_town
from tests.store.writing import Desk, Gate, call, end, open_desk

pytestmark = pytest.mark.anyio

FOUND: AbstractContextManager[Any] = pytest.raises(AssertionError)
KEPT: AbstractContextManager[Any] = nullcontext()


def name(value: Any) -> str:
    """What a case is called."""
    return {id(FOUND): "found", id(KEPT): "kept"}.get(id(value)) or getattr(value, "__name__", str(value))


class BookedWatch(Watch):
    """A watch over a book of another kind."""

    def __init__(self, kind: Callable[[DatabaseAddress], Book]) -> None:
        super().__init__()
        self._kind = kind

    def open_book(self, address: DatabaseAddress) -> Book:
        return WatchedBook(self._kind(address), self._look)


class TakesItForDone(HonestBook):
    """Where nobody knows what became of a commit, it is taken for done."""

    def find_outcome(self, transaction: str) -> bool | None:
        return True


class TakesItForLost(HonestBook):
    """It is taken for lost."""

    def find_outcome(self, transaction: str) -> bool | None:
        return False


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize(
    ("kind", "moment", "verdict"),
    [
        (HonestBook, "before commit", KEPT),
        (HonestBook, "after commit", KEPT),
        (TakesItForDone, "before commit", FOUND),
        (TakesItForLost, "after commit", FOUND),
    ],
    ids=name,
)
async def test_an_unknown_outcome_is_not_guessed(
    address: DatabaseAddress, kind: type[HonestBook], moment: str, verdict: AbstractContextManager[Any]
) -> None:
    watch = BookedWatch(kind)
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        breaks = [Away("the line broke")]

        def break_once(now: str) -> None:
            if now == moment and breaks:
                raise breaks.pop()

        watch.look = break_once
        result = await desk.writer.settle(end(row))
        shelf = await asyncio.to_thread(desk.read)
        with verdict:
            assert isinstance(result, Posted)
            assert shelf.hold("a") == result.hold


@pytest.mark.parametrize(("kind", "verdict"), [(HonestBook, KEPT), (TakesNoLock, FOUND)], ids=name)
async def test_a_missing_lock_is_found(
    address: DatabaseAddress, kind: type[HonestBook], verdict: AbstractContextManager[Any]
) -> None:
    """One reads and waits, the other writes meanwhile."""
    slow, quick = BookedWatch(kind), Watch()
    await asyncio.to_thread(found_town, address, credit_nusd=1_000)
    desks = [Desk(address, slow), Desk(address, quick)]
    for desk in desks:
        desk.writer.start()
    gate = Gate(slow, "before fold")
    first = asyncio.ensure_future(desks[0].writer.admit(call("a")))
    await gate.reached()
    second = asyncio.ensure_future(desks[1].writer.admit(call("b")))
    if kind is TakesNoLock:
        await second
    gate.let_go()
    await asyncio.gather(first, second)
    for desk in desks:
        await desk.close()
    with verdict:
        await asyncio.to_thread(desks[0].read)


class VoidsNothing(Waiting):
    """What was held for one who has left stays held."""

    def _void_unwanted(self, entry: Entry, outcome: Outcome) -> None:
        pass


class GivesAllUp(Writer):
    """A batch that fails is given up whole."""

    def _isolate(self, entries: list[Entry], error: Exception) -> None:
        self._waiting.deliver(entries, [error] * len(entries))


class LosesWhatWaited(Queue):
    """What was not done, through no fault of its own, is not done again."""

    def put_back(self, entries: Any) -> None:
        pass


async def leave(desk: Desk) -> None:
    """Leave while the hold is made; when all else is done, nothing may be held."""
    gate = Gate(desk.watch, "before commit")
    leaving = asyncio.ensure_future(desk.writer.admit(call("left")))
    await gate.reached()
    leaving.cancel()
    gate.let_go()
    await desk.hold("next")
    await desk.close()
    assert (await asyncio.to_thread(desk.read)).hold("left").state == "voided"


@pytest.mark.parametrize(("waiting", "verdict"), [(Waiting, KEPT), (VoidsNothing, FOUND)], ids=name)
async def test_a_hold_that_nobody_wants_is_found(
    address: DatabaseAddress, waiting: type[Waiting], verdict: AbstractContextManager[Any]
) -> None:
    await asyncio.to_thread(found_town, address, credit_nusd=1_000)
    desk = Desk(address, Watch())
    desk.writer._waiting = waiting(desk.writer._queue)
    desk.writer.start()
    with verdict:
        await leave(desk)


@pytest.mark.parametrize(("kind", "verdict"), [(Writer, KEPT), (GivesAllUp, FOUND)], ids=name)
async def test_a_neighbour_that_was_given_up_is_found(
    address: DatabaseAddress, kind: type[Writer], verdict: AbstractContextManager[Any]
) -> None:
    def choke(rows: Any, items: Any, now_ns: int) -> Any:
        assert not any(isinstance(item, Admission) and item.model == "poison" for item in items)
        return fold(rows, items, now_ns)

    await asyncio.to_thread(found_town, address, credit_nusd=1_000)
    desk = Desk(address, Watch(fold=choke), kind)
    desk.writer.start()
    gate = Gate(desk.watch, "before commit")
    first = asyncio.ensure_future(desk.writer.admit(call("first")))
    await gate.reached()
    both = [desk.writer.admit(call("good")), desk.writer.admit(call("bad", model="poison"))]
    asked = asyncio.gather(*both, return_exceptions=True)
    await asyncio.sleep(0)
    gate.let_go()
    await first
    good, bad = await asked
    await desk.close()
    assert isinstance(bad, Exception)
    with verdict:
        assert not isinstance(good, Exception)


@pytest.mark.parametrize(("queue", "verdict"), [(Queue, KEPT), (LosesWhatWaited, FOUND)], ids=name)
async def test_an_end_that_was_dropped_is_found(
    address: DatabaseAddress, queue: type[Queue], verdict: AbstractContextManager[Any]
) -> None:
    watch = Watch()
    await asyncio.to_thread(found_town, address, credit_nusd=1_000)
    desk = Desk(address, watch)
    desk.writer._queue = queue()
    desk.writer._waiting = Waiting(desk.writer._queue)
    desk.writer.start()
    row = await desk.hold("a")
    gate = Gate(watch, "before load")
    ended = asyncio.ensure_future(desk.writer.settle(end(row)))
    await gate.reached()
    gate.let_go(Away("the line broke"))
    await desk.close()
    await asyncio.sleep(0)
    with verdict:
        assert ended.done()
    ended.cancel()


@pytest.mark.parametrize(("lease_s", "verdict"), [(15.0, KEPT), (0.0, FOUND)], ids=name)
async def test_a_live_owner_that_was_recovered_is_found(
    address: DatabaseAddress, lease_s: float, verdict: AbstractContextManager[Any]
) -> None:
    """A lease of no length is a release by age: whoever looks takes the other's calls."""
    async with open_desk(address) as desk:
        row = await desk.hold("a")
        other = Desk(address, Watch())
        other.writer.start()
        other.writer.beat()
        sweeper = Sweeper(address, other.writer, draft_recovered, lease_s=lease_s)
        await sweeper.sweep()
        await asyncio.to_thread(sweeper.close)
        await other.close()
        with verdict:
            assert not isinstance(await desk.writer.settle(end(row)), Fenced)
