"""LiteLLM's list: numbers read from their digits, and a line for everything that was not carried."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.ledger.litellm import Imported, read_number, read_prices
from tallygate.ledger.prices import Price, Rates, Tier

LIST = b"""{
  "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of many"},
  "sonnet": {
    "litellm_provider": "lab", "mode": "chat", "max_input_tokens": 200000,
    "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
    "cache_read_input_token_cost": 3e-07, "cache_creation_input_token_cost": 3.75e-06,
    "cache_creation_input_token_cost_above_1hr": 6e-06,
    "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05,
    "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 0.0,
    "search_context_cost_per_query": {"search_context_size_low": 0.01}
  },
  "lab/ears": {"litellm_provider": "lab", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0},
  "lab/voice": {"litellm_provider": "lab", "input_cost_per_character": 1.5e-05, "output_cost_per_character": 2e-05},
  "brush": {"litellm_provider": "lab", "output_cost_per_image": 0.04, "input_cost_per_token": null},
  "plain": {"input_cost_per_token": 0.00000125, "output_cost_per_token": "0.00001"},
  "free": {"litellm_provider": "den", "input_cost_per_token": 0, "output_cost_per_token": 0.0},
  "odd": {"litellm_provider": 7, "input_cost_per_token": -1e-06, "output_cost_per_token": true},
  "empty": {"litellm_provider": "lab", "mode": "chat"}
}"""


def test_a_list_is_read_exactly_and_what_is_left_is_said() -> None:
    base = {"cache_read": 300_000, "cache_write": 3_750_000, "cache_write_1h": 6_000_000}
    assert read_prices(LIST, 9) == Imported(
        prices=(
            Price(
                kind="cost",
                name="lab/sonnet",
                effective_from_ns=9,
                rates=Rates(input=3_000_000, output=15_000_000, **base),
                tiers=(Tier(above_input_tokens=200_000, rates=Rates(input=6_000_000, output=22_500_000, **base)),),
            ),
            Price(kind="cost", name="lab/ears", effective_from_ns=9, millisecond=100_000),
            Price(kind="cost", name="lab/voice", effective_from_ns=9, character=15_000_000),
            Price(kind="cost", name="lab/brush", effective_from_ns=9, image=40_000_000_000),
            Price(kind="cost", name="plain", effective_from_ns=9, rates=Rates(input=1_250_000, output=10_000_000)),
            Price(kind="cost", name="den/free", effective_from_ns=9, rates=Rates(input=0, output=0)),
        ),
        notes=(
            "sonnet: input_cost_per_token_batches is not carried",
            "sonnet: search_context_cost_per_query is not carried",
            "lab/voice: output_cost_per_character is not carried: there is another price for a character",
            "odd: input_cost_per_token is not carried: -1e-06 is no price",
            "odd: output_cost_per_token is not carried: true is no price",
            "odd: it has no price",
            "empty: it has no price",
        ),
    )


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a": 1}', b'{"a": []}', b"{", b"\xff"])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        read_prices(data)


@pytest.mark.parametrize("number", ["1e99", "9" * 31, "1e30", '"x"', "0x1", "NaN", "[1]", "{}"])
def test_a_number_that_is_no_price_is_left_with_a_note(number: str) -> None:
    valid = number if number not in ("0x1", "NaN") else f'"{number}"'
    data = f'{{"m": {{"input_cost_per_token": {valid}, "output_cost_per_token": 1e-6}}}}'.encode()
    imported = read_prices(data)
    assert imported.prices[0].rates == Rates(output=1_000_000)
    assert len(imported.notes) == 1


@given(st.floats(0, 1, allow_nan=False), st.sampled_from([9, 12]))
def test_a_number_is_the_digits_that_were_written(value: float, places: int) -> None:
    text = msgspec.json.encode(value)
    exact = Fraction(text.decode()) * 10**places
    assert exact <= read_number(text, places) < exact + 1


_NAMES = st.text(max_size=5)
_VALUES = st.none() | st.floats(0, 1) | st.integers() | _NAMES


@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES.map("cost".__add__), _VALUES)))
def test_no_list_is_too_odd_to_be_reported(rows: dict[str, dict[str, Any]]) -> None:
    rows.pop("sample_spec", None)
    imported = read_prices(msgspec.json.encode(rows))
    assert len(imported.prices) + len(imported.notes) >= len(rows)
