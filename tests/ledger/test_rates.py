"""Buckets that leak: no more than a minute's worth at once, little lost to rounding, and what was not used is back."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.book import Rate
from tallygate.genai.items import Admission, Bound, ClaimRequest, Progress, Recovery, Settlement, Void
from tallygate.genai.rate_standing import RateStanding
from tallygate.genai.results import Held, Posted, Refused, Running, Voided
from tallygate.ledger.rates import FILLED_MICRO_MAX, MICRO, MINUTE_NS, find_standings, find_wait_ns, leak
from tests.fakes.ledger import NOON_NS, Shelf, ask, build_town, hold
from tests.fakes.receipts import DRAFT

SECOND_NS = 10**9
RATES = st.integers(1, 10_000)


def rate(kind: Any = "requests", per_minute: int = 60, **values: Any) -> Rate:
    fields: dict[str, Any] = {"id": f"r-{kind}", "level": "user", "owner_id": "u1", **values}
    return Rate(kind=kind, per_minute=per_minute, **fields)


def town(*rates: Rate) -> Shelf:
    shelf = build_town(credit_nusd=10**12)
    shelf.put(*rates)
    return shelf


def bound(tokens: int) -> Bound:
    return Bound(1, 0, 0, input_tokens_max=tokens)


def found(shelf: Shelf, kind: str = "tokens") -> Rate:
    return shelf.tables["rates"][f"r-{kind}"]


def admit(shelf: Shelf, number: int, tokens: int = 0, at_ns: int = NOON_NS, **values: Any) -> Any:
    return shelf.do(ask(f"h{number}", bound=bound(tokens), slots_max=10**6, **values), at_ns)


def settle(shelf: Shelf, number: int, used: int, at_ns: int = NOON_NS) -> Posted:
    row = shelf.hold(f"h{number}")
    item = Settlement(hold=row, epoch="e1", amount_nusd=1, receipt=DRAFT, input_tokens=used - used // 3,
                      output_tokens=used // 3)  # fmt: skip
    result = shelf.do(item, at_ns)
    assert isinstance(result, Posted)
    return result


@given(RATES, st.integers(1, 30))
def test_a_batch_admits_exactly_the_rate(per_minute: int, more: int) -> None:
    per_minute = min(per_minute, 50)
    shelf = town(rate(per_minute=per_minute))
    items = [ask(f"h{number}", slots_max=10**6) for number in range(per_minute + more)]
    results = shelf.commit(items).results
    assert [isinstance(result, Held) for result in results] == [True] * per_minute + [False] * more


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.sampled_from([0, 1, 7, SECOND_NS, 7 * SECOND_NS, 31 * SECOND_NS]), st.integers(1, 25))),
)
def test_no_window_lets_through_more_than_its_minutes_and_one(per_minute: int, bursts: list[tuple[int, int]]) -> None:
    shelf, now_ns, number = town(rate(per_minute=per_minute)), NOON_NS, 0
    passed: list[int] = []
    for pause_ns, count in bursts:
        now_ns += pause_ns
        for _ in range(count):
            number += 1
            if isinstance(admit(shelf, number, at_ns=now_ns), Held):
                passed.append(now_ns)
    for first, begin_ns in enumerate(passed):
        for last, end_ns in enumerate(passed[first:], 1):
            assert last <= per_minute * (1 + Fraction(end_ns - begin_ns, MINUTE_NS))


@given(
    st.integers(1, 1_000),
    st.lists(st.tuples(st.integers(0, 20 * SECOND_NS), st.integers(0, 600), st.integers(0, 100)), max_size=30),
)
def test_no_window_is_settled_with_more_tokens_than_its_minutes_and_one(
    per_minute: int, calls: list[tuple[int, int, int]]
) -> None:
    """Calls overlap: each ends when the second one after it has begun."""
    shelf, now_ns = town(rate("tokens", per_minute)), NOON_NS
    ends: list[tuple[int, int]] = []
    for number, (pause_ns, reserved, percent) in enumerate(calls):
        now_ns += pause_ns
        admit(shelf, number, reserved, now_ns)
        row = shelf.tables["holds"].get(f"h{number - 2}")
        if row is not None:
            used = row.rate_tokens * percent // 100
            settle(shelf, number - 2, used, now_ns)
            ends.append((now_ns, used))
    for first, (begin_ns, _) in enumerate(ends):
        through = 0
        for end_ns, used in ends[first:]:
            through += used
            assert through <= per_minute * (1 + Fraction(end_ns - begin_ns, MINUTE_NS))


@given(RATES, st.integers(1, 10_000), st.lists(st.integers(1, 10**8), max_size=40))
def test_looking_often_loses_nothing(per_minute: int, filled: int, pauses_ns: list[int]) -> None:
    """Whoever looks each moment finds what is there, to a nanosecond's leak and a millionth for each look."""
    full = rate(per_minute=per_minute, filled_micro=filled * MICRO, seen_at_ns=NOON_NS)
    often, now_ns = full, NOON_NS
    for pause_ns in pauses_ns:
        now_ns += pause_ns
        often = leak(often, now_ns)
    lost = per_minute * (len(pauses_ns) + 1) // 60_000 + 2
    exact = max(0, filled * MICRO - Fraction(per_minute * (now_ns - NOON_NS), 60_000))
    assert exact <= often.filled_micro
    assert leak(often, now_ns + SECOND_NS).filled_micro <= max(0, exact - per_minute * MICRO // 60 + lost)


@given(RATES, st.integers(0, 10**10), st.integers(0, 20_000))
def test_the_wait_is_as_long_as_it_takes_and_no_longer(per_minute: int, filled_micro: int, amount: int) -> None:
    full = rate(per_minute=per_minute, filled_micro=filled_micro, seen_at_ns=NOON_NS)
    wait_ns = find_wait_ns(full, amount)
    if wait_ns is None:
        assert amount > per_minute
        return
    assert find_wait_ns(leak(full, NOON_NS + wait_ns), amount) == 0
    if wait_ns:
        earlier = leak(full, NOON_NS + wait_ns - 1)
        assert find_wait_ns(earlier, amount) != 0


@pytest.mark.parametrize(("back_ns", "passes"), [(1, False), (MINUTE_NS, False), (MINUTE_NS + 1, True)])
def test_a_clock_that_runs_back_makes_no_room_and_takes_none_for_good(back_ns: int, passes: bool) -> None:
    """`passes`: a minute later by the new clock the bucket is empty again."""
    shelf = town(rate(per_minute=2))
    ahead_ns = NOON_NS + 10 * MINUTE_NS
    assert isinstance(admit(shelf, 1, at_ns=ahead_ns), Held)
    assert isinstance(admit(shelf, 2, at_ns=ahead_ns), Held)
    now_ns = ahead_ns - back_ns
    assert admit(shelf, 3, at_ns=now_ns).reason == "rate"
    # Another look by whoever was ahead would set it right again; here only the one who is behind looks.
    rate_row = leak(leak(found(shelf, "requests"), now_ns), now_ns + MINUTE_NS - 1)
    assert (find_wait_ns(rate_row, 1) == 0) == (passes or back_ns == 1)


def test_tokens_are_held_whole_and_what_was_not_used_was_never_there() -> None:
    shelf = town(rate("tokens", 1_000))
    result = admit(shelf, 1, 900)
    assert isinstance(result, Held)
    assert result.rates == (found(shelf),)
    assert (found(shelf).held_tokens, found(shelf).filled_micro) == (900, 0)
    assert admit(shelf, 2, 101) == Refused(
        reason="rate", level="user", rate=found(shelf), rates=(found(shelf),), wait_ns=1, amount=101
    )
    settle(shelf, 1, 50, NOON_NS)
    assert (found(shelf).held_tokens, found(shelf).filled_micro) == (0, 50 * MICRO)
    assert admit(shelf, 3, 951).reason == "rate"
    assert isinstance(admit(shelf, 4, 950), Held)


def test_what_is_held_does_not_leak_while_a_call_runs() -> None:
    shelf = town(rate("tokens", 1_000))
    admit(shelf, 1, 1_000)
    assert admit(shelf, 2, 1, NOON_NS + 30 * MINUTE_NS).reason == "rate"
    settle(shelf, 1, 1_000, NOON_NS + 30 * MINUTE_NS)
    assert admit(shelf, 3, 501, NOON_NS + 30 * MINUTE_NS + MINUTE_NS // 2).wait_ns == MINUTE_NS // 1_000
    assert isinstance(admit(shelf, 4, 500, NOON_NS + 30 * MINUTE_NS + MINUTE_NS // 2), Held)


def test_the_cap_that_was_granted_is_held_and_the_one_wished_for_is_asked() -> None:
    shelf = build_town(credit_nusd=600)
    shelf.put(rate("tokens", 10_000))
    wish = Bound(100, 1_000, 4_000, 256, input_tokens_max=40, answers=2)
    result = shelf.do(ask("h", bound=wish))
    assert isinstance(result, Held)
    assert result.hold.output_tokens_max == 500
    assert result.hold.rate_tokens == found(shelf).held_tokens == 40 + 2 * 500
    large = structs.replace(wish, input_tokens_max=2_001)
    assert shelf.do(ask("h2", bound=large)) == Refused(
        reason="rate", level="user", rate=leak(found(shelf), NOON_NS), rates=(found(shelf),), wait_ns=None,
        amount=2_001 + 8_000,
    )  # fmt: skip


def test_a_void_gives_the_request_and_the_tokens_back() -> None:
    shelf = town(rate(per_minute=1), rate("tokens", 100))
    row = admit(shelf, 1, 100).hold
    assert admit(shelf, 2).reason == "rate"
    assert isinstance(shelf.do(Void(row, "e1")), Voided)
    assert (found(shelf).held_tokens, found(shelf).filled_micro, found(shelf, "requests").filled_micro) == (0, 0, 0)
    assert isinstance(admit(shelf, 3, 100), Held)


def test_a_void_gives_back_no_more_of_a_request_than_is_left_of_it() -> None:
    shelf, late_ns = town(rate(per_minute=2)), NOON_NS + MINUTE_NS // 2
    row = admit(shelf, 1).hold
    admit(shelf, 2)
    assert isinstance(admit(shelf, 3, at_ns=late_ns), Held)
    shelf.do(Void(row, "e1"), late_ns)
    assert admit(shelf, 4, at_ns=late_ns).reason == "rate"


def test_a_recovered_call_keeps_the_tokens_it_had_come_to() -> None:
    shelf = town(rate("tokens", 1_000))
    row = admit(shelf, 1, 1_000).hold
    shelf.do(Progress(hold=row, epoch="e1", input_tokens=30, output_tokens=12, amount_nusd=0))
    shelf.do(Recovery(hold=row, from_epoch="e1", to_epoch="e2", receipt=DRAFT))
    assert (found(shelf).held_tokens, found(shelf).filled_micro) == (0, 42 * MICRO)


def test_more_than_was_held_counts_too_and_keeps_the_next_one_waiting() -> None:
    shelf = town(rate("tokens", 1_000))
    admit(shelf, 1, 10)
    settle(shelf, 1, 3_000)
    assert admit(shelf, 2, 1_000).wait_ns == 3 * MINUTE_NS


def test_no_number_of_tokens_keeps_a_call_from_ending() -> None:
    shelf = town(rate("tokens", 1_000))
    admit(shelf, 1, 10)
    settle(shelf, 1, 2**62)
    assert found(shelf).filled_micro == FILLED_MICRO_MAX


@pytest.mark.parametrize("level", ["workspace", "user", "key"])
def test_every_level_is_asked_and_the_one_that_is_full_is_named(level: Any) -> None:
    owners = {"workspace": "w1", "user": "u1", "key": "k1"}
    rates = [
        rate(id=f"r-{name}", level=name, owner_id=owner, per_minute=1 if name == level else 9)
        for name, owner in owners.items()
    ]
    shelf = town(*rates)
    assert isinstance(admit(shelf, 1), Held)
    refused = admit(shelf, 2)
    assert (refused.reason, refused.level, refused.wait_ns) == ("rate", level, MINUTE_NS)
    assert {row.id for row in refused.rates} == {row.id for row in rates}


def test_of_several_that_are_full_the_one_that_takes_longest_is_named() -> None:
    shelf = town(rate(per_minute=60), rate(id="r-key", level="key", owner_id="k1", per_minute=1), rate("tokens", 10))
    admit(shelf, 1, 10)
    assert admit(shelf, 2, 10).level == "key"
    assert admit(shelf, 3, 11).wait_ns is None


def test_other_callers_are_not_counted() -> None:
    shelf = town(rate(per_minute=1))
    assert isinstance(admit(shelf, 1), Held)
    assert isinstance(admit(shelf, 2, key_id="k3"), Held)
    assert admit(shelf, 3, key_id="k2").reason == "rate"


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_rate_of_nothing_lets_nothing_through(kind: Any) -> None:
    shelf = town(rate(kind, 0))
    assert admit(shelf, 1).wait_ns is None
    assert find_standings([rate(kind, 0)]) == (
        RateStanding(kind=kind, limit=0, remaining=0, reset_ns=MINUTE_NS, at_ns=0),
    )


def test_a_refusal_and_a_call_that_was_made_before_take_nothing() -> None:
    shelf = town(rate(per_minute=2), rate("tokens", 1_000))
    claim = ClaimRequest("c", b"x", 1)
    assert isinstance(admit(shelf, 1, 400, claim=claim), Held)
    before = dict(shelf.tables["rates"])
    assert isinstance(admit(shelf, 2, 400, claim=claim), Running)
    assert shelf.do(ask("h3", 10**13)).reason == "balance"
    assert shelf.do(ask("h4", slots_max=1)).reason == "slots"
    assert admit(shelf, 5, 601).reason == "rate"
    assert shelf.tables["rates"] == before


def test_a_rate_that_is_made_or_taken_away_while_a_call_runs_is_left_alone() -> None:
    shelf = town(rate("tokens", 1_000))
    admit(shelf, 1, 400)
    del shelf.tables["rates"]["r-tokens"]
    shelf.put(rate(per_minute=5, id="r-requests"), rate("tokens", 7, id="r-new"))
    settle(shelf, 1, 400)
    assert shelf.tables["rates"]["r-new"] == rate("tokens", 7, id="r-new")
    assert set(shelf.tables["rates"]) == {"r-new", "r-requests"}


def test_a_caller_stands_where_its_tightest_limit_is() -> None:
    wide = rate(id="w", level="workspace", per_minute=100, filled_micro=3 * MICRO + 1, seen_at_ns=NOON_NS)
    tight = rate(id="k", level="key", per_minute=30, filled_micro=MICRO, seen_at_ns=NOON_NS)
    tokens = rate("tokens", 1_000, held_tokens=200, filled_micro=MICRO // 2, seen_at_ns=NOON_NS)
    assert find_standings([tokens, wide, tight]) == (
        RateStanding(kind="requests", limit=30, remaining=29, reset_ns=2 * SECOND_NS, at_ns=NOON_NS),
        RateStanding(kind="tokens", limit=1_000, remaining=799, reset_ns=12_030_000_000, at_ns=NOON_NS),
    )
    assert find_standings([]) == ()


def test_an_open_call_that_is_asked_for_again_is_counted_once() -> None:
    shelf = town(rate(per_minute=5))
    item: Admission = ask("h1")
    shelf.do(item)
    before = dict(shelf.tables["rates"])
    assert isinstance(shelf.do(item), Held)
    assert shelf.tables["rates"] == before
    assert hold(shelf, "h2").rate_ids == ("r-requests",)
