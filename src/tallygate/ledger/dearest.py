"""One price from several: for each kind the dearest, so that whoever serves the call is paid for it.

What has no price in one of them has none in the whole, and a call that would need it is refused. Pure.
"""

from collections.abc import Iterable, Sequence

from tallygate.genai.price_row import PriceKind
from tallygate.ledger.prices import INPUT_KINDS, OUTPUT_KINDS, UNIT_KINDS, Price, Rates, Tier


def take_dearest(kind: PriceKind, name: str, prices: Sequence[Price]) -> Price:
    """A price that charges every usage it prices at least what each of `prices` charges. They must not be none.

    It begins with the last of them and has a tier wherever one of them has.
    """
    thresholds = sorted({tier.above_input_tokens for price in prices for tier in price.tiers})
    return Price(
        kind=kind,
        name=name,
        effective_from_ns=max(price.effective_from_ns for price in prices),
        rates=_join([price.rates for price in prices]),
        tiers=tuple(
            Tier(above_input_tokens=above, rates=_join([price.rates_for(above + 1) for price in prices]))
            for above in thresholds
        ),
        **{unit: _join_unit(unit, prices) for unit in UNIT_KINDS},
    )


def _join(all_rates: Sequence[Rates]) -> Rates:
    """Only kinds that somebody names are named: the others follow the whole they are a part of, here too."""
    named = [
        kind for kind in (*INPUT_KINDS, *OUTPUT_KINDS) if any(getattr(rates, kind) is not None for rates in all_rates)
    ]
    return Rates(**{kind: _greatest(rates.rate(kind) for rates in all_rates) for kind in named})


def _join_unit(unit: str, prices: Sequence[Price]) -> int | None:
    amounts: list[int | None] = [getattr(price, unit) for price in prices]
    if unit == "call" and any(amounts):
        # Every call is one call; who names no price for that asks nothing.
        return max(amount or 0 for amount in amounts)
    return _greatest(amounts)


def _greatest(amounts: Iterable[int | None]) -> int | None:
    given = list(amounts)
    return None if None in given else max(amount or 0 for amount in given)
