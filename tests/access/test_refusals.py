"""Refusals of the book in words: whose limit, how much, and what would pass."""

import pytest
from msgspec import structs

from tallygate.access.refusals import explain_refusal
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import BudgetExceeded, ConcurrencyLimit, InsufficientBalance, RateLimited, RateTooSmall
from tallygate.genai.book import Rate
from tallygate.genai.results import Reason, Refused
from tallygate.pipeline.call import error_headers

RESETS_AT_NS = 1_795_305_600 * 10**9  # 2026-11-22T00:00:00Z

BALANCE = Refused(
    reason="balance",
    level="workspace",
    needed_nusd=12_500_000,
    available_nusd=4_000_000,
    output_tokens_affordable=312,
)
BUDGET = Refused(
    reason="budget",
    level="key",
    budget_id="bud_1",
    needed_nusd=12_500_000,
    available_nusd=0,
    resets_at_ns=RESETS_AT_NS,
)


RATE = Rate(id="r", level="key", owner_id="k", kind="tokens", per_minute=1_000, filled_micro=400 * 10**6)


def test_a_full_minute_says_how_much_is_left_and_when_there_is_room() -> None:
    refused = Refused(reason="rate", level="key", rate=RATE, rates=(RATE,), amount=601, wait_ns=60_000_001)
    error = explain_refusal(refused)
    assert type(error) is RateLimited
    assert error.message == (
        "This key may use 1000 tokens a minute. This call may come to 601, and 600 are left. Try again in 1 s."
    )
    assert error.details == {
        "limit_of": "key",
        "tokens_per_minute": 1_000,
        "tokens_needed": 601,
        "tokens_available": 600,
    }
    assert error_headers(error) == [("retry-after", "1")]


def test_a_limit_of_requests_says_so() -> None:
    rate = structs.replace(RATE, kind="requests", per_minute=1, filled_micro=10**6)
    error = explain_refusal(Refused(reason="rate", level="key", rate=rate, rates=(rate,), amount=1, wait_ns=60 * 10**9))
    assert error.message == "This key may make 1 request a minute. Try again in 60 s."
    assert error.details["requests_available"] == 0


def test_what_never_fits_is_not_to_be_tried_again() -> None:
    refused = Refused(reason="rate", level="user", rate=RATE, rates=(RATE,), amount=1_001)
    error = explain_refusal(refused)
    assert type(error) is RateTooSmall
    assert error.message.endswith("It can never be served: send less, or ask for a shorter answer.")
    assert ("x-should-retry", "false") in error_headers(error)


def test_nobody_is_asked_to_wait_for_more_than_a_minute() -> None:
    refused = Refused(reason="rate", level="key", rate=RATE, rates=(RATE,), amount=1, wait_ns=10**13)
    assert explain_refusal(refused).retry_after_s == 60


def test_a_short_balance_says_what_would_be_served() -> None:
    error = explain_refusal(BALANCE)
    assert isinstance(error, InsufficientBalance)
    assert error.message == (
        "The workspace's balance does not cover this call. It may cost up to 0.0125 USD, and 0.004 USD are left. "
        "With an output of at most 312 tokens it would be served."
    )
    assert error.details == {
        "limit_of": "workspace",
        "needed_usd": "0.0125",
        "available_usd": "0.004",
        "output_tokens_affordable": 312,
    }


def test_an_empty_balance_says_what_to_do() -> None:
    refused = Refused(reason="balance", level="workspace", needed_nusd=1)
    message = explain_refusal(refused).message
    assert message.endswith("It may cost up to 0.000000001 USD, and 0.00 USD are left. Top up the workspace to go on.")


def test_a_budget_says_whose_it_is_and_when_it_starts_anew() -> None:
    error = explain_refusal(BUDGET)
    assert isinstance(error, BudgetExceeded)
    assert error.message == (
        "A budget of this key does not cover this call. It may cost up to 0.0125 USD, and 0.00 USD are left until "
        "2026-11-22T00:00:00Z. Wait until then, or have it raised."
    )
    assert error.details["resets_at"] == "2026-11-22T00:00:00Z"
    assert error.details["budget_id"] == "bud_1"


def test_a_budget_for_good_has_no_time() -> None:
    error = explain_refusal(Refused(reason="budget", level="user", budget_id="bud_1", needed_nusd=5, available_nusd=4))
    assert error.message.endswith("are left for good. Have it raised.")
    assert "resets_at" not in error.details


@pytest.mark.parametrize(("slots", "said"), [(1, "1 call "), (5, "5 calls ")])
def test_slots_say_how_many(slots: int, said: str) -> None:
    error = explain_refusal(Refused(reason="slots", level="user", slots_max=slots))
    assert isinstance(error, ConcurrencyLimit)
    assert f"This user may have {said}open at once" in error.message
    assert error_headers(error) == [("retry-after", "1")]


@pytest.mark.parametrize("refused", [BALANCE, BUDGET])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_money_is_a_402_that_is_not_tried_again(refused: Refused, dialect: str) -> None:
    error = explain_refusal(refused)
    assert DIALECTS[dialect].write_error(error, "req_1").status == 402
    assert ("x-should-retry", "false") in error_headers(error)


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [("key", 401, "invalid_api_key"), ("claim", 409, "idempotency_conflict"), ("amount", 400, "invalid_value")],
)
def test_the_other_reasons_have_errors_too(reason: Reason, status: int, code: str) -> None:
    error = explain_refusal(Refused(reason=reason))
    assert (error.status, error.code) == (status, code)


def test_a_reason_of_another_item_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        explain_refusal(Refused(reason="charge"))
