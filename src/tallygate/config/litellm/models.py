"""Deployments of one name become one model: its targets, how one is chosen, what it can do and what it costs.

Deployments of one address and key become one provider, which is given a name here.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from tallygate.config.litellm.deployments import WEIGHTS, Deployment
from tallygate.config.litellm.providers import Place, Unplaceable, find_origin, stand_alone
from tallygate.config.litellm.report import Report
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.dearest import take_dearest
from tallygate.ledger.price_rows import write_row
from tallygate.ledger.prices import Price, price_free
from tallygate.providers.registry import load_rows
from tallygate.router.naming import complain_of_aliases
from tallygate.router.settings import ModelSettings

WEIGHT_MAX: Final = 1_000_000
CALLS_MAX: Final = 1_000_000


class Model(Struct, kw_only=True):
    """One name that clients call, as it will stand in the file. `unpriced`: calls are refused until it has a price."""

    name: str
    targets: list[str] = field(default_factory=list[str])
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    aliases: list[str] = field(default_factory=list[str])
    unpriced: bool = False


class Providers:
    """The names of providers, and their sections."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self.sections: dict[str, dict[str, Any]] = {}
        self._names: dict[bytes, str] = {}
        taken = {one.place.name for one in deployments if one.place.is_row}
        for one in deployments:
            if _identify(one.place) not in self._names:
                self._names[_identify(one.place)] = self._add(one.place, taken)
        for one in deployments:
            self._limit(self.name(one.place), one)

    def _add(self, place: Place, taken: set[str]) -> str:
        if place.is_row:
            return place.name
        name = _number(place, taken)
        taken.add(name)
        whole = stand_alone(place) if place.row and name != place.row else place
        self.sections[name] = dict(whole.settings)
        return name

    def _limit(self, name: str, one: Deployment) -> None:
        """Times and calls are a provider's here: the longest and the sum of what its models are given."""
        if one.timeouts:
            timeouts = self.sections.setdefault(name, {}).setdefault("timeouts", {})
            for key, milliseconds in one.timeouts.items():
                timeouts[key] = max(milliseconds, timeouts.get(key, 0))
        if one.concurrency:
            section = self.sections.setdefault(name, {})
            section["concurrency"] = min(section.get("concurrency", 0) + one.concurrency, CALLS_MAX)

    def name(self, place: Place) -> str:
        """What a place is called."""
        return self._names[_identify(place)]

    def is_free(self, place: Place) -> bool:
        """Whether nobody bills its calls."""
        said = dict(place.settings).get("free", False)
        return bool(said) or (bool(place.row) and load_rows()[place.row].free)


def _identify(place: Place) -> bytes:
    return msgspec.json.encode(place)


