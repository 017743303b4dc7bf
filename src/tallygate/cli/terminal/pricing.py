"""Prices as people read them in a table, and as scripts read them in JSON. Amounts are exact decimal text in USD."""

from typing import Any

from msgspec import Struct

from tallygate.cli.terminal.moment import show_moment, stamp
from tallygate.genai.price_row import PriceKind
from tallygate.ledger.pricelist import Version
from tallygate.ledger.prices import Price, price_free
from tallygate.ledger.terms import FREE, print_price

COLUMNS = ("kind", "name", "input", "output", "also", "source", "from", "version")
SHORT = 6
"""So many columns are enough for what is in force, and fit a terminal."""
UNITS = "USD per million tokens or characters, and for each call, image, second and tool."

_VERSION_SYMBOLS = 12


class Shown(Struct, frozen=True):
    """One line of a list of prices. `version` None: nobody says a price."""

    kind: PriceKind
    name: str
    version: Version | None


def to_cells(shown: Shown) -> tuple[str, ...]:
    """The cells of one line, in the order of `COLUMNS`."""
    version = shown.version
    if version is None:
        return (shown.kind, shown.name, "no price", "", "", "", "", "")
    input_, output, also = describe(version.price)
    since = show_moment(version.price.effective_from_ns or None)
    return (shown.kind, shown.name, input_, output, also, version.source, since, version.name[:_VERSION_SYMBOLS])


def describe(price: Price) -> tuple[str, str, str]:
    """The price of input, that of output, and everything else in words."""
    if is_plainly_free(price):
        return FREE, FREE, ""
    terms = print_price(price)
    input_, output, tiers = (terms.pop(name, None) for name in ("input", "output", "tiers"))
    also = [f"{name.replace('_', ' ')} {amount}" for name, amount in terms.items()]
    also += [_describe_tier(tier) for tier in tiers or ()]
    return input_ or "", output or "", ", ".join(also)


def _describe_tier(tier: dict[str, Any]) -> str:
    return f"above {tier['above_input_tokens']:,} tokens {tier.get('input', '-')} / {tier.get('output', '-')}"


def is_plainly_free(price: Price) -> bool:
    """Whether a price says that nothing costs anything."""
    return price == price_free(price.kind, price.name, price.effective_from_ns)


def to_json(shown: Shown) -> dict[str, object]:
    """One line for a script."""
    version = shown.version
    if version is None:
        return {"kind": shown.kind, "name": shown.name, "source": None, "terms": None}
    price = version.price
    return {
        "kind": shown.kind,
        "name": shown.name,
        "source": version.source,
        "terms": FREE if is_plainly_free(price) else print_price(price),
        "effective_from": stamp(price.effective_from_ns or None),
        "version": version.name,
    }
