"""Three calls, two wallets, every order in which they can begin and end: a small world seen whole.

A call may also end before it began, and again after it has ended.
"""

from itertools import product

import pytest
from msgspec import structs

from tallygate.genai.book import Budget, Hold
from tallygate.genai.items import Item, Recovery, Settlement, TopUp, Void
from tallygate.genai.results import Refused
from tests.fakes.ledger import OWNERS, Shelf, ask, build_town
from tests.fakes.receipts import DRAFT
from tests.laws.book_judge import Judge
from tests.laws.book_machine import STANDING

ENDS = ("below", "above", "void", "recovery")
CALLS = ("a", "b", "c")
HELD_NUSD = 100
CREDIT_NUSD = 150
"""Enough for one call at a time, and for a second one only if the first was cheap."""

ORDERS = 1 + 6 + 6 * 5 + 6 * 5 * 4 + 6 * 5 * 4 * 3 + 2 * 6 * 5 * 4 * 3 * 2
"""Beginnings of an order of six events, the empty and the whole ones included."""


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("keys", [("k1", *rest) for rest in product(("k1", "k4"), repeat=2)], ids=" ".join)
def test_every_order_is_sound(keys: tuple[str, ...], end: str) -> None:
    shelf = build_town(credit_nusd=CREDIT_NUSD)
    shelf.do(TopUp("second", "w2", CREDIT_NUSD))
    shelf.put(Budget(id="b", level="user", owner_id="u1", period="total", limit_nusd=CREDIT_NUSD))
    judge = Judge()
    judge.look(shelf)
    town: dict[str, str] = dict(zip(CALLS, keys, strict=True))
    events = tuple(product(("begin", "end"), CALLS))
    assert sum(_explore(shelf, judge, events, town, end)) == ORDERS


def _explore(
    shelf: Shelf, judge: Judge, left: tuple[tuple[str, str], ...], town: dict[str, str], end: str
) -> list[int]:
    """Do each of the events that are left first, then explore what follows; one for each state seen."""
    if not left:
        _repeat_ends(shelf, judge, town, end)
    seen = [1]
    for event in left:
        twin, watcher = shelf.copy(shelf.fold), judge.copy()
        result = twin.do(_make(twin, *event, town, end))
        watcher.look(twin)
        if event[0] == "end" and ("begin", event[1]) in left:
            assert isinstance(result, Refused)
        seen += _explore(twin, watcher, tuple(other for other in left if other != event), town, end)
    return seen


def _repeat_ends(shelf: Shelf, judge: Judge, town: dict[str, str], end: str) -> None:
    """End every call once more, which ends those that ended before they began; and then once more, for nothing."""
    for call in CALLS:
        shelf.do(_make(shelf, "end", call, town, end))
    judge.look(shelf)
    assert not any(wallet.held_nusd for wallet in shelf.tables["wallets"].values())
    assert not any(user.slots_used for user in shelf.tables["users"].values())
    before = {name: dict(rows) for name, rows in shelf.tables.items()}
    for call in CALLS:
        assert isinstance(shelf.do(_make(shelf, "end", call, town, end)), STANDING)
    assert shelf.tables == before


def _make(shelf: Shelf, what: str, call: str, town: dict[str, str], end: str) -> Item:
    if what == "begin":
        return ask(call, HELD_NUSD, town[call])
    row = shelf.tables["holds"].get(call) or _imagine(call, town[call])
    match end:
        case "void":
            return Void(row, "e1")
        case "recovery":
            return Recovery(hold=row, from_epoch="e1", to_epoch="e2", estimate_nusd=30, receipt=DRAFT)
        case _:
            return Settlement(hold=row, epoch="e1", amount_nusd=40 if end == "below" else 130, receipt=DRAFT)


def _imagine(call: str, key_id: str) -> Hold:
    """A hold that is not in the book."""
    workspace_id, user_id = OWNERS[key_id]
    hold = Hold(
        id=call,
        workspace_id=workspace_id,
        user_id=user_id,
        key_id=key_id,
        epoch="e1",
        model="m",
        price_version="p1",
        amount_nusd=HELD_NUSD,
        output_tokens_max=0,
        opened_at_ns=0,
    )
    return structs.replace(hold, budget_ids=("b",))
