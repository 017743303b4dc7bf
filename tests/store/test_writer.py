"""The writer hands each item its result, shares transactions, and lets no item, waiter or loop stop another."""

import asyncio
from collections.abc import Sequence
from contextlib import closing

import pytest
from msgspec import structs

from tallygate.errors import InternalError
from tallygate.genai.book import Rows
from tallygate.genai.items import (
    Admission,
    Item,
    LimitChange,
    Payout,
    Progress,
    Recovery,
    Refund,
    Settlement,
    TopUp,
    Void,
)
from tallygate.genai.results import Fenced, Folded, Held, Moved, Posted, Refused
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away
from tallygate.store.queue import BATCH_ITEMS_MAX, BULK_EVERY, BULK_ITEMS_MAX
from tests.fakes.receipts import DRAFT
from tests.faults.money_book import Watch
from tests.laws.store_town import Town
from tests.store.writing import CREDIT_NUSD, Gate, call, end, kinds, open_desk

pytestmark = pytest.mark.anyio


async def test_every_kind_of_item_is_answered_and_kept(address: DatabaseAddress) -> None:
    async with open_desk(address) as desk:
        writer = desk.writer
        row = await desk.hold("a")
        assert row.epoch == writer.epoch
        assert writer.live_holds() == {"a"}
        writer.note(Progress(hold=row, epoch=row.epoch, input_tokens=3, output_tokens=1, amount_nusd=5))
        await writer.change(TopUp("between", "w2", 1))
        assert kinds([await writer.settle(Void(row, row.epoch))]) == ["Refused"]
        posted = await writer.settle(end(row))
        assert isinstance(posted, Posted)
        assert writer.live_holds() == frozenset()
        assert kinds([await writer.settle(end(row))]) == ["AlreadyDone"]
        assert isinstance(await writer.change(Refund("back", row, 10)), Moved)
        assert isinstance(await writer.change(Payout("out", "w1", 10)), Moved)
        assert kinds([await writer.change(LimitChange("nowhere", 1))]) == ["Refused"]
        voided = await desk.hold("b")
        assert kinds([await writer.settle(Void(voided, voided.epoch))]) == ["Voided"]
        refused = await writer.admit(call("c", CREDIT_NUSD + 1))
        assert isinstance(refused, Refused)
        assert writer.live_holds() == frozenset()
        shelf = await asyncio.to_thread(desk.read)
        assert shelf.hold("a") == structs.replace(posted.hold, refunded_nusd=10)
        assert (shelf.hold("a").input_tokens, shelf.hold("a").output_tokens) == (0, 1)
        assert "c" not in shelf.tables["holds"]


