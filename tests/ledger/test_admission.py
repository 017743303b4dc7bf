"""A call is held whole or refused, and a refusal says whose limit it is and what would pass."""

from typing import Any

import pytest
from msgspec import structs

from tallygate.genai.book import Answer, Budget, Claim
from tallygate.genai.items import Bound, ClaimRequest, Settlement, Void
from tallygate.genai.results import AlreadyDone, Held, Refused, Replay, Running, Stale, Voided
from tests.fakes.ledger import DAY_NS, NOON_NS, Shelf, ask, build_town, hold
from tests.fakes.receipts import DRAFT

CLAIM = ClaimRequest("c", b"request", keep_ns=DAY_NS)


def change(shelf: Shelf, table: str, row_id: str, **values: Any) -> None:
    shelf.put(structs.replace(shelf.tables[table][row_id], **values))


def put_budget(shelf: Shelf, limit_nusd: int, **values: Any) -> None:
    fields: dict[str, Any] = {"id": "b", "level": "user", "owner_id": "u1", "period": "daily", **values}
    shelf.put(Budget(limit_nusd=limit_nusd, **fields))


def test_a_hold_reserves_money_and_a_slot() -> None:
    shelf = build_town(credit_nusd=1_000)
    put_budget(shelf, 500)
    result = shelf.do(ask("h", bound=Bound(100, 2_500, 21)))
    assert isinstance(result, Held)
    assert (result.hold.amount_nusd, result.hold.output_tokens_max) == (100 + 53, 21)
    assert result.hold == shelf.hold("h")
    assert result.hold.budget_ids == ("b",)
    assert shelf.wallet().held_nusd == shelf.tables["budgets"]["b"].held_nusd == 153
    assert shelf.user().slots_used == 1
    line = shelf.transfers["h/hold"]
    assert (line.debit, line.credit, line.amount_nusd) == ("wallet:w1", "revenue:m", 153)


@pytest.mark.parametrize(
    ("table", "row_id", "values"),
    [
        ("keys", "k1", {"status": "revoked"}),
        ("keys", "k1", {"expires_at_ns": NOON_NS}),
        ("keys", "k1", {"user_id": "u2"}),
        ("keys", "k1", {"workspace_id": "w2"}),
        ("users", "u1", {"status": "disabled"}),
        ("users", "u1", {"workspace_id": "w2"}),
        ("workspaces", "w1", {"status": "disabled"}),
    ],
)
def test_a_caller_who_no_longer_stands_is_refused(table: str, row_id: str, values: dict[str, Any]) -> None:
    shelf = build_town(credit_nusd=1_000)
    change(shelf, table, row_id, **values)
    assert shelf.do(ask("h", key_version=0)) == Refused(reason="key")


@pytest.mark.parametrize("table", ["keys", "users", "workspaces"])
def test_a_caller_who_is_not_there_is_refused(table: str) -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.tables[table].clear()
    assert shelf.do(ask("h")) == Refused(reason="key")


def test_a_key_lives_until_the_moment_it_expires() -> None:
    shelf = build_town(credit_nusd=1_000)
    change(shelf, "keys", "k1", expires_at_ns=NOON_NS + 1)
    assert isinstance(shelf.do(ask("h")), Held)


def test_a_key_that_has_changed_since_is_to_be_read_again() -> None:
    shelf = build_town(credit_nusd=1_000)
    change(shelf, "keys", "k1", version=2)
    assert shelf.do(ask("h")) == Stale()
    assert isinstance(shelf.do(ask("h", key_version=2)), Held)


def test_five_calls_of_a_user_are_open_at_most_over_all_keys() -> None:
    shelf = build_town(credit_nusd=1_000)
    items = [ask(f"h{number}", 1, ("k1", "k2")[number % 2]) for number in range(6)]
    *held, sixth = shelf.commit(items).results
    assert all(isinstance(result, Held) for result in held)
    assert sixth == Refused(reason="slots", level="user", slots_max=5)
    assert isinstance(shelf.do(ask("other", 1, "k3")), Held)
    assert isinstance(shelf.do(Void(shelf.hold("h0"), "e1")), Voided)
    assert isinstance(shelf.do(ask("again", 1)), Held)


@pytest.mark.parametrize(("of_user", "of_key", "slots_max"), [(None, None, 5), (2, None, 2), (2, 1, 1), (9, None, 9)])
def test_the_slots_are_the_users_or_fewer_for_a_key(of_user: int | None, of_key: int | None, slots_max: int) -> None:
    shelf = build_town(credit_nusd=1_000)
    change(shelf, "users", "u1", slots_max=of_user)
    change(shelf, "keys", "k1", slots_max=of_key)
    results = shelf.commit([ask(f"h{number}", 1) for number in range(10)]).results
    assert sum(isinstance(result, Held) for result in results) == slots_max
    level = "key" if of_key is not None else "user"
    assert results[-1] == Refused(reason="slots", level=level, slots_max=slots_max)


def test_a_short_balance_names_what_would_be_affordable() -> None:
    shelf = build_town(credit_nusd=1_000)
    refused = shelf.do(ask("h", bound=Bound(400, 2_000, 1_000)))
    assert refused == Refused(
        reason="balance", level="workspace", needed_nusd=2_400, available_nusd=1_000, output_tokens_affordable=300
    )
    assert not shelf.tables["holds"]
    assert "h/hold" not in shelf.transfers


