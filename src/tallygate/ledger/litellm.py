"""Reads prices from the JSON list that LiteLLM keeps of models and their costs, and says line by line what it left.

Numbers are read from their text, digit by digit: what stands there as 3e-06 is exactly three millionths. Source:
docs.litellm.ai/docs/provider_registration/add_model_pricing. Nothing is fetched or stored here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from tallygate.ledger.prices import Price, Rates, Tier

# Their key, our kind, and the power of ten that makes pico-USD of USD: a millisecond is a thousandth of their second.
_RATES: Final = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "output_cost_per_audio_token": "audio_output",
}
_UNITS: Final = {
    "output_cost_per_image": ("image", 12),
    "input_cost_per_second": ("millisecond", 9),
    "output_cost_per_second": ("millisecond", 9),
    "input_cost_per_character": ("character", 12),
    "output_cost_per_character": ("character", 12),
    "input_cost_per_request": ("call", 12),
}
_PICO_PLACES: Final = 12

_TIER: Final = re.compile(r"(.+)_above_(\d{1,6})k_tokens", re.ASCII)
_NUMBER: Final = re.compile(r'"?(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?"?', re.ASCII)
_EXAMPLE: Final = "sample_spec"
_PRICE_MAX_PUSD: Final = 10**18


class Imported(Struct, frozen=True):
    """Prices that were read, as costs of ``provider/model``, and a line for each thing that was not carried."""

    prices: tuple[Price, ...]
    notes: tuple[str, ...]


def read_prices(data: bytes, effective_from_ns: int = 0) -> Imported:
    """All prices of the list, in its order. Raises msgspec.DecodeError if `data` is not an object of objects."""
    rows = msgspec.json.decode(data, type=dict[str, dict[str, Raw]])
    prices: list[Price] = []
    notes: list[str] = []
    for key, row in rows.items():
        if key == _EXAMPLE:
            continue
        said = _Row(_name(key, row), row)
        price = said.read(effective_from_ns)
        notes += [f"{key}: {note}" for note in said.notes]
        if price is not None:
            prices.append(price)
    return Imported(tuple(prices), tuple(notes))


def _name(key: str, row: Mapping[str, Raw]) -> str:
    provider = _read_text(row.get("litellm_provider"))
    return key if not provider or key.startswith(f"{provider}/") else f"{provider}/{key}"


def _read_text(value: Raw | None) -> str:
    try:
        return msgspec.json.decode(value or b'""', type=str)
    except msgspec.ValidationError:
        return ""


class _Row:
    """One model of the list while it is read; `notes` gathers what is not carried."""

    def __init__(self, name: str, row: Mapping[str, Raw]) -> None:
        self.name = name
        self.notes: list[str] = []
        self._row = {key: bytes(value) for key, value in row.items() if "cost" in key and bytes(value) != b"null"}

    def read(self, effective_from_ns: int) -> Price | None:
        rates: dict[str, int] = {}
        units: dict[str, int] = {}
        tiers: dict[int, dict[str, int]] = {}
        for key, text in self._row.items():
            tier = _TIER.fullmatch(key)
            if key in _RATES:
                self._put(rates, _RATES[key], key, text, _PICO_PLACES)
            elif key in _UNITS:
                self._put(units, _UNITS[key][0], key, text, _UNITS[key][1])
            elif tier is not None and tier[1] in _RATES:
                self._put(tiers.setdefault(int(tier[2]) * 1_000, {}), _RATES[tier[1]], key, text, _PICO_PLACES)
            elif not _is_nothing(text):
                self.notes.append(f"{key} is not carried")
        if not rates and not units:
            self.notes.append("it has no price")
            return None
        parts: dict[str, Any] = {"rates": Rates(**rates), "tiers": tuple(_stack(rates, tiers)), **units}
        return Price(kind="cost", name=self.name, effective_from_ns=effective_from_ns, **parts)

    def _put(self, into: dict[str, int], kind: str, key: str, text: bytes, places: int) -> None:
        try:
            value = read_number(text, places)
        except ValueError:
            self.notes.append(f"{key} is not carried: {text[:40].decode(errors='replace')} is no price")
            return
        if value and into.get(kind):
            self.notes.append(f"{key} is not carried: there is another price for a {kind}")
        else:
            into[kind] = value or into.get(kind, 0)


def _stack(rates: dict[str, int], tiers: dict[int, dict[str, int]]) -> Iterator[Tier]:
    """Tiers in order; what one does not say is as below it."""
    below = rates
    for start in sorted(tiers):
        below = {**below, **tiers[start]}
        yield Tier(above_input_tokens=start, rates=Rates(**below))


def _is_nothing(text: bytes) -> bool:
    try:
        return read_number(text, 0) == 0
    except ValueError:
        return False


def read_number(text: bytes, places: int) -> int:
    """A JSON number, or one in a string, times 10 to the power of `places`, rounded up to a whole.

    Raises ValueError for anything else, for a negative number, and for more than a price can be.
    """
    match = _NUMBER.fullmatch(text.decode(errors="replace"))
    if match is None:
        raise ValueError("the number is no price")
    fraction = match[2] or ""
    shift = places + int(match[3] or 0) - len(fraction)
    digits = int(match[1] + fraction)
    value = digits * 10**shift if shift >= 0 else -(-digits // 10**-shift)
    if value > _PRICE_MAX_PUSD:
        raise ValueError("the number is no price")
    return value
