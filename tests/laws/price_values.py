"""Prices and usages drawn by Hypothesis, hostile ones too, for the laws of the ledger."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tallygate.genai.usage import Usage
from tallygate.ledger.prices import INPUT_KINDS, OUTPUT_KINDS, UNIT_KINDS, Price, Rates, Tier

TOKENS = st.integers(0, 3_000_000)
UNIT_PRICES = st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 10**9), st.integers(0, 10**12))
FEW = st.integers(0, 50)
ANY_COUNTS = st.none() | st.integers(-(2**40), 2**40)


def rates(wholes: st.SearchStrategy[int] = UNIT_PRICES) -> st.SearchStrategy[Rates]:
    """Rates for both whole kinds and some of their parts."""
    parts: dict[str, Any] = dict.fromkeys((*INPUT_KINDS, *OUTPUT_KINDS), st.none() | UNIT_PRICES)
    return st.builds(Rates, **{**parts, "input": wholes, "output": wholes})


def _tiers(thresholds: Sequence[int]) -> st.SearchStrategy[tuple[Tier, ...]]:
    return st.tuples(*(st.builds(Tier, above_input_tokens=st.just(at), rates=rates()) for at in sorted(thresholds)))


TIERS = st.lists(st.integers(0, 2_000_000), max_size=3, unique=True).flatmap(_tiers)
_UNITS: dict[str, Any] = dict.fromkeys(UNIT_KINDS, UNIT_PRICES)
PRICES = st.builds(Price, kind=st.just("sale"), name=st.just("m"), rates=rates(), tiers=TIERS, **_UNITS)
"""Every kind of unit has a price; parts of a whole may be dearer or cheaper than it."""

USAGES = st.builds(
    Usage,
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    cached_input_tokens=ANY_COUNTS,
    cache_write_tokens=ANY_COUNTS,
    cache_write_1h_tokens=ANY_COUNTS,
    audio_input_tokens=ANY_COUNTS,
    audio_output_tokens=ANY_COUNTS,
    reasoning_tokens=ANY_COUNTS,
    images=st.none() | FEW,
    duration_ms=st.none() | TOKENS,
    characters=st.none() | TOKENS,
    tool_uses=st.none() | FEW,
)
"""Totals are sound, as a reader's are; the parts may be anything."""
