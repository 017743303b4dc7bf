"""Laws of a price made from several: whoever serves the call, it charges at least what they ask, and prices no more."""

from hypothesis import given
from hypothesis import strategies as st

from tallygate.genai.usage import Usage
from tallygate.ledger.dearest import take_dearest
from tallygate.ledger.prices import INPUT_KINDS, OUTPUT_KINDS, Price, charge
from tests.laws.price_values import PRICES, USAGES

SEVERAL = st.lists(PRICES, min_size=1, max_size=4)


@given(SEVERAL, USAGES)
def test_the_operator_never_loses(prices: list[Price], usage: Usage) -> None:
    joined = take_dearest("sale", "m", prices)
    assert charge(joined, usage) >= max(charge(price, usage) for price in prices)


@given(SEVERAL, st.integers(0, 3_000_000))
def test_each_rate_is_one_that_somebody_asks(prices: list[Price], input_tokens: int) -> None:
    joined = take_dearest("sale", "m", prices).rates_for(input_tokens)
    for kind in (*INPUT_KINDS, *OUTPUT_KINDS):
        assert joined.rate(kind) == max(price.rates_for(input_tokens).rate(kind) or 0 for price in prices)


@given(PRICES)
def test_of_one_price_it_is_that_price(price: Price) -> None:
    joined = take_dearest("sale", "m", [price, price])
    for input_tokens in (0, *(tier.above_input_tokens + 1 for tier in price.tiers)):
        for kind in (*INPUT_KINDS, *OUTPUT_KINDS):
            assert joined.rates_for(input_tokens).rate(kind) == price.rates_for(input_tokens).rate(kind)
