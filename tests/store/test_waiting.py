"""Who waits gets the result, in the loop it waits in; what was held for one who left is given back."""

import asyncio

import pytest

from tallygate.genai.items import Item, Settlement, Void
from tallygate.genai.results import AlreadyDone, Fenced, Held, Posted, Refused, Result, Voided
from tallygate.store.queue import Entry, Queue
from tallygate.store.waiting import Waiting
from tests.fakes.ledger import ask, build_town, hold
from tests.fakes.receipts import DRAFT

ROW = hold(build_town(credit_nusd=1_000), "h")
ADMISSION = ask("h")
END = Settlement(hold=ROW, epoch="e1", amount_nusd=1, receipt=DRAFT)
HELD = Held(ROW)

pytestmark = pytest.mark.anyio


async def hand(outcome: Result | Exception, *, leaves: bool = False) -> tuple["asyncio.Future[Result]", Queue]:
    """An admission's outcome, to one who waits or has left."""
    queue = Queue()
    answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    if leaves:
        answer.cancel()
    Waiting(queue).deliver([Entry(ADMISSION, answer)], [outcome])
    await asyncio.sleep(0)
    return answer, queue


async def test_who_waits_gets_the_result_or_the_error() -> None:
    answer, _ = await hand(HELD)
    assert answer.result() is HELD
    answer, _ = await hand(RuntimeError("broken"))
    assert str(answer.exception()) == "broken"


async def test_the_hold_of_one_who_left_is_voided() -> None:
    _, queue = await hand(HELD, leaves=True)
    batch = queue.take()
    assert batch is not None
    assert [entry.item for entry in batch.entries] == [Void(ROW, "e1")]


@pytest.mark.parametrize("outcome", [Refused(reason="balance"), AlreadyDone(ROW), RuntimeError()])
async def test_what_was_not_held_is_not_voided(outcome: Result | Exception) -> None:
    _, queue = await hand(outcome, leaves=True)
    queue.put(Entry(END))
    batch = queue.take()
    assert batch is not None
    assert [entry.item for entry in batch.entries] == [END]


@pytest.mark.parametrize(
    ("item", "outcome", "lives"),
    [
        (ADMISSION, HELD, True),
        (ADMISSION, Refused(reason="balance"), False),
        (ADMISSION, RuntimeError(), False),
        (ADMISSION, None, False),
        (END, Posted(ROW, "h/post"), False),
        (END, Fenced(ROW), False),
        (END, RuntimeError(), False),
        (Void(ROW, "e1"), Voided(ROW), False),
        (Void(ROW, "e1"), Refused(reason="dispatched"), True),
    ],
    ids=str,
)
async def test_a_call_lives_until_its_end_is_decided(
    item: Item, outcome: Result | Exception | None, lives: bool
) -> None:
    waiting = Waiting(Queue())
    waiting.begin(ADMISSION)
    assert waiting.live_holds() == {"h"}
    waiting.forget(item, outcome)
    assert ("h" in waiting.live_holds()) is lives
