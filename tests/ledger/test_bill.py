"""The bill as a function of an outcome: bounds that hold for every outcome there can be. What each event is charged
stands in tests/pipeline, row by row.
"""

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.items import Bound
from tallygate.genai.outcome import Attempt, Outcome, Status
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.ledger.bill import draw_up, is_waived, list_used
from tallygate.ledger.money import AMOUNT_MAX
from tallygate.ledger.prices import Price, Rates, charge
from tests.fakes.ledger import build_town, hold

LAB, DEN = Target("lab", "m"), Target("den", "m")
BOUND = Bound(fixed_nusd=500, output_price_pusd=4_000, output_tokens_max=100)
HOLD = hold(build_town(credit_nusd=10_000), "c1", bound=BOUND)
PRICE = Price(kind="sale", name="m", rates=Rates(input=1_000, output=4_000))

COUNTS = st.integers(0, 2**31 - 1)
USAGES = st.none() | st.builds(Usage, COUNTS, COUNTS)
STATUSES: list[Status] = ["ok", "partial", "cancelled", "failed"]
OUTCOMES = st.builds(
    Outcome,
    call_id=st.just("c1"),
    operation=st.just("chat"),
    request_model=st.just("m"),
    sent=st.just(True),
    status=st.sampled_from(STATUSES),
    usage=USAGES,
    produced=st.booleans(),
    output_bytes=COUNTS,
    finish_reasons=st.lists(st.sampled_from(["stop", "error", "length"]), max_size=2).map(tuple),
)
RATES = st.integers(0, 10**9)
PRICES = st.builds(
    lambda input_pusd, output_pusd: structs.replace(PRICE, rates=Rates(input=input_pusd, output=output_pusd)),
    RATES,
    RATES,
)


@given(OUTCOMES, PRICES, st.integers(0, 2**25))
def test_a_bill_can_always_be_written(outcome: Outcome, price: Price, body_bytes: int) -> None:
    bill = draw_up(outcome, price, BOUND, HOLD, body_bytes)
    assert 0 <= bill.amount_nusd <= AMOUNT_MAX
    assert bill.usage.input_tokens >= 0
    assert bill.usage.output_tokens >= 0
    if bill.source != "provider":
        assert bill.amount_nusd <= HOLD.amount_nusd, "nobody bears a loss that was only guessed"
    if is_waived(outcome):
        assert bill.amount_nusd == 0
    else:
        # What a reader of the bill can add up himself; a guess may have been cut.
        assert bill.amount_nusd == charge(price, bill.usage) or bill.amount_nusd == HOLD.amount_nusd


@given(OUTCOMES)
@example(Outcome("c1", "chat", "ok", "m", sent=True, usage=Usage(0, 0), produced=True))
def test_a_providers_word_on_an_answer_that_ended_is_taken(outcome: Outcome) -> None:
    if outcome.status == "ok" and outcome.usage is not None and not is_waived(outcome):
        bill = draw_up(outcome, PRICE, BOUND, HOLD, 100)
        assert (bill.usage, bill.source) == (outcome.usage, "provider")


@given(OUTCOMES, st.integers(0, 10**6))
def test_an_estimate_of_the_input_stays_within_what_was_held_for_it(outcome: Outcome, body_bytes: int) -> None:
    silent = structs.replace(outcome, usage=None, output_bytes=0, produced=False, status="cancelled")
    bill = draw_up(silent, PRICE, BOUND, HOLD, body_bytes)
    assert bill.usage.input_tokens == min(-(-body_bytes // 4), 500)
    assert bill.source == "estimated"


def test_a_broken_off_answer_may_overrun_its_hold_if_its_provider_says_so() -> None:
    outcome = Outcome("c1", "chat", "partial", "m", sent=True, usage=Usage(600, 100), produced=True, output_bytes=4)
    bill = draw_up(outcome, PRICE, BOUND, HOLD, 100)
    assert (bill.source, bill.amount_nusd) == ("provider", 1_000)
    assert bill.amount_nusd > HOLD.amount_nusd


def test_a_price_beyond_counting_is_cut_to_what_a_row_holds() -> None:
    outcome = Outcome("c1", "chat", "ok", "m", sent=True, usage=Usage(2**31 - 1, 0), produced=True)
    dear = structs.replace(PRICE, rates=Rates(input=2**60, output=0))
    assert draw_up(outcome, dear, BOUND, HOLD, 1).amount_nusd == AMOUNT_MAX


def test_something_said_is_at_least_a_token() -> None:
    outcome = Outcome("c1", "chat", "cancelled", "m", sent=True, produced=True)
    bill = draw_up(outcome, PRICE, BOUND, HOLD, 4)
    assert (bill.usage, bill.source) == (Usage(1, 1), "counted")


def test_parts_that_the_provider_named_are_kept_where_the_rest_is_counted() -> None:
    said = Usage(9, 1, cached_input_tokens=8)
    outcome = Outcome("c1", "chat", "cancelled", "m", sent=True, usage=said, produced=True, output_bytes=12)
    bill = draw_up(outcome, PRICE, BOUND, HOLD, 4)
    assert (bill.usage, bill.source) == (Usage(9, 3, cached_input_tokens=8), "counted")


def test_the_house_owes_for_what_was_reported_and_for_what_was_served() -> None:
    attempts = (Attempt(LAB, 502, "stream_broken", Usage(70, 0)), Attempt(LAB, 502, "x"), Attempt(DEN, 200))
    outcome = Outcome("c1", "chat", "ok", "m", sent=True, served=DEN, attempts=attempts, produced=True, output_bytes=12)
    bill = draw_up(outcome, PRICE, BOUND, HOLD, 40)
    assert list_used(outcome, bill) == [(LAB, Usage(70, 0)), (DEN, Usage(10, 3))]
    failed = structs.replace(outcome, status="failed")
    assert list_used(failed, draw_up(failed, PRICE, BOUND, HOLD, 40)) == [(LAB, Usage(70, 0))]
