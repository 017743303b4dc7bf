"""The dearest of several prices, worked out by hand; that it never charges too little is a law."""

from tallygate.ledger.dearest import take_dearest
from tallygate.ledger.prices import Price, Rates, Tier, price_free

ONE = Price(
    kind="cost",
    name="a/m",
    effective_from_ns=5,
    rates=Rates(input=10, cache_read=1, output=50),
    tiers=(Tier(above_input_tokens=1_000, rates=Rates(input=20, cache_read=2, output=60)),),
    tool_use=7,
)
OTHER = Price(
    kind="cost",
    name="b/m",
    effective_from_ns=9,
    rates=Rates(input=12, output=40),
    tiers=(Tier(above_input_tokens=500, rates=Rates(input=13, output=70)),),
    call=3,
)


def test_each_kind_of_token_costs_what_it_costs_where_it_is_dearest() -> None:
    assert take_dearest("sale", "m", [ONE, OTHER]) == Price(
        kind="sale",
        name="m",
        effective_from_ns=9,
        rates=Rates(input=12, cache_read=12, output=50),
        tiers=(
            Tier(above_input_tokens=500, rates=Rates(input=13, cache_read=13, output=70)),
            Tier(above_input_tokens=1_000, rates=Rates(input=20, cache_read=13, output=70)),
        ),
        call=3,
    )


def test_what_one_of_them_does_not_price_is_not_priced() -> None:
    images = Price(kind="cost", name="c/m", rates=Rates(input=1), image=9)
    joined = take_dearest("sale", "m", [ONE, images])
    assert (joined.rates.input, joined.rates.output, joined.image, joined.tool_use) == (10, None, None, None)


def test_free_and_free_is_free() -> None:
    assert take_dearest("sale", "m", [price_free("cost", "a/m"), price_free("cost", "b/m")]) == price_free("sale", "m")
