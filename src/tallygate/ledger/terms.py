"""Prices as people write them: decimal text in USD, read exactly and printed back without loss.

Tokens and characters are priced per million; calls, images, tool uses and seconds each. A `factor` multiplies the
prices beside it, or the list price where it stands alone. No file is read here, and no binary fraction is taken.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from tallygate.genai.price_row import PriceKind
from tallygate.ledger.money import (
    parse_price_per_million,
    parse_price_per_unit,
    print_price_per_million,
    print_price_per_unit,
)
from tallygate.ledger.prices import INPUT_KINDS, OUTPUT_KINDS, Price, Rates, Tier, price_free, scale

FREE: Final = "free"

_TOKEN_KINDS: Final = (*INPUT_KINDS, *OUTPUT_KINDS)
_EACH: Final = ("call", "image", "tool_use")
_FACTOR_SCALE: Final = 10**6
_PICO_PER_SECOND_UNIT: Final = 1_000

Terms = str | Mapping[str, Any]
"""``"free"``, or a table of text: ``{"input": "3.00", "output": "15.00", "factor": "0.1"}``."""


def read_price(
    kind: PriceKind, name: str, terms: Terms, *, effective_from_ns: int = 0, listed: Price | None = None
) -> Price:
    """A version of a price from what somebody wrote.

    `listed` is the list price that a lone `factor` multiplies. Raises ValueError, with a sentence that names the key,
    for a key that is not known, a value that is not decimal text, and a lone factor without a list price.
    """
    if isinstance(terms, str):
        if terms != FREE:
            raise ValueError(f'a price is "{FREE}" or a table, not {terms[:40]!r}')
        return price_free(kind, name, effective_from_ns)
    given = {key: value for key, value in terms.items() if value is not None and value != ()}
    factor = given.pop("factor", None)
    if given:
        price = Price(kind=kind, name=name, effective_from_ns=effective_from_ns, **_read_all(given))
    elif factor is None:
        raise ValueError(f'a price needs at least one part; "{FREE}" says that it costs nothing')
    elif listed is None:
        raise ValueError("factor: there is no list price to multiply; write the list price beside it")
    else:
        price = replace(listed, kind=kind, name=name, effective_from_ns=effective_from_ns)
    return price if factor is None else scale(price, read_factor(factor), _FACTOR_SCALE)


def read_factor(text: Any) -> int:
    """A factor such as ``"0.1"`` in millionths. Raises ValueError."""
    return _parse("factor", text, parse_price_per_million)


def _read_all(given: Mapping[str, Any]) -> dict[str, Any]:
    tables = cast("list[Mapping[str, Any]]", list(given.get("tiers", ())))
    rates = _read_rates(given)
    tiers = sorted((_read_tier(table, rates) for table in tables), key=lambda tier: tier.above_input_tokens)
    thresholds = [tier.above_input_tokens for tier in tiers]
    if len(set(thresholds)) < len(thresholds):
        raise ValueError("tiers: two of them begin at the same number of tokens")
    parts: dict[str, Any] = {"rates": rates, "tiers": tuple(tiers)}
    parts |= {kind: _parse(kind, given[kind], parse_price_per_unit) for kind in _EACH if kind in given}
    if "character" in given:
        parts["character"] = _parse("character", given["character"], parse_price_per_million)
    if "second" in given:
        parts["millisecond"] = _read_second(given["second"])
    unknown = given.keys() - {*_TOKEN_KINDS, *_EACH, "character", "second", "tiers"}
    if unknown:
        raise ValueError(f"{min(unknown)}: no price is known by that name")
    return parts


def _read_rates(given: Mapping[str, Any]) -> Rates:
    return Rates(**{kind: _parse(kind, given[kind], parse_price_per_million) for kind in _TOKEN_KINDS if kind in given})


def _read_tier(table: Mapping[str, Any], below: Rates) -> Tier:
    """A tier, with the rates of short calls for what it does not name."""
    given = {key: value for key, value in table.items() if value is not None}
    above = given.pop("above_input_tokens", None)
    if not isinstance(above, int) or isinstance(above, bool) or above < 0:
        raise ValueError("tiers: each needs above_input_tokens, a whole number of tokens")
    if unknown := given.keys() - set(_TOKEN_KINDS):
        raise ValueError(f"tiers: {min(unknown)} is not a kind of token")
    own = _read_rates(given)
    named = {kind: getattr(own, kind) for kind in _TOKEN_KINDS if getattr(own, kind) is not None}
    return Tier(above_input_tokens=above, rates=replace(below, **named))


def _read_second(value: Any) -> int:
    """Pico-USD per millisecond of a price in USD per second."""
    per_second = _parse("second", value, parse_price_per_unit)
    if per_second % _PICO_PER_SECOND_UNIT:
        raise ValueError(f"second: {value!r} has more than 9 decimals")
    return per_second // _PICO_PER_SECOND_UNIT


def _parse(key: str, value: Any, parse: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f'{key}: write the price as text, such as "0.20"')
    try:
        return parse(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def print_price(price: Price) -> dict[str, Any]:
    """The terms of a version: `read_price` makes of them a version that charges the same."""
    terms = _print_rates(price.rates, price.rates)
    if price.tiers:
        terms["tiers"] = [
            {"above_input_tokens": tier.above_input_tokens, **_print_rates(tier.rates, price.rates)}
            for tier in price.tiers
        ]
    terms |= {kind: print_price_per_unit(getattr(price, kind)) for kind in _EACH if getattr(price, kind) is not None}
    if price.character is not None:
        terms["character"] = print_price_per_million(price.character)
    if price.millisecond is not None:
        terms["second"] = print_price_per_unit(price.millisecond * _PICO_PER_SECOND_UNIT)
    return terms


def _print_rates(rates: Rates, below: Rates) -> dict[str, Any]:
    """The rates that must be said: the own ones, and those that reading would else take from `below`."""
    said = [kind for kind in _TOKEN_KINDS if getattr(rates, kind) is not None or getattr(below, kind) is not None]
    priced = [(kind, rates.rate(kind)) for kind in said]
    return {kind: print_price_per_million(rate) for kind, rate in priced if rate is not None}
