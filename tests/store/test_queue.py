"""The order in which the writer is handed its work, and how much of it at once."""

import asyncio

from tallygate.genai.items import Item, Progress, Recovery, Settlement, TopUp, Void
from tallygate.store.queue import (
    ASIDE_ITEMS_MAX,
    BATCH_BYTES_MAX,
    BATCH_ITEMS_MAX,
    BULK_EVERY,
    BULK_ITEMS_MAX,
    Beat,
    Close,
    Entry,
    Queue,
)
from tests.fakes.ledger import ask, build_town, hold
from tests.fakes.receipts import DRAFT

ROW = hold(build_town(credit_nusd=1_000), "h")
ADMISSION = ask("a")
END = Settlement(hold=ROW, epoch="e1", amount_nusd=1, receipt=DRAFT)
NOTE = Progress(hold=ROW, epoch="e1", input_tokens=1, output_tokens=1, amount_nusd=1)
BULK = Recovery(hold=ROW, from_epoch="e1", to_epoch="e2", receipt=DRAFT)


def fill(*items: Item) -> Queue:
    queue = Queue()
    for item in items:
        queue.put(Entry(item))
    return queue


def take(queue: Queue) -> list[Item]:
    batch = queue.take()
    assert batch is not None
    return [entry.item for entry in batch.entries]


def test_ends_come_before_what_is_asked_for_and_notes_after_it() -> None:
    queue = fill(NOTE, ADMISSION, TopUp("t", "w1", 1), END, Void(ROW, "e1"))
    assert take(queue) == [END, Void(ROW, "e1"), ADMISSION, TopUp("t", "w1", 1), NOTE]


def test_a_batch_has_room_for_so_many_items() -> None:
    queue = fill(*[ADMISSION] * (BATCH_ITEMS_MAX + 1), END)
    first, second = take(queue), take(queue)
    assert (len(first), first[0]) == (BATCH_ITEMS_MAX, END)
    assert second == [ADMISSION] * 2


def test_a_batch_has_room_for_so_many_bytes() -> None:
    long = Settlement(hold=ROW, epoch="e1", amount_nusd=1, details="x" * (BATCH_BYTES_MAX // 4), receipt=DRAFT)
    queue = fill(*[long] * 6, ADMISSION)
    assert [len(take(queue)), len(take(queue))] == [4, 3]


def test_recovery_waits_until_there_is_nothing_else_or_its_turn_comes() -> None:
    queue = fill(*[BULK] * (BULK_ITEMS_MAX + 1), ADMISSION)
    assert take(queue) == [ADMISSION]
    assert take(queue) == [BULK] * BULK_ITEMS_MAX
    queue = fill(BULK, *[ADMISSION] * (BATCH_ITEMS_MAX * BULK_EVERY))
    turns = [take(queue)[0] for _ in range(BULK_EVERY)]
    assert turns == [ADMISSION] * (BULK_EVERY - 1) + [BULK]


def test_what_was_locked_elsewhere_leaves_room_for_others() -> None:
    queue = fill(*[ADMISSION] * ASIDE_ITEMS_MAX)
    queue.put_aside([Entry(END) for _ in range(BATCH_ITEMS_MAX)])
    batch = take(queue)
    assert batch == [END] * ASIDE_ITEMS_MAX + [ADMISSION] * ASIDE_ITEMS_MAX


def test_what_was_not_done_comes_first_the_next_time_in_its_order() -> None:
    queue = fill(TopUp("3", "w1", 1))
    queue.put_back([Entry(TopUp("1", "w1", 1)), Entry(TopUp("2", "w1", 1))])
    assert take(queue) == [TopUp(name, "w1", 1) for name in "123"]


def test_only_what_may_be_lost_with_the_machine_need_not_be_durable() -> None:
    def is_durable(*items: Item) -> bool:
        batch = fill(*items).take()
        assert batch is not None
        return batch.durable

    assert not is_durable(ADMISSION, NOTE)
    for item in (END, Void(ROW, "e1"), TopUp("t", "w1", 1)):
        assert is_durable(ADMISSION, item)
    assert is_durable(BULK)


def test_a_sign_of_life_is_a_batch_of_its_own_where_nothing_else_is() -> None:
    queue = fill()
    queue.put(Beat())
    queue.put(Beat())
    batch = queue.take()
    assert batch is not None
    assert (batch.beats, batch.entries, batch.durable) == (True, [], False)
    queue.put(Entry(ADMISSION))
    batch = queue.take()
    assert batch is not None
    assert not batch.beats


def test_a_closed_queue_is_emptied_first() -> None:
    queue = fill(ADMISSION, BULK)
    queue.put(Close())
    assert [take(queue), take(queue), queue.take()] == [[ADMISSION], [BULK], None]


def test_who_has_left_wants_no_hold_but_still_an_end() -> None:
    loop = asyncio.new_event_loop()
    gone = loop.create_future()
    gone.cancel()
    assert Entry(ADMISSION, gone).dropped
    assert not Entry(END, gone).dropped
    assert not Entry(ADMISSION, loop.create_future()).dropped
    assert not Entry(ADMISSION).dropped
    loop.close()
