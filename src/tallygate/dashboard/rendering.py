"""Turns a template and values into a page. Every value is escaped, wherever it stands; a template decides nothing.

What cannot be seen in a text (control characters, marks that turn the direction of writing) is shown by its number, so
that a name from outside cannot pass for another one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tallygate.dashboard.statics import Asset
from tallygate.ledger.money import print_usd

TEMPLATES: Final = Path(__file__).parent / "templates"
NOTHING: Final = "\N{EN DASH}"
"""What stands where there is no value."""

_LINE_ENDS: Final = "\n\t"
_NS_PER_S: Final = 1_000_000_000
_CENTS: Final = 2


class Renderer:
    """The templates, ready to be filled."""

    def __init__(self, assets: Mapping[str, Asset], version: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=unveil,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "usd": show_usd,
            "moment": show_moment,
            "day": show_day,
            "count": show_count,
            "short": shorten,
        }
        self._surroundings = {
            "urls": {name: asset.url for name, asset in assets.items()},
            "version": version,
            "plain": print_usd,
        }

    def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """The page as UTF-8."""
        text = self._environment.get_template(template).render({**self._surroundings, **values})
        return text.encode("utf-8", "replace")


def unveil(value: Any) -> Any:
    """A text with what cannot be seen in it written out; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(one if one.isprintable() or one in _LINE_ENDS else f"\\u{ord(one):04x}" for one in value)


def show_usd(amount_nusd: int) -> Markup:
    """An amount, exact, with its sign. What is below a cent stands smaller, so that columns can be read."""
    whole, _, decimals = print_usd(abs(amount_nusd)).partition(".")
    sign = "\N{MINUS SIGN}" if amount_nusd < 0 else ""
    cents, beyond = decimals[:_CENTS], decimals[_CENTS:]
    rest = f'<span class="fine">{beyond}</span>' if beyond else ""
    return Markup(f'<span class="usd">{sign}${int(whole):,}.{cents}{rest}</span>')  # noqa: S704 - digits only


def show_moment(moment_ns: int | None, otherwise: str = NOTHING) -> Markup:
    """A moment in UTC, to the second, with its full form for machines and as a title."""
    if moment_ns is None:
        return escape(otherwise)
    moment = datetime.fromtimestamp(moment_ns // _NS_PER_S, UTC)
    full = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = moment.strftime("%Y-%m-%d %H:%M:%S")
    return Markup(f'<time datetime="{full}" title="{full}, {moment_ns} ns">{shown}</time>')  # noqa: S704 - digits only


def show_day(day: int) -> str:
    """A day counted from 1970 UTC: ``2027-01-31``."""
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def show_count(number: int | None) -> str:
    """A whole number in groups of three digits."""
    return NOTHING if number is None else f"{number:,}"


def shorten(text: str, symbols: int = 14) -> str:
    """The beginning of an id."""
    return text if len(text) <= symbols else f"{text[:symbols]}…"
