"""What holds for the book whatever is done to it, in any order and in any batches."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tallygate.genai.book import Budget
from tallygate.genai.items import Bound, Settlement
from tallygate.genai.results import Held, Posted, Refused
from tests.fakes.ledger import NOON_NS, ask, build_town
from tests.fakes.receipts import DRAFT
from tests.laws.book_judge import Judge
from tests.laws.book_machine import Machine

STEPS = 300_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 20_000
RULES_EACH = 100


@pytest.mark.timeout(600)  # a failure takes minutes to be made small
def test_the_book_keeps_its_promises() -> None:
    Machine.steps = 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=2 * STEPS // RULES_EACH,
            stateful_step_count=RULES_EACH,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert Machine.steps >= STEPS


@given(st.integers(1, 12), st.integers(0, 12), st.integers(1, 10**6), st.sampled_from(["wallet", "budget"]))
def test_exactly_as_many_calls_proceed_as_are_affordable(calls: int, funded: int, amount_nusd: int, limit: str) -> None:
    shelf = build_town(credit_nusd=10**9 if limit == "budget" else funded * amount_nusd + amount_nusd - 1)
    if limit == "budget":
        limit_nusd = funded * amount_nusd + amount_nusd - 1
        shelf.put(Budget(id="b", level="user", owner_id="u1", period="daily", limit_nusd=limit_nusd))
    items = [ask(f"h{number}", amount_nusd, slots_max=100) for number in range(calls)]
    results = shelf.commit(items).results
    assert sum(isinstance(result, Held) for result in results) == min(calls, funded)
    assert all(isinstance(result, Refused) for result in results[funded:])
    Judge().look(shelf)


@given(
    st.integers(0, 10**6), st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**9), st.none() | st.just(0)
)
def test_a_lowered_cap_is_the_largest_affordable(
    fixed_nusd: int, price_pusd: int, tokens: int, credit_nusd: int, tokens_min: int | None
) -> None:
    shelf = build_town(credit_nusd=credit_nusd)
    bound = Bound(fixed_nusd, price_pusd, tokens, tokens_min)
    result = shelf.do(ask("h", bound=bound))
    cap = result.hold.output_tokens_max if isinstance(result, Held) else result.output_tokens_affordable
    more = fixed_nusd + -(-price_pusd * (cap + 1) // 1_000)
    assert cap == tokens or more > credit_nusd
    if isinstance(result, Held):
        assert result.hold.amount_nusd == fixed_nusd + -(-price_pusd * cap // 1_000) <= credit_nusd
        assert cap == tokens or (tokens_min is not None and cap >= 256)
    elif cap:
        assert isinstance(shelf.do(ask("h", bound=Bound(fixed_nusd, price_pusd, cap))), Held)


@given(st.integers(0, 10**6), st.integers(0, 2 * 10**6), st.integers(0, 10**6))
def test_the_wallet_pays_at_most_the_hold_and_the_house_the_rest(
    held_nusd: int, price_nusd: int, loss_nusd: int
) -> None:
    shelf = build_town(credit_nusd=10**6)
    row = shelf.do(ask("h", held_nusd)).hold
    result = shelf.do(
        Settlement(hold=row, epoch="e1", amount_nusd=price_nusd, loss_nusd=loss_nusd, receipt=DRAFT), NOON_NS
    )
    assert isinstance(result, Posted)
    assert result.hold.charged_nusd == min(price_nusd, held_nusd)
    assert result.hold.charged_nusd + result.hold.loss_nusd == price_nusd + loss_nusd
    assert shelf.wallet().posted_nusd == 10**6 - result.hold.charged_nusd
    assert shelf.wallet().held_nusd == 0
