"""Prices as text: exact, named in every refusal, and the example that ships reads as the table it was made from."""

import re
import tomllib
from typing import Any

import pytest

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import Price, Rates, Tier, charge
from tallygate.ledger.terms import print_price, read_price
from tests.house.source import ROOT

# USD per million tokens, input and output.
TABLE = {
    "claude-opus-4-7": ("1.50", "7.50"),
    "claude-sonnet-4-6": ("0.30", "1.50"),
    "claude-haiku-4-5": ("0.10", "0.50"),
    "gpt-4o": ("0.25", "1.00"),
    "gemini-2-5-pro": ("0.125", "1.00"),
    "openclaw-v1": ("0.10", "0.40"),
    "ollama-llama3": ("0", "0"),
}


def test_the_example_is_the_table_at_a_tenth_of_the_list() -> None:
    models: dict[str, Any] = tomllib.loads((ROOT / "examples/prices-lucidlm.toml").read_text())["models"]
    assert models.keys() == TABLE.keys()
    for name, (given, made) in TABLE.items():
        price = read_price("sale", name, models[name]["price"])
        plain = read_price("sale", name, {"input": given, "output": made})
        assert price.rates == plain.rates
        assert charge(price, Usage(1_234_567, 89_012)) == charge(plain, Usage(1_234_567, 89_012))


def test_the_example_in_nano_dollars() -> None:
    models: dict[str, Any] = tomllib.loads((ROOT / "examples/prices-lucidlm.toml").read_text())["models"]
    charged = {name: charge(read_price("sale", name, models[name]["price"]), Usage(1_000, 100)) for name in models}
    assert charged == {
        "claude-opus-4-7": 2_250_000,
        "claude-sonnet-4-6": 450_000,
        "claude-haiku-4-5": 150_000,
        "gpt-4o": 350_000,
        "gemini-2-5-pro": 225_000,
        "openclaw-v1": 140_000,
        "ollama-llama3": 0,
    }


def test_every_part_of_a_price_can_be_written() -> None:
    price = read_price(
        "cost",
        "lab/m",
        {
            "input": "3.00",
            "cache_read": "0.30",
            "cache_write": "3.75",
            "cache_write_1h": "6",
            "audio_input": "40",
            "output": "15",
            "reasoning": "20",
            "audio_output": "80",
            "call": "0.000001",
            "image": "0.04",
            "second": "0.0001",
            "character": "15",
            "tool_use": "0.01",
            "tiers": [{"above_input_tokens": 200_000, "input": "6"}, {"above_input_tokens": 32_000, "output": "16"}],
        },
        effective_from_ns=7,
    )
    base: dict[str, int] = {
        "input": 3_000_000,
        "cache_read": 300_000,
        "cache_write": 3_750_000,
        "cache_write_1h": 6_000_000,
        "audio_input": 40_000_000,
        "output": 15_000_000,
        "reasoning": 20_000_000,
        "audio_output": 80_000_000,
    }
    assert price == Price(
        kind="cost",
        name="lab/m",
        effective_from_ns=7,
        rates=Rates(**base),
        tiers=(
            Tier(above_input_tokens=32_000, rates=Rates(**{**base, "output": 16_000_000})),
            Tier(above_input_tokens=200_000, rates=Rates(**{**base, "input": 6_000_000})),
        ),
        call=1_000_000,
        image=40_000_000_000,
        millisecond=100_000,
        character=15_000_000,
        tool_use=10_000_000_000,
    )
    assert read_price("cost", "lab/m", print_price(price), effective_from_ns=7) == price


def test_a_lone_factor_multiplies_the_list_price() -> None:
    listed = read_price("cost", "lab/m", {"input": "2.50", "output": "10", "call": "0.01"})
    price = read_price("sale", "mine", {"factor": "1.2"}, effective_from_ns=5, listed=listed)
    assert (price.kind, price.name, price.effective_from_ns) == ("sale", "mine", 5)
    assert print_price(price) == {"input": "3.00", "output": "12.00", "call": "0.012"}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ("gratis", "'gratis'"),
        ({}, "at least one part"),
        ({"input": None, "tiers": ()}, "at least one part"),
        ({"factor": "0.1"}, "no list price"),
        ({"input": 3}, "input: write the price as text"),
        ({"input": 0.2}, "input: write the price as text"),
        ({"input": "3,00"}, "input: '3,00'"),
        ({"input": "-1"}, "input: '-1' is negative"),
        ({"input": "1e3"}, "input: '1e3'"),
        ({"input": "0.1234567"}, "more than 6 decimals"),
        ({"second": "0.0000000001"}, "more than 9 decimals"),
        ({"inptu": "1"}, "inptu: no price"),
        ({"input": "1", "factor": "x"}, "factor: 'x'"),
        ({"input": "1", "tiers": [{"input": "2"}]}, "above_input_tokens"),
        ({"input": "1", "tiers": [{"above_input_tokens": True, "input": "2"}]}, "above_input_tokens"),
        ({"input": "1", "tiers": [{"above_input_tokens": 5, "call": "2"}]}, "call is not a kind of token"),
        ({"input": "1", "tiers": [{"above_input_tokens": 5}, {"above_input_tokens": 5}]}, "two of them"),
    ],
)
def test_what_is_no_price_is_refused_by_name(terms: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_price("sale", "m", terms)
