"""The parts of a charge for what went in and what came out: they never come to more than was charged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import Price, Rates, charge
from tallygate.ledger.shares import Shares, split_charge

PRICE = Price(
    kind="sale",
    name="m",
    rates=Rates(input=1_000, cache_read=100, output=4_000, reasoning=5_000),
    call=7_000,
    tool_use=9_000,
)


@pytest.mark.parametrize(
    ("usage", "charged_nusd", "shares"),
    [
        (Usage(7, 11), 58, Shares(7, 44)),
        (Usage(10, 10, cached_input_tokens=10, reasoning_tokens=5), 53, Shares(1, 45)),
        (Usage(7, 11, tool_uses=1), 67, Shares(7, 44)),
        # The hold was shorter than what was used.
        (Usage(7, 11), 20, Shares(7, 13)),
        (Usage(7, 11), 5, Shares(5, 0)),
        (Usage(7, 11), 0, Shares(0, 0)),
    ],
)
def test_what_went_in_and_what_came_out(usage: Usage, charged_nusd: int, shares: Shares) -> None:
    assert split_charge(PRICE, usage, charged_nusd) == shares


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 100))
def test_the_shares_of_a_full_charge_add_up_to_it_where_only_tokens_cost(taken: int, made: int, rate: int) -> None:
    price = Price(kind="sale", name="m", rates=Rates(input=rate, output=3 * rate))
    usage = Usage(taken, made)
    assert sum(split_charge(price, usage, charge(price, usage))) == charge(price, usage)