async def test_what_arrives_while_a_transaction_runs_shares_the_next(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        held = await asyncio.gather(*(desk.hold(f"h{number}") for number in range(300)))
        gate = Gate(watch, "before commit")
        first = asyncio.ensure_future(desk.writer.admit(call("first")))
        await gate.reached()
        watch.batches.clear()
        asked = [asyncio.ensure_future(desk.writer.admit(call(f"n{number}"))) for number in range(300)]
        ends = [asyncio.ensure_future(desk.writer.settle(end(row))) for row in held]
        await asyncio.sleep(0)  # each puts its item into the queue
        gate.let_go()
        await asyncio.gather(first, *asked, *ends)
        sizes = [len(batch) for batch in watch.batches]
        assert sizes == [BATCH_ITEMS_MAX, 600 - BATCH_ITEMS_MAX]
        assert all(isinstance(item, Settlement) for item in watch.batches[0][:300])
        assert all(isinstance(item, Admission) for item in watch.batches[0][300:])


async def test_an_idle_writer_commits_at_once(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        watch.batches.clear()
        row = await desk.hold("a")
        await desk.writer.settle(end(row))
        assert [len(batch) for batch in watch.batches] == [1, 1]


async def test_recovery_comes_last_and_does_not_starve(address: DatabaseAddress) -> None:
    """As long as there is more to do than a batch can take, every eighth one is recovery's."""
    watch = Watch()
    async with open_desk(address, watch) as desk:
        dead = [await desk.hold("dead-0"), await desk.hold("dead-1")]
        gate = Gate(watch, "before commit")
        # Not a call: that would not wait for as long as this may take on a busy machine.
        first = asyncio.ensure_future(desk.writer.change(TopUp("first", "w1", 1)))
        await gate.reached()
        watch.batches.clear()
        bulk = [
            asyncio.ensure_future(
                desk.writer.recover(Recovery(hold=row, from_epoch=row.epoch, to_epoch="", receipt=DRAFT))
            )
            for row in dead
        ]
        count = BULK_EVERY * BATCH_ITEMS_MAX
        asked = [asyncio.ensure_future(desk.writer.change(TopUp(f"t{n}", "w2", 1))) for n in range(count)]
        await asyncio.sleep(0)
        gate.let_go()
        assert kinds([*await asyncio.gather(*bulk)]) == ["Posted", "Posted"]
        is_bulk = [isinstance(batch[0], Recovery) for batch in watch.batches]
        assert is_bulk.count(True) == 1
        # Which one is the eighth depends on how many came before, of which some only told that the process is alive.
        assert is_bulk.index(True) <= BULK_EVERY
        assert len(watch.batches[is_bulk.index(True)]) <= BULK_ITEMS_MAX
        # On a busy machine some have been waited for long enough; they are written all the same.
        await asyncio.gather(first, *asked, return_exceptions=True)


def poison(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
    """A fold that cannot take calls of one model, and writes what no database takes for another."""
    models = [item.model for item in items if isinstance(item, Admission)]
    if "poison" in models:
        raise RuntimeError("poison")
    folded = fold(rows, items, now_ns)
    if "wall" in models:
        broken = {row_id: structs.replace(row, held_nusd=-1) for row_id, row in folded.changed.wallets.items()}
        return structs.replace(folded, changed=structs.replace(folded.changed, wallets=broken))
    return folded


@pytest.mark.parametrize("model", ["poison", "wall"])
async def test_what_cannot_be_written_stops_no_other(address: DatabaseAddress, model: str) -> None:
    watch = Watch(fold=poison)
    async with open_desk(address, watch) as desk:
        held = await desk.hold("held")
        gate = Gate(watch, "before commit")
        first = asyncio.ensure_future(desk.writer.admit(call("first")))
        await gate.reached()
        asked = [asyncio.ensure_future(desk.writer.admit(call(f"n{number}"))) for number in range(5)]
        bad = asyncio.ensure_future(desk.writer.admit(call("bad", model=model)))
        ended = asyncio.ensure_future(desk.writer.settle(end(held)))
        await asyncio.sleep(0)
        gate.let_go()
        assert set(kinds(await asyncio.gather(first, *asked))) == {"Held"}
        assert isinstance(await ended, Posted)
        with pytest.raises(InternalError):
            await bad
        assert "bad" not in desk.writer.live_holds()
        assert "bad" not in (await asyncio.to_thread(desk.read)).tables["holds"]
        assert isinstance(await desk.writer.admit(call("after")), Held)


async def test_a_database_that_goes_while_each_is_tried_alone_is_waited_for_once(address: DatabaseAddress) -> None:
    watch = Watch(fold=poison)
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "before commit")
        first = asyncio.ensure_future(desk.writer.admit(call("first")))
        await gate.reached()
        asked = [asyncio.ensure_future(desk.writer.admit(call(f"n{number}"))) for number in range(50)]
        bad = asyncio.ensure_future(desk.writer.admit(call("bad", model="poison")))
        await asyncio.sleep(0)

        def go_away_from_one(moment: str) -> None:
            if moment == "before commit" and len(watch.batches[-1]) == 1:
                watch.look = lambda moment: None
                raise Away("the line broke")

        watch.batches.clear()
        gate.let_go()
        watch.look = go_away_from_one
        assert set(kinds(await asyncio.gather(first, *asked))) == {"Held"}
        with pytest.raises(InternalError):
            await bad
        assert [len(batch) for batch in watch.batches[:3]] == [51, 1, 51]


async def test_who_leaves_before_the_hold_is_asked_for_gets_none(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "before commit")
        first = asyncio.ensure_future(desk.writer.admit(call("first")))
        await gate.reached()
        leaving = asyncio.ensure_future(desk.writer.admit(call("left")))
        await asyncio.sleep(0)
        assert "left" in desk.writer.live_holds()
        leaving.cancel()
        gate.let_go()
        await first
        await desk.hold("next")
        assert desk.writer.live_holds() == {"first", "next"}
        assert "left" not in (await asyncio.to_thread(desk.read)).tables["holds"]


async def test_who_leaves_while_the_hold_is_made_has_it_voided(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "before commit")
        leaving = asyncio.ensure_future(desk.writer.admit(call("left")))
        await gate.reached()
        leaving.cancel()
        gate.let_go()
        while desk.writer.live_holds():
            await desk.writer.change(TopUp("again", "w2", 1))
        assert (await asyncio.to_thread(desk.read)).hold("left").state == "voided"


async def test_whose_loop_has_ended_has_the_hold_voided(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "before commit")
        other = asyncio.new_event_loop()
        asked = other.create_task(desk.writer.admit(call("left")))
        await asyncio.to_thread(other.run_until_complete, asyncio.sleep(0))
        await gate.reached()
        asked.cancel()
        await asyncio.to_thread(other.run_until_complete, asyncio.gather(asked, return_exceptions=True))
        other.close()
        gate.let_go()
        while desk.writer.live_holds():
            await desk.writer.change(TopUp("again", "w2", 1))
        assert (await asyncio.to_thread(desk.read)).hold("left").state == "voided"


async def test_an_end_goes_on_when_nobody_waits_any_more(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("a")
        gate = Gate(watch, "before load")
        leaving = asyncio.ensure_future(desk.writer.settle(end(row)))
        await gate.reached()
        leaving.cancel()
        gate.let_go()
        await desk.close()
        assert (await asyncio.to_thread(desk.read)).hold("a").state == "posted"


async def test_several_loops_are_served(address: DatabaseAddress) -> None:
    async with open_desk(address) as desk:

        async def work(name: str) -> list[str]:
            held = await asyncio.gather(*(desk.hold(f"{name}{number}") for number in range(20)))
            return kinds(await asyncio.gather(*(desk.writer.settle(end(row)) for row in held)))

        done = await asyncio.gather(*(asyncio.to_thread(asyncio.run, work(name)) for name in "abc"))
        assert done == [["Posted"] * 20] * 3


async def test_close_does_what_is_waiting(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        held = await asyncio.gather(*(desk.hold(f"h{number}") for number in range(20)))
        gate = Gate(watch, "before load")
        ends = [asyncio.ensure_future(desk.writer.settle(end(row))) for row in held]
        await gate.reached()
        closing_down = asyncio.ensure_future(desk.close())
        gate.let_go()
        await closing_down
        assert set(kinds(await asyncio.gather(*ends))) == {"Posted"}


async def test_a_life_that_was_ended_is_followed_by_another(address: DatabaseAddress) -> None:
    """Whoever took the calls over ends them; new ones belong to the new life."""
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row, first = await desk.hold("old"), desk.writer.epoch
        with closing(Town(address)) as town:
            town.end_epoch(first)
        fresh = await desk.hold("new")
        assert fresh.epoch == desk.writer.epoch != first
        assert await desk.writer.settle(end(row)) == Fenced(row)
        assert kinds([await desk.writer.settle(end(fresh))]) == ["Posted"]
        taken = Recovery(hold=row, from_epoch=first, to_epoch=desk.writer.epoch, receipt=DRAFT)
        assert isinstance(await desk.writer.recover(taken), Posted)
        assert desk.writer.live_holds() == frozenset()


async def test_an_end_on_its_way_is_fenced_when_the_life_ends(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        row = await desk.hold("old")
        gate = Gate(watch, "before load")
        ended = asyncio.ensure_future(desk.writer.settle(end(row)))
        await gate.reached()
        with closing(Town(address)) as town:
            town.end_epoch(desk.writer.epoch)
        gate.let_go()
        assert isinstance(await ended, Fenced)
        assert (await asyncio.to_thread(desk.read)).hold("old").state == "open"


async def test_a_sign_of_life_is_counted_without_any_item(address: DatabaseAddress) -> None:
    watch = Watch()
    async with open_desk(address, watch) as desk:
        gate = Gate(watch, "after commit")
        desk.writer.beat()
        await gate.reached()
        with closing(Town(address)) as town:
            assert town.beats() == 1
        gate.let_go()
