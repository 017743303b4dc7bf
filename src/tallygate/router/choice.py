"""The plan of a call with wishes: further names, whom the caller allows, and in which order.

Pure. Wishes narrow and order what `plan` would allow, and never widen it: nobody is served by a model whose name they
did not give. Where the caller does not say who comes first, the operator does. Prices, measurements, draws and who may
be asked now come in as functions.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tallygate.errors import (
    Fact,
    InvalidValue,
    ModelAccessDenied,
    ModelNotFound,
    NoTarget,
    NothingFits,
    TallygateError,
    Unpriced,
)
from tallygate.genai.plan import Cause, Excluded, Plan, Target
from tallygate.genai.routing import Routing
from tallygate.router.circuits import Bar
from tallygate.router.health import Pace
from tallygate.router.manners import IN_ORDER, Manner, draw_first
from tallygate.router.plan import (
    Catalog,
    clean_name,
    find_candidates,
    find_obstacle,
    list_reasons,
    refuse_operation,
    show_name,
)
from tallygate.router.wishes import Facts, Tariff, find_rank, judge

NAMES_MAX: Final = 33
"""How many models a call may name: one, and a list of others."""

WISHED: Final[frozenset[Cause]] = frozenset(
    {"allowed_providers", "max_price", "data_region", "data_policy", "latency", "require_parameters"}
)
"""Causes that are the caller's own wishes."""

PASSING: Final[frozenset[Cause]] = frozenset({"circuit", "cooling", "busy"})
"""Causes that are over in a moment."""


class Sight(Struct, frozen=True):
    """What the router may look at: what can be called, what a name's target would be charged at (None: not priced), how
    quick a target was lately, why it may not be asked now, and how the operator wants a name's targets to be put in
    order. `draw` gives a number from 0 to below 1; without it nothing is drawn.
    """

    catalog: Catalog
    find_tariff: Callable[[str, Target], Tariff | None]
    find_pace: Callable[[Target], Pace]
    find_bar: Callable[[Target], Bar | None] = lambda _: None
    manners: Mapping[str, Manner] = {}
    draw: Callable[[], float] | None = None


class Survey(Struct, frozen=True):
    """What a choice came to: the names asked for, those of them that can be served, in order, their targets, and who
    was left out.
    """

    names: tuple[str, ...]
    sold: tuple[str, ...]
    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...]


def choose(sight: Sight, model: str, operation: str, wishes: Routing, allowed: frozenset[str] | None = None) -> Plan:
    """The targets of `model`, then of each further name, as the caller wishes them. `allowed`: the names that the
    caller's key may call; None: all.

    Raises, if nothing is left: NothingFits if a wish left something out, else NoTarget, Unpriced, ModelAccessDenied or
    ModelNotFound, each with every target and why. InvalidValue if too many names were given.
    """
    found = survey(sight, model, operation, wishes, allowed)
    if not found.sold:
        raise refuse(found.names, found.excluded)
    return Plan(found.sold[0], operation, found.targets, found.excluded, found.sold[1:])


def survey(sight: Sight, model: str, operation: str, wishes: Routing, allowed: frozenset[str] | None = None) -> Survey:
    """As `choose`, also where nobody is left. Raises InvalidValue if too many names were given."""
    names = tuple(dict.fromkeys((model, *wishes.models)))
    if len(names) > NAMES_MAX:
        raise InvalidValue(f"A call may name {NAMES_MAX} models at most.", param="models")
    needs_price = len(names) > 1 or wishes.sort == "price" or _names_a_price(wishes)
    targets: list[Target] = []
    excluded: list[Excluded] = []
    sold: list[str] = []
    for name in names:
        fitting, missed = _choose_of(sight, name, operation, wishes, allowed, needs_price=needs_price)
        excluded += missed
        earlier = {(target.provider, target.model): target for target in targets}
        fresh = [target for target in fitting if (target.provider, target.model) not in earlier]
        excluded += [
            Excluded(target, "it is tried under an earlier name", "repeated")
            for target in fitting
            if (target.provider, target.model) in earlier
        ]
        if fresh:
            targets += [replace(target, sold_as=name) for target in fresh] if sold else fresh
            sold.append(name)
    return Survey(names, tuple(sold), tuple(targets), tuple(excluded))


