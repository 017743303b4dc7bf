"""Laws of prices: one rounding, parts of totals, exact factors, text without loss, and never a float."""

import ast
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import (
    INPUT_KINDS,
    OUTPUT_KINDS,
    UNIT_KINDS,
    Price,
    charge,
    count_units,
    itemise,
    name_version,
    scale,
    split_tokens,
)
from tallygate.ledger.terms import print_price, read_price
from tests.house.rules import money_is_whole
from tests.house.source import read_sources
from tests.laws.price_values import ANY_COUNTS, PRICES, TOKENS, USAGES

TOTALS = ("input_tokens", "output_tokens", "images", "duration_ms", "characters", "tool_uses")


@given(PRICES, USAGES)
def test_a_charge_is_the_exact_sum_rounded_up_once(price: Price, usage: Usage) -> None:
    counted = split_tokens(usage)
    rates = price.rates_for(usage.input_tokens)
    exact = sum(Fraction(counted[kind] * (rates.rate(kind) or 0), 1000) for kind in counted)
    exact += sum(Fraction(count * getattr(price, kind), 1000) for kind, count in count_units(usage).items())
    charged = charge(price, usage)
    assert type(charged) is int
    assert exact <= charged < exact + 1


@given(PRICES, USAGES)
def test_the_lines_of_a_bill_add_up_to_the_charge(price: Price, usage: Usage) -> None:
    lines = itemise(price, usage)
    assert sum(line.amount_nusd for line in lines) == charge(price, usage)
    assert all(line.amount_nusd >= 0 and line.quantity > 0 for line in lines)
    for line in lines:
        assert abs(Fraction(line.quantity * line.price_pusd, 1000) - line.amount_nusd) < 1


@given(st.builds(Usage, *[st.integers(-(2**40), 2**40)] * 2, *[ANY_COUNTS] * 12))
def test_each_token_is_counted_once_whatever_a_provider_says(usage: Usage) -> None:
    counted = split_tokens(usage)
    assert min(counted.values()) >= 0
    assert sum(counted[kind] for kind in INPUT_KINDS) == max(usage.input_tokens, 0)
    assert sum(counted[kind] for kind in OUTPUT_KINDS) == max(usage.output_tokens, 0)
    assert min(count_units(usage).values()) >= 0


@given(PRICES, st.builds(Usage, *[st.integers(-(2**40), 2**40)] * 2, *[ANY_COUNTS] * 12))
def test_a_charge_is_never_negative(price: Price, usage: Usage) -> None:
    assert charge(price, usage) >= 0


@given(PRICES, USAGES, st.sampled_from(TOTALS), TOKENS)
def test_more_never_costs_less(price: Price, usage: Usage, total: str, more: int) -> None:
    flat = replace(price, tiers=())  # a tier may be cheaper than what is below it
    bigger = replace(usage, **{total: (getattr(usage, total) or 0) + more})
    assert charge(flat, bigger) >= charge(flat, usage)


@given(PRICES, USAGES, st.data())
def test_a_dearer_price_never_charges_less(price: Price, usage: Usage, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(UNIT_KINDS))
    assert charge(replace(price, **{kind: getattr(price, kind) + 1}), usage) >= charge(price, usage)
    whole = data.draw(st.sampled_from(["input", "output"]))
    rates = replace(price.rates, **{whole: getattr(price.rates, whole) + 1})
    assert charge(replace(price, rates=rates), usage) >= charge(price, usage)


@given(PRICES, st.integers(0, 10**7), st.sampled_from([1, 3, 10, 1_000, 10**6]))
def test_a_factor_is_exact_and_rounds_up_where_it_must(price: Price, numerator: int, denominator: int) -> None:
    scaled = scale(price, numerator, denominator)
    for kind in (*INPUT_KINDS, *OUTPUT_KINDS):
        _assert_scaled(getattr(price.rates, kind), getattr(scaled.rates, kind), Fraction(numerator, denominator))
    for kind in UNIT_KINDS:
        _assert_scaled(getattr(price, kind), getattr(scaled, kind), Fraction(numerator, denominator))
    assert [tier.above_input_tokens for tier in scaled.tiers] == [tier.above_input_tokens for tier in price.tiers]


def _assert_scaled(before: int | None, after: int | None, factor: Fraction) -> None:
    if before is None:
        assert after is None
    else:
        assert after is not None
        assert before * factor <= after < before * factor + 1


@given(PRICES, USAGES)
def test_a_price_survives_being_printed_and_read(price: Price, usage: Usage) -> None:
    again = read_price(price.kind, price.name, print_price(price))
    assert again.rates == price.rates
    assert [getattr(again, kind) for kind in UNIT_KINDS] == [getattr(price, kind) for kind in UNIT_KINDS]
    assert itemise(again, usage) == itemise(price, usage)
    assert read_price(again.kind, again.name, print_price(again)) == again


@given(PRICES, PRICES)
def test_two_versions_have_one_name_only_if_they_are_equal(one: Price, other: Price) -> None:
    assert (name_version(one) == name_version(other)) == (one == other)
    assert name_version(one) == name_version(replace(one))


@pytest.mark.parametrize("path", [s.path for s in read_sources() if s.room == "ledger"])
def test_no_float_is_in_the_ledger(path: str) -> None:
    source = next(source for source in read_sources() if source.path == path)
    assert list(money_is_whole(source)) == []
    for node in ast.walk(source.tree):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        assert not {"math", "decimal", "statistics", "random"} & {module, *imported}
