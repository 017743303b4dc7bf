"""Prices: versions, tiers, parts of totals, and amounts worked out by hand."""

import pytest

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import Price, Rates, Tier, charge, itemise, price_free, scale

# USD 3 and 15 per million, 0.30 for cached reads, 3.75 and 6 for cache writes of five minutes and an hour.
SONNET = Price(
    kind="sale",
    name="sonnet",
    rates=Rates(
        input=3_000_000, cache_read=300_000, cache_write=3_750_000, cache_write_1h=6_000_000, output=15_000_000
    ),
    tiers=(Tier(above_input_tokens=200_000, rates=Rates(input=6_000_000, output=22_500_000)),),
)


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        (Usage(), 0),
        (Usage(1, 0), 3_000),
        (Usage(1_000_000, 0), 6_000_000_000),
        (Usage(200_000, 1_000), 615_000_000),
        (Usage(200_001, 1_000), 1_222_506_000),
        (Usage(1_000, 100, cached_input_tokens=900), 300_000 + 270_000 + 1_500_000),
        (Usage(1_000, 0, cache_write_tokens=600, cache_write_1h_tokens=100), 1_200_000 + 1_875_000 + 600_000),
        (Usage(0, 100, reasoning_tokens=60), 1_500_000),
        (Usage(10, 0, cached_input_tokens=11), 3_000),
        (Usage(10, 0, cached_input_tokens=-5), 30_000),
        (Usage(-10, -10), 0),
    ],
)
def test_a_charge_is_what_one_works_out_by_hand(usage: Usage, nano_usd: int) -> None:
    assert charge(SONNET, usage) == nano_usd


def test_a_million_tiny_calls_gain_less_than_a_nano_dollar_each() -> None:
    cheap = Price(kind="sale", name="m", rates=Rates(input=1, output=0))
    assert charge(cheap, Usage(1, 0)) == 1
    assert charge(cheap, Usage(1_000, 0)) == 1
    assert charge(cheap, Usage(1_001, 0)) == 2


def test_what_is_not_tokens_is_charged_by_its_own_unit() -> None:
    price = Price(kind="sale", name="m", call=1_000, image=40_000, millisecond=100, character=15, tool_use=7_000)
    usage = Usage(images=2, duration_ms=1_500, characters=200, tool_uses=3)
    assert {line.kind: line.quantity * line.price_pusd for line in itemise(price, usage)} == {
        "call": 1_000,
        "image": 80_000,
        "millisecond": 150_000,
        "character": 3_000,
        "tool_use": 21_000,
    }
    assert charge(price, usage) == 255
    assert [line.amount_nusd for line in itemise(price, usage)] == [1, 80, 150, 3, 21]


def test_reasoning_and_sound_may_have_prices_of_their_own() -> None:
    rates = Rates(input=1_000, audio_input=40_000, output=2_000, reasoning=3_000, audio_output=80_000)
    price = Price(kind="sale", name="m", rates=rates)
    usage = Usage(100, 100, audio_input_tokens=50, reasoning_tokens=20, audio_output_tokens=90)
    assert {line.kind: (line.quantity, line.price_pusd) for line in itemise(price, usage)} == {
        "input": (50, 1_000),
        "audio_input": (50, 40_000),
        "reasoning": (20, 3_000),
        "audio_output": (80, 80_000),
    } | {"call": (1, 0)}


def test_free_is_a_price() -> None:
    free = price_free("sale", "m")
    assert free.free
    assert charge(free, Usage(10**9, 10**9, images=5, tool_uses=9)) == 0


@pytest.mark.parametrize(
    "price",
    [
        SONNET,
        Price(kind="sale", name="m"),
        Price(kind="sale", name="m", rates=Rates(input=0, output=0)),
        Price(kind="sale", name="m", rates=Rates(input=0, cache_write=1, output=0), call=0, image=0),
    ],
)
def test_what_costs_something_or_has_no_price_is_not_free(price: Price) -> None:
    assert not price.free


def test_a_tenth_of_the_list_is_exact() -> None:
    tenth = scale(SONNET, 1, 10)
    assert tenth.rates == Rates(
        input=300_000, cache_read=30_000, cache_write=375_000, cache_write_1h=600_000, output=1_500_000
    )
    assert tenth.tiers[0].rates == Rates(input=600_000, output=2_250_000)
    assert scale(Price(kind="sale", name="m", call=1), 1, 3).call == 1
