"""A hold ends once: by its owner, or by whoever took it over; what it held is given back to the last nano-dollar."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from tallygate.genai.book import Answer, Budget, Hold
from tallygate.genai.items import ClaimRequest, Cost, Item, Progress, Recovery, Settlement, Void
from tallygate.genai.results import AlreadyDone, Fenced, Held, Noted, Posted, Refused, Voided
from tests.fakes.ledger import DAY_NS, NOON_NS, Shelf, ask, build_town, hold
from tests.fakes.receipts import DRAFT

CLAIM = ClaimRequest("c", b"request", keep_ns=DAY_NS)


def settle(row: Hold, amount_nusd: Any = 40, **values: Any) -> Settlement:
    fields: dict[str, Any] = {"epoch": "e1", **values}
    return Settlement(hold=row, amount_nusd=amount_nusd, **fields, receipt=DRAFT)


def progress(row: Hold, tokens: int, amount_nusd: int, epoch: str = "e1") -> Progress:
    return Progress(hold=row, epoch=epoch, input_tokens=1, output_tokens=tokens, amount_nusd=amount_nusd)


def recover(row: Hold, estimate_nusd: int = 0, from_epoch: str = "e1") -> Recovery:
    return Recovery(hold=row, from_epoch=from_epoch, to_epoch="e2", estimate_nusd=estimate_nusd, receipt=DRAFT)


def lines(shelf: Shelf, row: Hold) -> dict[str, tuple[str, str, int]]:
    return {
        line.id.removeprefix(f"{row.id}/"): (line.debit, line.credit, line.amount_nusd)
        for line in shelf.transfers.values()
        if line.hold_id == row.id and line.kind != "hold"
    }


def test_a_post_takes_the_price_and_gives_back_the_rest() -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.put(Budget(id="b", level="key", owner_id="k1", period="total", limit_nusd=500))
    row = hold(shelf, "h", 100)
    result = shelf.do(settle(row, 40, costs=(Cost("lab", 7), Cost("lab", 8))), NOON_NS + 1)
    assert isinstance(result, Posted)
    assert result.transfer_id == "h/post"
    assert (result.hold.charged_nusd, result.hold.sequence, result.hold.ended_at_ns) == (40, 1, NOON_NS + 1)
    assert (shelf.wallet().posted_nusd, shelf.wallet().held_nusd, shelf.wallet().next_sequence) == (960, 0, 2)
    assert (shelf.tables["budgets"]["b"].spent_nusd, shelf.tables["budgets"]["b"].held_nusd) == (40, 0)
    assert shelf.user().slots_used == 0
    assert lines(shelf, row) == {
        "post": ("wallet:w1", "revenue:m", 40),
        "cost": ("provider_cost:lab", "payable:lab", 7),
        "cost/1": ("provider_cost:lab", "payable:lab", 8),
    }


def test_a_hold_ends_at_the_price_of_the_name_that_served() -> None:
    shelf = build_town(credit_nusd=1_000)
    kept, served = hold(shelf, "h1", 100), hold(shelf, "h2", 100)
    assert shelf.do(settle(kept)).hold.price_version == "p1"
    assert shelf.do(settle(served, price_version="p2")).hold.price_version == "p2"
    assert lines(shelf, served) == {"post": ("wallet:w1", "revenue:m", 40)}


def test_a_dead_owners_hold_ends_at_the_price_its_progress_was_reckoned_at() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h", 100)
    shelf.do(structs.replace(progress(row, 5, 30), price_version="p2"))
    ended = shelf.do(recover(row)).hold
    assert (ended.price_version, ended.charged_nusd) == ("p2", 30)


def test_an_overrun_is_the_houses_loss() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h", 100)
    result = shelf.do(settle(row, 130, loss_nusd=5))
    assert (result.hold.charged_nusd, result.hold.loss_nusd) == (100, 35)
    assert lines(shelf, row) == {
        "post": ("wallet:w1", "revenue:m", 100),
        "loss": ("house_loss", "revenue:m", 35),
    }


def test_a_post_of_nothing_has_a_number_too() -> None:
    shelf = build_town(credit_nusd=1_000)
    results = [shelf.do(settle(hold(shelf, name), 0)) for name in ("h1", "h2")]
    assert [result.hold.sequence for result in results] == [1, 2]


def test_a_void_is_free_and_leaves_no_number() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h", 100)
    result = shelf.do(Void(row, "e1"))
    assert isinstance(result, Voided)
    assert (shelf.wallet().posted_nusd, shelf.wallet().held_nusd, shelf.wallet().next_sequence) == (1_000, 0, 1)
    assert shelf.user().slots_used == 0
    assert lines(shelf, row) == {"void": ("wallet:w1", "revenue:m", 0)}


ENDINGS: dict[str, Callable[[Hold], Item]] = {
    "settlement": settle,
    "void": lambda row: Void(row, "e1"),
    "recovery": recover,
}


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", [*ENDINGS, "progress"])
def test_the_second_end_changes_nothing_and_says_so(first: str, second: str) -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    ended = shelf.do(ENDINGS[first](row)).hold
    item = progress(row, 9, 9) if second == "progress" else ENDINGS[second](row)
    folded = shelf.commit([item], NOON_NS + 1)
    # Whoever was taken for dead learns that somebody else has ended its call.
    was_taken_over = first == "recovery" and second != "recovery"
    assert folded.results == ((Fenced(ended) if was_taken_over else AlreadyDone(ended)),)
    assert not folded.transfers
    assert shelf.hold("h") == ended


def test_a_second_end_in_the_same_batch_is_one_too_many() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    first, second = shelf.commit([settle(row, 40), settle(row, 50)]).results
    assert isinstance(first, Posted)
    assert second == AlreadyDone(first.hold)


@pytest.mark.parametrize("make", [lambda row: settle(row, epoch="e9"), lambda row: Void(row, "e9")])
def test_who_does_not_own_a_hold_may_not_end_it(make: Callable[[Hold], Item]) -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    assert shelf.do(make(row)) == Fenced(row)
    assert shelf.do(progress(row, 1, 1, "e9")) == Fenced(row)
    assert shelf.do(recover(row, from_epoch="e9")) == Fenced(row)
    assert shelf.hold("h") == row


@pytest.mark.parametrize("make", [*ENDINGS.values(), lambda row: progress(row, 1, 1)])
def test_an_end_of_what_never_began_is_refused(make: Callable[[Hold], Item]) -> None:
    row = hold(build_town(credit_nusd=1_000), "h")
    shelf = build_town(credit_nusd=1_000)
    assert shelf.do(make(row)) == Refused(reason="unknown")


@pytest.mark.parametrize("table", ["users", "wallets"])
@pytest.mark.parametrize("make", ENDINGS.values())
def test_an_end_without_its_rows_does_nothing_by_halves(make: Callable[[Hold], Item], table: str) -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    shelf.tables[table].clear()
    folded = shelf.commit([make(row)])
    assert folded.results == (Refused(reason="unknown"),)
    assert not folded.changed.holds
    assert not folded.transfers


@pytest.mark.parametrize("amount", [-1, 1.5, 2**63, True, "1"])
def test_what_is_no_amount_ends_nothing(amount: Any) -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    for item in (
        settle(row, amount),
        settle(row, 1, loss_nusd=amount),
        settle(row, 1, costs=(Cost("lab", amount),)),
        recover(row, amount),
        progress(row, 1, amount),
    ):
        assert shelf.do(item) == Refused(reason="amount")
    assert shelf.hold("h") == row


def test_the_figures_of_a_hold_are_those_of_its_row() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h", 100)
    result = shelf.do(settle(structs.replace(row, amount_nusd=900, model="other"), 500))
    assert (result.hold.charged_nusd, result.hold.loss_nusd) == (100, 400)
    assert shelf.transfers["h/post"].credit == "revenue:m"


def test_progress_only_grows() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    assert isinstance(shelf.do(progress(row, 10, 20)), Noted)
    again = shelf.commit([progress(row, 9, 30), progress(row, 1, 1)])
    assert [result.hold.progress_nusd for result in again.results if isinstance(result, Noted)] == [30, 30]
    assert shelf.hold("h").output_tokens == 10
    assert not shelf.commit([progress(row, 1, 1)]).changed.holds


def test_what_has_come_some_way_is_not_voided() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    shelf.do(progress(row, 0, 0))
    assert shelf.do(Void(row, "e1")) == Refused(reason="dispatched")


@pytest.mark.parametrize(
    ("has_claim", "progress_nusd", "estimate_nusd", "charged_nusd", "loss_nusd"),
    [
        (False, 0, 0, 0, 0),
        (False, 0, 70, 0, 70),
        (False, 30, 70, 30, 40),
        (False, 90, 70, 90, 0),
        (False, 120, 70, 100, 20),
        (True, 30, 70, 0, 70),
        (True, 90, 70, 0, 90),
    ],
)
def test_a_dead_owners_call_pays_what_it_had_come_to(
    has_claim: bool, progress_nusd: int, estimate_nusd: int, charged_nusd: int, loss_nusd: int
) -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h", 100, claim=CLAIM if has_claim else None)
    shelf.do(progress(row, 1, progress_nusd))
    result = shelf.do(recover(row, estimate_nusd))
    assert isinstance(result, Posted)
    assert (result.hold.charged_nusd, result.hold.loss_nusd) == (charged_nusd, loss_nusd)
    assert result.hold.epoch == "e2"
    assert not shelf.tables["claims"]
    assert isinstance(shelf.do(ask("again", claim=CLAIM)), Held)


@pytest.mark.parametrize(
    ("charged_nusd", "answer", "is_kept"),
    [(0, None, False), (1, None, True), (0, Answer(b"d", "o"), True), (1, Answer(b"d", "o"), True)],
)
def test_a_claim_is_kept_for_an_answer_or_a_charge(charged_nusd: int, answer: Answer | None, is_kept: bool) -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.do(settle(hold(shelf, "h", claim=CLAIM), charged_nusd, answer=answer))
    claim = shelf.tables["claims"].get("c")
    assert (claim is not None) == is_kept
    assert claim is None or (claim.ends_at_ns, claim.answer) == (NOON_NS + DAY_NS, answer)


def test_a_claim_set_free_can_be_taken_in_the_same_batch() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h1", claim=CLAIM)
    folded = shelf.commit([Void(row, "e1"), ask("h2", claim=CLAIM)])
    assert isinstance(folded.results[1], Held)
    assert folded.claims_released == ()
    assert shelf.tables["claims"]["c"].hold_id == "h2"


def test_a_budget_that_was_deleted_has_nothing_to_give_back() -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.put(Budget(id="b", level="key", owner_id="k1", period="total", limit_nusd=500))
    row = hold(shelf, "h")
    shelf.tables["budgets"].clear()
    assert isinstance(shelf.do(settle(row)), Posted)
    assert not shelf.tables["budgets"]


def test_a_budget_made_after_the_hold_counts_nothing_of_it() -> None:
    shelf = build_town(credit_nusd=1_000)
    row = hold(shelf, "h")
    shelf.put(Budget(id="b", level="key", owner_id="k1", period="total", limit_nusd=10))
    shelf.do(settle(row))
    assert shelf.tables["budgets"]["b"].spent_nusd == 0