def _number(place: Place, taken: set[str]) -> str:
    """A name that is free. One of a known provider is only for that provider."""
    wish = place.name if place.row == place.name or place.name not in load_rows() else f"{place.name}-host"
    names = (wish, *(f"{wish}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def make_models(
    deployments: Sequence[Deployment], providers: Providers, strategy: str, report: Report
) -> dict[str, Model]:
    """The models by name, in the order of the file."""
    groups: dict[str, list[Deployment]] = {}
    for one in deployments:
        groups.setdefault(one.name, []).append(one)
    return {name: _make(name, group, providers, strategy, report) for name, group in groups.items()}


def _make(name: str, group: list[Deployment], providers: Providers, strategy: str, report: Report) -> Model:
    model = Model(name=name)
    ordered = sorted(group, key=lambda one: one.order if one.order is not None else len(group))
    targets = {one.key: f"{providers.name(one.place)}/{one.origin.model}" for one in ordered}
    model.targets = list(dict.fromkeys(targets.values()))
    model.settings |= _choose(ordered, targets, model.targets, strategy)
    price, notes = _find_price(group, providers)
    model.unpriced = price is None and notes is None
    if price is not None:
        model.settings["price"] = price
    capabilities = {key: value for one in group for key, value in one.capabilities.items()}
    if capabilities:
        model.settings["capabilities"] = capabilities
    equals = len({one.origin.model for one in group}) > 1
    for one in group:
        _tell(one, targets[one.key], model, report, note=notes or "", differs=equals)
    return model


def _tell(one: Deployment, target: str, model: Model, report: Report, *, note: str, differs: bool) -> None:
    where, text = f"{one.key}.litellm_params.model", f"as the target {target}"
    if model.unpriced:
        text += f"; it has no price here, and calls are refused until [models] {model.name} has one"
        report.change(one.line, where, text, is_loss=True)
    elif differs:
        report.change(one.line, where, f"{text}; the targets of {model.name} differ: they must be equals{note}")
    elif note:
        report.change(one.line, where, f"{text}{note}")
    else:
        report.take(one.line, where, text)


def _choose(
    group: Sequence[Deployment], named: Mapping[str, str], targets: Sequence[str], strategy: str
) -> dict[str, Any]:
    if len(targets) == 1:
        return {}
    if any(one.order is not None for one in group):
        return {"choose": "order"}
    if strategy != "weight":
        return {"choose": strategy}
    shares: dict[str, Fraction] = dict.fromkeys(targets, Fraction(0))
    kind = next((kind for kind in WEIGHTS if any(kind in one.shares for one in group)), None)
    if kind is None:
        return {"choose": "weight"}
    for one in group:
        shares[named[one.key]] += one.shares.get(kind, Fraction(0))
    return {"choose": "weight", "weights": _make_whole(shares)}


def _make_whole(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Shares as small whole numbers in the same proportion, if they are not too far apart for that."""
    common = lcm(*(share.denominator for share in shares.values()))
    whole = {target: int(share * common) for target, share in shares.items()}
    divisor = gcd(*whole.values()) or 1
    whole = {target: weight // divisor for target, weight in whole.items()}
    most = max(whole.values())
    if most <= WEIGHT_MAX:
        return whole
    return {target: max(1, weight * WEIGHT_MAX // most) if weight else 0 for target, weight in whole.items()}


def _find_price(group: Sequence[Deployment], providers: Providers) -> tuple[Any, str | None]:
    """The price to write, None if none must be; and what to say of it, None if there is no price at all."""
    prices: list[Price] = []
    must_write, notes = False, list[str]()
    for one in group:
        if one.price is not None:
            prices.append(one.price)
            must_write = True
        elif providers.is_free(one.place):
            prices.append(price_free("cost", one.name))
        elif (listed := _find_listed(one)) is not None:
            prices.append(listed)
            if providers.name(one.place) != one.place.row or one.base_model:
                must_write = True
                notes.append(f", at what {listed.name} costs by the list now")
        else:
            return None, None
    if not must_write:
        return None, ""
    if len({write_row(price).terms for price in prices}) > 1:
        notes.append("; its targets have several prices, and calls cost the dearest")
    terms: Any = msgspec.json.decode(write_row(take_dearest("sale", group[0].name, prices)).terms)
    return ("free" if is_nothing(terms) else terms), "".join(dict.fromkeys(notes))


def is_nothing(terms: object) -> bool:
    """Whether everything that terms price costs nothing."""
    if not isinstance(terms, dict):
        return terms == "free"
    return all(amount in ("0", "0.0", "0.00") for amount in terms.values())  # pyright: ignore[reportUnknownVariableType]


def _find_listed(one: Deployment) -> Price | None:
    names = [f"{one.place.row}/{one.origin.model}"] if one.place.row else []
    if one.base_model:
        names = [one.base_model, *_guess(one.base_model), *names]
    found = (load_catalogue().list_costs(name) for name in names)
    return next((costs[-1] for costs in found if costs), None)


def _guess(base_model: str) -> list[str]:
    """What a base model is called in the list: ``azure/gpt-4o`` names what its vendor calls gpt-4o."""
    try:
        origin = find_origin(base_model.rpartition("/")[2])
    except Unplaceable:
        return []
    return [f"{origin.kind.row}/{origin.model}"]


def add_alias(models: Mapping[str, Model], alias: str, name: str) -> str:
    """Give a model a further name. Why that cannot be, if so."""
    if name not in models:
        return f'there is no model "{name[:80]}" in what was carried over'
    settings = {known.name: ModelSettings(aliases=tuple(known.aliases)) for known in models.values()}
    wanted = (*models[name].aliases, alias)
    complaints = complain_of_aliases({**settings, name: ModelSettings(aliases=wanted)}, load_rows(), _is_real())
    if complaints:
        return complaints[0].sentence
    models[name].aliases.append(alias)
    return ""


def _is_real() -> Callable[[str], bool]:
    offered = {model for row in load_rows().values() if row.quality == "real" for model in row.models}
    return lambda name: name in offered or load_catalogue().has_model(name)