@pytest.mark.parametrize(("level", "owner_id"), [("key", "k1"), ("user", "u1"), ("workspace", "w1")])
def test_the_tightest_budget_is_named(level: Any, owner_id: str) -> None:
    shelf = build_town(credit_nusd=1_000)
    put_budget(shelf, 900, id="wide", level="workspace", owner_id="w1")
    put_budget(shelf, 50, level=level, owner_id=owner_id, spent_nusd=20, window_start_ns=NOON_NS - DAY_NS // 2)
    refused = shelf.do(ask("h", 31))
    assert (refused.reason, refused.level, refused.budget_id) == ("budget", level, "b")
    assert (refused.needed_nusd, refused.available_nusd) == (31, 30)
    assert refused.resets_at_ns == NOON_NS + DAY_NS // 2
    assert isinstance(shelf.do(ask("h", 30)), Held)


def test_a_budget_of_somebody_else_is_not_asked() -> None:
    shelf = build_town(credit_nusd=1_000)
    put_budget(shelf, 0, owner_id="u2")
    put_budget(shelf, 0, id="k", level="key", owner_id="k2")
    assert isinstance(shelf.do(ask("h")), Held)


def test_a_new_window_has_room_again_but_not_for_what_is_held() -> None:
    shelf = build_town(credit_nusd=1_000)
    put_budget(shelf, 100)
    first = hold(shelf, "h1", 60)
    second = hold(shelf, "h2", 40)
    shelf.do(Settlement(hold=first, epoch="e1", amount_nusd=60, receipt=DRAFT))
    assert shelf.do(ask("h3", 1)).reason == "budget"
    tomorrow_ns = NOON_NS + DAY_NS
    assert shelf.do(ask("h3", 61), tomorrow_ns).available_nusd == 60
    assert isinstance(shelf.do(ask("h3", 60), tomorrow_ns), Held)
    shelf.do(Settlement(hold=second, epoch="e1", amount_nusd=30, receipt=DRAFT), tomorrow_ns)
    assert shelf.tables["budgets"]["b"].spent_nusd == 30


def test_a_free_call_passes_where_nothing_is_left() -> None:
    shelf = build_town()
    put_budget(shelf, 10, spent_nusd=20, window_start_ns=NOON_NS)
    assert isinstance(shelf.do(ask("h", bound=Bound(0, 0, 4_096))), Held)


@pytest.mark.parametrize(
    ("tokens_min", "shortens", "cap"),
    [(None, True, None), (0, True, 300), (300, True, 300), (301, True, None), (0, False, None)],
)
def test_a_cap_is_lowered_only_where_that_is_allowed(tokens_min: int | None, shortens: bool, cap: int | None) -> None:
    shelf = build_town(credit_nusd=1_000)
    change(shelf, "keys", "k1", shortens=shortens)
    result = shelf.do(ask("h", bound=Bound(400, 2_000, 4_096, tokens_min)))
    assert (result.hold.output_tokens_max if isinstance(result, Held) else None) == cap
    assert shelf.wallet().held_nusd == (0 if cap is None else 1_000)


@pytest.mark.parametrize(("credit_nusd", "cap"), [(256, 256), (255, None)])
def test_no_cap_is_lowered_below_256(credit_nusd: int, cap: int | None) -> None:
    shelf = build_town(credit_nusd=credit_nusd)
    result = shelf.do(ask("h", bound=Bound(0, 1_000, 4_096, 1)))
    assert (result.hold.output_tokens_max if isinstance(result, Held) else None) == cap


@pytest.mark.parametrize("bound", [Bound(-1), Bound(1.5), Bound(2**63), Bound(1, 0.1), Bound(1, -1), Bound(1, 1, -1)])  # pyright: ignore[reportArgumentType]
def test_what_is_no_amount_is_refused(bound: Bound) -> None:
    shelf = build_town(credit_nusd=1_000)
    assert shelf.do(ask("h", bound=bound)) == Refused(reason="amount")


def test_the_same_hold_again_changes_nothing() -> None:
    shelf = build_town(credit_nusd=1_000)
    first = shelf.do(ask("h"))
    assert shelf.do(ask("h", 999)) == first
    assert shelf.do(ask("h", epoch="e2")) == AlreadyDone(first.hold)
    assert shelf.wallet().held_nusd == 100


def test_a_second_call_with_a_claim_waits_for_the_first() -> None:
    shelf = build_town(credit_nusd=1_000)
    hold(shelf, "h1", claim=CLAIM)
    assert shelf.do(ask("h2", claim=CLAIM)) == Running("h1")
    other = structs.replace(CLAIM, request_digest=b"other")
    assert shelf.do(ask("h2", claim=other)) == Refused(reason="claim")


@pytest.mark.parametrize("answer", [None, Answer(b"digest", "object")])
def test_a_claim_is_looked_up_before_slots_and_balance(answer: Answer | None) -> None:
    shelf = build_town(credit_nusd=100)
    change(shelf, "users", "u1", slots_max=1)
    first = hold(shelf, "h1", claim=CLAIM)
    shelf.do(Settlement(hold=first, epoch="e1", amount_nusd=100, answer=answer, receipt=DRAFT))
    change(shelf, "users", "u1", slots_max=0)
    assert shelf.do(ask("h2", claim=CLAIM)) == Replay("h1", answer)
    change(shelf, "keys", "k1", status="revoked")
    assert shelf.do(ask("h2", claim=CLAIM)) == Refused(reason="key")


def test_an_ended_claim_is_kept_for_its_time() -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.do(Settlement(hold=hold(shelf, "h1", claim=CLAIM), epoch="e1", amount_nusd=1, receipt=DRAFT))
    assert isinstance(shelf.do(ask("h2", claim=CLAIM), NOON_NS + DAY_NS - 1), Replay)
    assert isinstance(shelf.do(ask("h2", claim=CLAIM), NOON_NS + DAY_NS), Held)
    assert shelf.tables["claims"]["c"] == Claim(id="c", request_digest=b"request", hold_id="h2", keep_ns=DAY_NS)
