"""Rates in the book: requests and tokens in a minute, as buckets that leak, in whole numbers alone.

What goes through fills a bucket, which empties at its rate a minute and never holds more than that: within any minutes,
whatever their number `m`, at most `(m + 1) * per_minute` go through. A request fills it when it is admitted. Tokens are
known only when a call ends: until then the most they can be is held, which leaks nowhere, and then what was used fills
the bucket and the rest was never there. Pure: no clock, no database.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import structs

from tallygate.genai.book import Hold, Rate, RateKind
from tallygate.genai.items import Bound
from tallygate.genai.rate_standing import RateStanding
from tallygate.genai.results import Refused

MICRO: Final = 1_000_000
MINUTE_NS: Final = 60 * 10**9
_LEAK_NS: Final = MINUTE_NS // MICRO
"""How long a millionth takes to leak out at a rate of one a minute."""

FILLED_MICRO_MAX: Final = 2**62
"""A bucket is not counted further than this, so that its row can be written whatever a call has used."""


def leak(rate: Rate, now_ns: int) -> Rate:
    """The bucket at `now_ns`. Time that was too short for a millionth is left for the next look.

    A clock behind the row's lets nothing leak: those of several machines differ a little. One that is more than a
    minute behind shows that the other was wrong, and is believed: else nothing would leak until it has caught up.
    """
    elapsed_ns = now_ns - rate.seen_at_ns
    if elapsed_ns <= 0:
        return rate if elapsed_ns >= -MINUTE_NS else structs.replace(rate, seen_at_ns=now_ns)
    leaked = rate.per_minute * elapsed_ns // _LEAK_NS
    if leaked >= rate.filled_micro:
        return structs.replace(rate, filled_micro=0, seen_at_ns=now_ns)
    if not leaked:
        return rate
    seen_at_ns = rate.seen_at_ns + _divide_up(leaked * _LEAK_NS, rate.per_minute)
    return structs.replace(rate, filled_micro=rate.filled_micro - leaked, seen_at_ns=seen_at_ns)


def count_tokens(bound: Bound, output_tokens: int) -> int:
    """The most tokens of a call with this output cap."""
    return bound.input_tokens_max + bound.answers * output_tokens


def find_wait_ns(rate: Rate, amount: int) -> int | None:
    """How long until so much fits into a bucket, as it stands now: 0 if it does, None if it never will.

    When other calls end nobody knows: where it depends on them, it is as long as the bucket itself leaks, and above 0.
    """
    if amount > rate.per_minute or not rate.per_minute:
        return None
    excess = rate.filled_micro + (rate.held_tokens + amount - rate.per_minute) * MICRO
    if excess <= 0:
        return 0
    return max(1, _divide_up(min(excess, rate.filled_micro) * _LEAK_NS, rate.per_minute))


def check_rates(rates: Sequence[Rate], tokens: int) -> Refused | None:
    """None if one request and so many tokens fit into every bucket; else which it is that takes longest."""
    worst: tuple[bool, int] = (False, 0)
    refused = None
    for rate in rates:
        amount = 1 if rate.kind == "requests" else tokens
        wait_ns = find_wait_ns(rate, amount)
        badness = (wait_ns is None, wait_ns or 0)
        if badness > worst:
            worst = badness
            refused = Refused(reason="rate", level=rate.level, rate=rate, wait_ns=wait_ns, amount=amount)
    return None if refused is None else structs.replace(refused, rates=tuple(rates))


def fill(rate: Rate, tokens: int) -> Rate:
    """The bucket once it has taken a call that may come to so many tokens."""
    if rate.kind == "requests":
        return structs.replace(rate, filled_micro=rate.filled_micro + MICRO)
    return structs.replace(rate, held_tokens=rate.held_tokens + tokens)


def settle_rate(rate: Rate, ended: Hold, now_ns: int) -> Rate:
    """The bucket once a call of it has ended, with the tokens that its hold says. A voided one was no request at all.

    Of its request comes back what has not leaked meanwhile: whatever has leaked has already made room for another.
    """
    rate = leak(rate, now_ns)
    if rate.kind == "requests":
        if ended.state != "voided":
            return rate
        leaked = _divide_up(rate.per_minute * max(0, now_ns - ended.opened_at_ns), _LEAK_NS)
        return structs.replace(rate, filled_micro=max(0, rate.filled_micro - max(0, MICRO - leaked)))
    used = ended.input_tokens + ended.output_tokens
    return structs.replace(
        rate,
        filled_micro=min(rate.filled_micro + used * MICRO, FILLED_MICRO_MAX),
        held_tokens=rate.held_tokens - ended.rate_tokens,
    )


def find_standings(rates: Iterable[Rate]) -> tuple[RateStanding, ...]:
    """How a caller stands: of each kind the bucket with the least room left, requests first."""
    tightest: dict[RateKind, RateStanding] = {}
    for rate in rates:
        standing = _find_standing(rate)
        known = tightest.get(rate.kind)
        if known is None or (standing.remaining, standing.limit) < (known.remaining, known.limit):
            tightest[rate.kind] = standing
    return tuple(tightest[kind] for kind in sorted(tightest))


def _find_standing(rate: Rate) -> RateStanding:
    taken = rate.filled_micro + rate.held_tokens * MICRO
    # Without a rate nothing leaks, and no moment could be named.
    reset_ns = _divide_up(taken * _LEAK_NS, rate.per_minute) if rate.per_minute else MINUTE_NS
    return RateStanding(
        kind=rate.kind,
        limit=rate.per_minute,
        remaining=max(0, rate.per_minute - _divide_up(taken, MICRO)),
        reset_ns=reset_ns,
        at_ns=rate.seen_at_ns,
    )


def _divide_up(amount: int, by: int) -> int:
    return -(-amount // by)
