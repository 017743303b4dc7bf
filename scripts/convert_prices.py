"""Makes `src/tallygate/ledger/data/prices.json` from the data of the package genai-prices, which must be importable.

Run by hand when the list is to be newer: `python -m scripts.convert_prices`, in an environment of its own. A unit price
that is not whole in pico-USD is rounded up; a model with a price that has no counterpart is left out, and printed.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices import types as listed
from genai_prices.data import providers

TARGET = Path(__file__).parents[1] / "src/tallygate/ledger/data/prices.json"

# Their name of a provider, and the name of our row.
PROVIDERS = {"anthropic": "anthropic", "google": "gemini", "openai": "openai", "openrouter": "openrouter"}

# Their key, our key, and what one of their units is in ours.
KEYS = {
    "input_mtok": ("input", 1),
    "cache_read_mtok": ("cache_read", 1),
    "cache_write_mtok": ("cache_write", 1),
    "cache_write_1h_mtok": ("cache_write_1h", 1),
    "input_audio_mtok": ("audio_input", 1),
    "output_mtok": ("output", 1),
    "output_reasoning_mtok": ("reasoning", 1),
    "output_audio_mtok": ("audio_output", 1),
    "input_mchars": ("character", 1),
    "requests_kcount": ("call", 1_000),
    "web_searches_kcount": ("tool_use", 1_000),
    "audio_hours": ("second", 3_600),
    "input_audio_hours": ("second", 3_600),
}
# The fee of a tool that is refused here, and cached sound: cached input has one price here, whatever was cached.
WITHOUT_EFFECT = {"storage_searches_kcount", "cache_audio_read_mtok", "cache_image_read_mtok"}
IF_EQUAL = {
    "input_image_mtok": "input_mtok",
    "input_video_mtok": "input_mtok",
    "output_image_mtok": "output_mtok",
    "output_video_mtok": "output_mtok",
}
PLACES = {"second": 9, "call": 12, "tool_use": 12}


class LeftOut(Exception):
    """A price that cannot be said here, and why."""


def convert() -> None:
    """Write the list and say what is not in it."""
    rows: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter()
    for provider in providers:
        if provider.id not in PROVIDERS:
            continue
        for model in provider.models:
            try:
                rows.extend(_convert_model(PROVIDERS[provider.id], model))
            except LeftOut as reason:
                reasons[str(reason)] += 1
                print(f"{provider.id}/{model.id}: {reason}")  # noqa: T201
    rows.sort(key=lambda row: (row["name"], row.get("from", "")))
    head = {"source": "genai-prices", "version": version("genai-prices"), "licence": "MIT, see prices.LICENSE"}
    lines = ",\n".join(msgspec.json.encode(row).decode() for row in rows)
    TARGET.write_text(f'{{"made_from": {msgspec.json.encode(head).decode()}, "prices": [\n{lines}\n]}}\n')
    print(f"{len(rows)} versions; left out: {dict(reasons)}")  # noqa: T201


def _convert_model(provider: str, model: Any) -> Iterator[dict[str, Any]]:
    versions = model.prices if isinstance(model.prices, list) else [listed.ConditionalPrice(prices=model.prices)]
    if any(isinstance(version.constraint, listed.TimeOfDateConstraint) for version in versions):
        raise LeftOut("its price depends on the time of day")
    begun = [row for row in versions if row.constraint is None or row.constraint.start_date <= datetime.now(UTC).date()]
    coming = [row for row in versions if row not in begun]
    for row in [*begun[-1:], *coming]:
        made: dict[str, Any] = {"name": f"{provider}/{model.id}"}
        if also := sorted(set(_equals(model.match)) - {model.id}):
            made["also"] = also
        if _covers_snapshots(model.id, model.match):
            made["snapshots"] = True
        if row in coming:
            start = datetime.combine(row.constraint.start_date, time(), UTC)
            made["effective_from_s"] = int(start.timestamp())
        if model.context_window:
            made["context_tokens"] = model.context_window
        yield {**made, "terms": _convert_terms(row.prices)}


def _equals(match: Any) -> Iterator[str]:
    if isinstance(match, listed.ClauseEquals):
        yield match.equals
    for inner in getattr(match, "or_", ()):
        yield from _equals(inner)


def _covers_snapshots(name: str, match: Any) -> bool:
    """Whether the list itself says that every name with this beginning has this price."""
    clauses = [match, *getattr(match, "or_", ())]
    return any(isinstance(clause, listed.ClauseStartsWith) and clause.starts_with == name for clause in clauses)


def _convert_terms(prices: Any) -> dict[str, Any]:
    given = {key: value for key, value in vars(prices).items() if value is not None}
    for key in WITHOUT_EFFECT:
        given.pop(key, None)
    for key, whole in IF_EQUAL.items():
        if key in given and given.pop(key) != given.get(whole):
            raise LeftOut(f"{key} is another price than {whole}")
    if strange := given.keys() - KEYS.keys():
        raise LeftOut(f"{min(strange)} has no counterpart")
    if not given:
        raise LeftOut("it has no price")
    terms: dict[str, Any] = {}
    tiers: dict[int, dict[str, Any]] = {}
    for key, value in given.items():
        name, per = KEYS[key]
        terms[name] = _say(name, value.base if isinstance(value, listed.TieredPrices) else value, per)
        for tier in value.tiers if isinstance(value, listed.TieredPrices) else ():
            tiers.setdefault(tier.start, {})[name] = _say(name, tier.price, per)
    if tiers:
        terms["tiers"] = _fill(tiers)
    return terms


def _fill(tiers: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Tiers in order, each with what the one below it says and it does not."""
    made: list[dict[str, Any]] = []
    below: dict[str, Any] = {}
    for start in sorted(tiers):
        below = {**below, **tiers[start]}
        made.append({"above_input_tokens": start, **below})
    return made


def _say(name: str, price: Decimal, per: int) -> str:
    """The price of one of our units, rounded up to what is counted. A price of nothing has no exponent to speak of."""
    places = Decimal(1).scaleb(-PLACES.get(name, 6))
    exact = (price / per).quantize(places, rounding=ROUND_CEILING)
    return f"{exact.normalize():f}"


if __name__ == "__main__":
    convert()
