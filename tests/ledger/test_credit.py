"""Money that comes and goes without a call moves once for each id."""

from typing import Any

import pytest

from tallygate.genai.book import Budget
from tallygate.genai.items import LimitChange, Payout, Refund, Settlement, TopUp
from tallygate.genai.results import LimitSet, Moved, Refused
from tests.fakes.ledger import NOON_NS, Shelf, build_town, hold
from tests.fakes.receipts import DRAFT

AMOUNT_MAX = 2**63 - 1


def build_charged(amount_nusd: int = 60) -> Shelf:
    """A town in which the call `h` was charged."""
    shelf = build_town(credit_nusd=1_000)
    shelf.do(Settlement(hold=hold(shelf, "h"), epoch="e1", amount_nusd=amount_nusd, receipt=DRAFT))
    return shelf


@pytest.mark.parametrize(("source", "account"), [("payments", "payments"), ("promo", "promo")])
def test_a_top_up_fills_the_wallet_once(source: Any, account: str) -> None:
    shelf = build_town()
    first = shelf.do(TopUp("t", "w1", 500, source))
    assert isinstance(first, Moved)
    assert (first.transfer.debit, first.transfer.credit, first.repeated) == (account, "wallet:w1", False)
    assert shelf.do(TopUp("t", "w1", 500, source), NOON_NS + 9) == Moved(first.transfer, repeated=True)
    assert shelf.wallet().posted_nusd == 500


@pytest.mark.parametrize("other", [TopUp("t", "w1", 501), TopUp("t", "w2", 500), TopUp("t", "w1", 500, "promo")])
def test_one_id_stands_for_one_top_up(other: TopUp) -> None:
    shelf = build_town()
    results = shelf.commit([TopUp("t", "w1", 500), other, TopUp("t", "w1", 500)]).results
    assert results[1] == Refused(reason="taken")
    assert isinstance(results[2], Moved)
    assert results[2].repeated
    assert shelf.wallet("w2").posted_nusd == 0


@pytest.mark.parametrize("amount", [0, -1, 1.5, AMOUNT_MAX + 1, True])
def test_only_an_amount_moves(amount: Any) -> None:
    shelf = build_charged()
    for item in (TopUp("t", "w1", amount), Payout("p", "w1", amount), Refund("r", shelf.hold("h"), amount)):
        assert shelf.do(item) == Refused(reason="amount")


def test_a_wallet_holds_no_more_than_its_row() -> None:
    shelf = build_town(credit_nusd=AMOUNT_MAX - 1)
    assert shelf.do(TopUp("t", "w1", 2)) == Refused(reason="amount")
    assert isinstance(shelf.do(TopUp("t", "w1", 1)), Moved)


def test_a_payout_leaves_what_is_held() -> None:
    shelf = build_town(credit_nusd=1_000)
    hold(shelf, "h", 100)
    assert shelf.do(Payout("p", "w1", 901)) == Refused(
        reason="balance", level="workspace", needed_nusd=901, available_nusd=900
    )
    moved = shelf.do(Payout("p", "w1", 900))
    assert (moved.transfer.debit, moved.transfer.credit) == ("wallet:w1", "payments")
    assert shelf.do(Payout("p", "w1", 900)) == Moved(moved.transfer, repeated=True)
    assert shelf.wallet().posted_nusd == shelf.wallet().held_nusd == 100


def test_refunds_stay_within_the_charge() -> None:
    shelf = build_charged(60)
    row = shelf.hold("h")
    first = shelf.do(Refund("r1", row, 40))
    assert (first.transfer.debit, first.transfer.credit) == ("revenue:m", "wallet:w1")
    assert shelf.do(Refund("r1", row, 40)) == Moved(first.transfer, repeated=True)
    assert shelf.do(Refund("r2", row, 21)) == Refused(reason="charge", needed_nusd=21, available_nusd=20)
    assert isinstance(shelf.do(Refund("r2", row, 20)), Moved)
    assert shelf.hold("h").refunded_nusd == 60
    assert shelf.wallet().posted_nusd == 1_000


def test_a_call_that_is_still_open_has_nothing_to_refund() -> None:
    shelf = build_town(credit_nusd=1_000)
    assert shelf.do(Refund("r", hold(shelf, "h"), 1)).reason == "charge"


def test_a_refund_that_does_not_fit_leaves_the_charge() -> None:
    shelf = build_charged(60)
    shelf.do(TopUp("t", "w1", AMOUNT_MAX - 940))
    assert shelf.do(Refund("r", shelf.hold("h"), 1)) == Refused(reason="amount")
    assert shelf.hold("h").refunded_nusd == 0


def test_money_for_nobody_is_refused() -> None:
    shelf = build_charged()
    row = shelf.hold("h")
    shelf.tables["wallets"].clear()
    assert shelf.do(TopUp("t", "w1", 1)) == Refused(reason="unknown")
    assert shelf.do(Payout("p", "w1", 1)) == Refused(reason="unknown")
    assert shelf.do(Refund("r", row, 1)) == Refused(reason="unknown")
    shelf.tables["holds"].clear()
    assert shelf.do(Refund("r", row, 1)) == Refused(reason="unknown")


def test_a_new_limit_binds_the_next_admission() -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.put(Budget(id="b", level="key", owner_id="k1", period="total", limit_nusd=100))
    hold(shelf, "h", 80)
    assert isinstance(shelf.do(LimitChange("b", 50)), LimitSet)
    assert shelf.tables["budgets"]["b"].held_nusd == 80
    assert shelf.do(LimitChange("b", -1)) == Refused(reason="amount")
    assert shelf.do(LimitChange("nowhere", 1)) == Refused(reason="unknown")
    with pytest.raises(AssertionError, match="budget"):
        hold(shelf, "h2", 1)
