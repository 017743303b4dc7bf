"""What a caller wishes of who serves a call, held against what is known of one target: each wish is one question.

Pure. A wish is kept or the target is left out: where a wish is about where data goes or what it costs, not knowing
counts as no. How targets are ordered is `choice`'s business.
"""

from collections.abc import Iterator

from msgspec import Struct

from tallygate.genai.plan import Cause, Excluded, Target
from tallygate.genai.routing import Routing
from tallygate.router.health import Pace
from tallygate.router.plan import Shelf, clean_name

_PUSD_PER_USD = 10**12
_TOKENS_SHOWN = 10**6
_NAMES_SHOWN_MAX = 5
_MAXIMA = (
    ("input_pusd", "a million tokens of input cost", _TOKENS_SHOWN),
    ("output_pusd", "a million tokens of output cost", _TOKENS_SHOWN),
    ("call_pusd", "a call costs", 1),
    ("image_pusd", "an image costs", 1),
)


class Tariff(Struct, frozen=True, kw_only=True):
    """What a caller pays, in pico-USD: a token, a call, an image. None: that has no price, and no call may use it."""

    input_pusd: int | None = None
    output_pusd: int | None = None
    call_pusd: int | None = None
    image_pusd: int | None = None


class Facts(Struct, frozen=True):
    """What is known of one target. `tariff` None: nobody asked, or there is no price; `is_priced` says which."""

    target: Target
    shelf: Shelf
    pace: Pace = Pace()
    tariff: Tariff | None = None
    is_priced: bool = True


def judge(facts: Facts, wishes: Routing) -> Excluded | None:
    """The first wish that the target does not meet; None if it meets them all."""
    for find in (_miss_providers, _miss_region, _miss_privacy, _miss_price, _miss_latency):
        for reason, cause in find(facts, wishes):
            return Excluded(facts.target, reason, cause)
    return None


def matches(wish: str, target: Target) -> bool:
    """Whether a wish names the target: its provider, or one of the provider's models as ``provider/model``. Upper and
    lower case are the same.
    """
    wanted = wish.casefold()
    return wanted in (target.provider.casefold(), str(target).casefold())


def find_rank(target: Target, order: tuple[str, ...]) -> int:
    """The place of a target in the caller's order; behind all of it if it does not stand there."""
    return next((rank for rank, wish in enumerate(order) if matches(wish, target)), len(order))


Missed = Iterator[tuple[str, Cause]]


def _miss_providers(facts: Facts, wishes: Routing) -> Missed:
    target = facts.target
    if any(matches(wish, target) for wish in wishes.ignore):
        yield f"the caller wants nothing of {target.provider}", "allowed_providers"
    if wishes.only and not any(matches(wish, target) for wish in wishes.only):
        yield f"the caller allows only {_list_some(wishes.only)}", "allowed_providers"
    if wishes.order and not wishes.allow_fallbacks and find_rank(target, wishes.order) == len(wishes.order):
        yield f"the caller allows no one else than {_list_some(wishes.order)}", "allowed_providers"


def _miss_region(facts: Facts, wishes: Routing) -> Missed:
    if not wishes.regions:
        return
    if not facts.shelf.regions:
        yield f"nobody says where provider {facts.target.provider} is", "data_region"
    elif outside := [region for region in facts.shelf.regions if not _lies_in(region, wishes.regions)]:
        # A provider with several regions may serve from any of them.
        yield f"it may serve from {', '.join(outside)}, the caller allows {_list_some(wishes.regions)}", "data_region"


def _lies_in(region: str, fence: tuple[str, ...]) -> bool:
    """``eu-west-1`` lies in ``eu-west`` and in ``eu``. Nothing else is known of places."""
    place = region.casefold()
    return any(place == wish.casefold() or place.startswith(f"{wish.casefold()}-") for wish in fence)


def _miss_privacy(facts: Facts, wishes: Routing) -> Missed:
    if not wishes.private or facts.shelf.keeps_inputs is False:
        return
    if facts.shelf.keeps_inputs:
        yield f"provider {facts.target.provider} keeps what it is sent", "data_policy"
    else:
        yield f"nobody says that provider {facts.target.provider} keeps nothing of what it is sent", "data_policy"


def _miss_price(facts: Facts, wishes: Routing) -> Missed:
    if not facts.is_priced:
        yield "it has no price here", "unpriced"
    if facts.tariff is None:
        return
    for kind, words, count in _MAXIMA:
        most: int | None = getattr(wishes, f"{kind}_max")
        price: int | None = getattr(facts.tariff, kind)
        if most is not None and price is not None and price > most:
            yield f"{words} {_usd(price * count)} USD, the caller allows {_usd(most * count)}", "max_price"


def _miss_latency(facts: Facts, wishes: Routing) -> Missed:
    took_ms = facts.pace.first_token_ms
    if wishes.latency_ms_max is not None and took_ms is not None and took_ms > wishes.latency_ms_max:
        yield f"its first token lately took {took_ms:.0f} ms, the caller allows {wishes.latency_ms_max}", "latency"


def _list_some(names: tuple[str, ...]) -> str:
    """Names from a request as they may stand in a message, which may tell them again for each of many targets."""
    shown, left = ", ".join(map(clean_name, names[:_NAMES_SHOWN_MAX])), len(names) - _NAMES_SHOWN_MAX
    return f"{shown} and {left} more" if left > 0 else shown


def _usd(amount_pusd: int) -> str:
    whole, rest = divmod(amount_pusd, _PUSD_PER_USD)
    places = f"{rest:012}".rstrip("0")
    return f"{whole}.{places:0<2}"
