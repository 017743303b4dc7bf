"""What things cost: one version of a price, and the exact charge for what a call used.

Amounts are whole numbers: pico-USD per unit, summed exactly and rounded up once per call to nano-USD. A version never
changes; a new price is a new version. Reading prices from text is `terms`, from the shipped list `catalogue`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tallygate.genai.price_row import PriceKind
from tallygate.genai.usage import Usage
from tallygate.ledger.money import round_up

WIDER: Final[Mapping[str, str]] = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "audio_input": "input",
    "reasoning": "output",
    "audio_output": "output",
}
"""Which kind of token a narrower kind is a part of: one without a price of its own costs what that one costs."""

INPUT_KINDS: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "audio_input")
OUTPUT_KINDS: Final = ("output", "reasoning", "audio_output")
UNIT_KINDS: Final = ("call", "image", "millisecond", "character", "tool_use")


class Rates(Struct, frozen=True, kw_only=True, dict=True):
    """Pico-USD per token of each kind. None: no price of its own.

    What follows from them is worked out once: a call asks for it many times, and a price is one object for all calls.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_output: int | None = None

    def rate(self, kind: str) -> int | None:
        """The price of one token of that kind, its own or that of the kind it is a part of. None: not priced."""
        return self._every_rate[kind]

    @cached_property
    def dearest_input(self) -> int:
        """The most that one token of input can cost."""
        return max(self._every_rate[kind] or 0 for kind in INPUT_KINDS)

    @cached_property
    def dearest_output(self) -> int:
        """The most that one token of output can cost."""
        return max(self._every_rate[kind] or 0 for kind in OUTPUT_KINDS)

    @cached_property
    def _every_rate(self) -> Mapping[str, int | None]:
        return {kind: self._find_rate(kind) for kind in (*INPUT_KINDS, *OUTPUT_KINDS)}

    def _find_rate(self, kind: str) -> int | None:
        own: int | None = getattr(self, kind)
        return self._find_rate(WIDER[kind]) if own is None and kind in WIDER else own


class Tier(Struct, frozen=True, kw_only=True):
    """Other rates for a whole call whose input is longer than `above_input_tokens`."""

    above_input_tokens: int
    rates: Rates


class Price(Struct, frozen=True, kw_only=True, dict=True):
    """One version. `rates` are per token; `call`, `image`, `millisecond`, `character` and `tool_use` (a tool that the
    provider runs) are pico-USD each.

    None is not priced, 0 is free. In force from `effective_from_ns`, Unix nanoseconds, until the next version of that
    kind and name. `tiers` are ordered by their thresholds, the lowest first.
    """

    kind: PriceKind
    name: str
    effective_from_ns: int = 0
    rates: Rates = Rates()
    tiers: tuple[Tier, ...] = ()
    call: int | None = None
    image: int | None = None
    millisecond: int | None = None
    character: int | None = None
    tool_use: int | None = None

    @cached_property
    def free(self) -> bool:
        """True if nothing a call could use costs anything."""
        whole = all(rates.input == 0 and rates.output == 0 for rates in self.every_rates())
        parts = any(getattr(rates, kind) for rates in self.every_rates() for kind in WIDER)
        return whole and not parts and all(getattr(self, kind) == 0 for kind in UNIT_KINDS)

    @cached_property
    def has_rates(self) -> bool:
        """True if plain input and output have a price, however long the call."""
        return all(rates.input is not None and rates.output is not None for rates in self.every_rates())

    def every_rates(self) -> tuple[Rates, ...]:
        """The rates of short calls, then those of each tier."""
        return (self.rates, *(tier.rates for tier in self.tiers))

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of a call with so much input, cached input included."""
        chosen = self.rates
        for tier in self.tiers:
            if input_tokens > tier.above_input_tokens:
                chosen = tier.rates
        return chosen


class Line(Struct, frozen=True, kw_only=True):
    """One line of a bill: so many units of one kind. The amounts of all lines add up to the charge."""

    kind: str
    quantity: int
    price_pusd: int
    amount_nusd: int


def price_free(kind: PriceKind, name: str, effective_from_ns: int = 0) -> Price:
    """A price of nothing, which is a price: the call is served and its receipt says 0."""
    nothing = dict.fromkeys(UNIT_KINDS, 0)
    return Price(kind=kind, name=name, effective_from_ns=effective_from_ns, rates=Rates(input=0, output=0), **nothing)


def name_version(price: Price) -> str:
    """A version's name, made of all it says (SHA-256 of its JSON, in hex): equal names are equal prices."""
    return hashlib.sha256(msgspec.json.encode(price)).hexdigest()