def refuse(names: Sequence[str], excluded: Sequence[Excluded]) -> TallygateError:
    """The error for a call that nobody is left for."""
    causes = {item.cause for item in excluded}
    wanted = ", ".join(map(show_name, names))
    reasons = list_reasons(excluded)
    details: dict[str, Fact] = {
        "requested_models": tuple(map(clean_name, names)),
        "affected_providers": tuple(sorted({item.target.provider for item in excluded if item.target.provider})),
    }
    if causes & PASSING:
        # Whoever else was left out, for these it is worth to come again.
        wait_s = min(item.wait_s for item in excluded if item.cause in PASSING)
        return NoTarget(
            f"Nobody can serve {wanted} now. {reasons}.", param="model", retry_after_s=wait_s, details=details
        )
    if causes & WISHED:
        details["excluded_by"] = tuple(sorted(causes & WISHED))
        return NothingFits(f"Nobody who serves {wanted} is as this call wishes. {reasons}.", details=details)
    if "provider" in causes:
        return NoTarget(f"No provider can serve {wanted} now. {reasons}.", param="model", details=details)
    if "unpriced" in causes:
        return Unpriced(f"What a call of {wanted} costs is not known here. {reasons}.", param="model")
    if "model_access" in causes:
        return ModelAccessDenied(f"This API key may call none of {wanted}. {reasons}.", param="model")
    if "operation" in causes:
        return refuse_operation(wanted, excluded)
    return ModelNotFound(f"{wanted}: no such model is here. GET /v1/models lists what is.", param="model")


def _names_a_price(wishes: Routing) -> bool:
    most = (wishes.input_pusd_max, wishes.output_pusd_max, wishes.call_pusd_max, wishes.image_pusd_max)
    return any(price is not None for price in most)


def _choose_of(
    sight: Sight, name: str, operation: str, wishes: Routing, allowed: frozenset[str] | None, *, needs_price: bool
) -> tuple[list[Target], list[Excluded]]:
    """The targets of one name in their order, and those that were left out."""
    if allowed is not None and name not in allowed:
        return [], [Excluded(Target("", name), "this API key may not call it", "model_access")]
    candidates = find_candidates(sight.catalog, name)
    if not candidates:
        return [], [Excluded(Target("", name), "no model of this name is here", "unknown_model")]
    manner = sight.manners.get(name, IN_ORDER)
    needs_price = needs_price or (wishes.sort is None and manner.choose == "price")
    fitting: list[Facts] = []
    excluded: list[Excluded] = []
    for target in candidates:
        if obstacle := find_obstacle(sight.catalog, target, operation):
            excluded.append(obstacle)
            continue
        facts = _look_up(sight, name, target, needs_price=needs_price)
        if missed := judge(facts, wishes):
            excluded.append(missed)
        else:
            fitting.append(facts)
    if wishes.allow_fallbacks or wishes.order:
        fitting, barred = _part(sight, fitting)
        return _arrange(fitting, wishes, manner, sight.draw), [*excluded, *barred]
    ordered = _arrange(fitting, wishes, manner, sight.draw)
    if not ordered:
        return [], excluded
    first = ordered[0]
    excluded += [
        Excluded(target, f"the caller allows none but the first, {first}", "allowed_providers")
        for target in ordered[1:]
    ]
    # Who stands behind the first does not become the first because that one fails.
    bar = sight.find_bar(first)
    return ([first], excluded) if bar is None else ([], [*excluded, _exclude(first, bar)])


def _part(sight: Sight, fitting: list[Facts]) -> tuple[list[Facts], list[Excluded]]:
    """Those who may be asked now, and the others."""
    barred = [_exclude(facts.target, bar) for facts in fitting if (bar := sight.find_bar(facts.target))]
    if not barred:
        return fitting, barred
    names = {item.target for item in barred}
    return [facts for facts in fitting if facts.target not in names], barred


def _exclude(target: Target, bar: Bar) -> Excluded:
    return Excluded(target, bar.reason, bar.cause, bar.wait_s)


def _look_up(sight: Sight, name: str, target: Target, *, needs_price: bool) -> Facts:
    tariff = sight.find_tariff(name, target) if needs_price else None
    return Facts(
        target,
        sight.catalog.shelves[target.provider],
        sight.find_pace(target),
        tariff,
        is_priced=tariff is not None or not needs_price,
    )


def _arrange(fitting: list[Facts], wishes: Routing, manner: Manner, draw: Callable[[], float] | None) -> list[Target]:
    """Targets in the order they are tried: the caller's, then what it sorts by, then the operator's."""
    sort = wishes.sort or manner.choose
    if key := _KEYS.get(sort):
        fitting = sorted(fitting, key=key)
    targets = [facts.target for facts in fitting]
    if sort == "weight" and draw is not None and len(targets) > 1:
        targets = draw_first(targets, manner, draw())
    return sorted(targets, key=lambda target: find_rank(target, wishes.order)) if wishes.order else targets


def _key_of_price(facts: Facts) -> tuple[int, int]:
    """A token in and a token out, then a call."""
    tariff = facts.tariff or Tariff()
    return (tariff.input_pusd or 0) + (tariff.output_pusd or 0), tariff.call_pusd or 0


def _key_of_latency(facts: Facts) -> tuple[bool, float]:
    """Who was not measured comes behind who was."""
    took_ms = facts.pace.first_token_ms
    return took_ms is None, took_ms or 0


def _key_of_throughput(facts: Facts) -> tuple[bool, float]:
    speed = facts.pace.tokens_per_s
    return speed is None, -(speed or 0)


_KEYS: Final[dict[str, Callable[[Facts], tuple[float, float]]]] = {
    "price": _key_of_price,
    "latency": _key_of_latency,
    "throughput": _key_of_throughput,
}