def charge(price: Price, usage: Usage) -> int:
    """Nano-USD for what a call used. Never negative, and never fails: by now the work is done.

    What has no price costs nothing here; that such a call is refused is the bound's business.
    """
    return round_up(sum([quantity * rate for _, quantity, rate in _measure(price, usage)]))


def itemise(price: Price, usage: Usage) -> tuple[Line, ...]:
    """The charge, line by line, without lines of nothing. Each line is rounded so that the lines add up to the charge:
    it gets the difference between the rounded sums after and before it.
    """
    lines: list[Line] = []
    exact = rounded = 0
    for kind, quantity, rate in _measure(price, usage):
        exact += quantity * rate
        before, rounded = rounded, round_up(exact)
        lines.append(Line(kind=kind, quantity=quantity, price_pusd=rate, amount_nusd=rounded - before))
    return tuple(lines)


def _measure(price: Price, usage: Usage) -> Iterable[tuple[str, int, int]]:
    """What was used, of each kind that was, and the price of one."""
    rates = price.rates_for(usage.input_tokens)
    for kind, quantity in split_tokens(usage).items():
        if quantity:
            yield kind, quantity, rates.rate(kind) or 0
    for kind, quantity in count_units(usage).items():
        yield kind, quantity, getattr(price, kind) or 0


def split_tokens(usage: Usage) -> dict[str, int]:
    """The tokens of each kind, each token once: the totals of `usage` without their parts, and the parts.

    A negative count is none, and a part is cut to what is left of its whole. Where parts overlap and a provider does
    not say how, cached input comes first, then what was written to the cache, then sound.
    """
    left = max(usage.input_tokens, 0)
    read = _take(left, usage.cached_input_tokens)
    left -= read
    written = _take(left, usage.cache_write_tokens)
    left -= written
    long = _take(written, usage.cache_write_1h_tokens)
    heard = _take(left, usage.audio_input_tokens)
    made = max(usage.output_tokens, 0)
    thought = _take(made, usage.reasoning_tokens)
    said = _take(made - thought, usage.audio_output_tokens)
    return {
        "input": left - heard,
        "cache_read": read,
        "cache_write": written - long,
        "cache_write_1h": long,
        "audio_input": heard,
        "output": made - thought - said,
        "reasoning": thought,
        "audio_output": said,
    }


def _take(whole: int, part: int | None) -> int:
    return min(max(part, 0), whole) if part else 0


def count_units(usage: Usage) -> dict[str, int]:
    """What else a call used: itself, and what is not counted in tokens. Without what it did not use."""
    counts = (
        ("call", 1),
        ("image", usage.images),
        ("millisecond", usage.duration_ms),
        ("character", usage.characters),
        ("tool_use", usage.tool_uses),
    )
    return {kind: count for kind, count in counts if count is not None and count > 0}


def scale(price: Price, numerator: int, denominator: int) -> Price:
    """The price times a factor, such as 1/10. A unit price that is then not whole is rounded up to a pico-USD."""

    def scaled(amount: int | None) -> int | None:
        return None if amount is None else -(-amount * numerator // denominator)

    def scaled_rates(rates: Rates) -> Rates:
        return Rates(**{kind: scaled(getattr(rates, kind)) for kind in (*INPUT_KINDS, *OUTPUT_KINDS)})

    tiers = tuple(replace(tier, rates=scaled_rates(tier.rates)) for tier in price.tiers)
    units = {kind: scaled(getattr(price, kind)) for kind in UNIT_KINDS}
    return replace(price, rates=scaled_rates(price.rates), tiers=tiers, **units)
