"""From a model's name to its targets, purely: no clock, no network, no memory of earlier calls.

A name is looked up in this order: a model the operator declared, a model some provider offers by that very name,
``provider/name``, and last a provider that is known for names of that shape. There is no nearest match: a name that
fits nothing is refused, so nobody is served by a model they did not ask for.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from tallygate.errors import ModelNotFound, NoTarget
from tallygate.genai.catalog import ModelRecord, Offer
from tallygate.genai.plan import Excluded, Plan, Target

NAME_SHOWN_MAX = 80
"""How much of a name from a request is repeated to its sender."""


class Shelf(Struct, frozen=True):
    """One provider as the router sees it: the operations it can serve, the bare names it is known for (patterns), the
    regions it may serve a call from, whether it keeps what it is sent, and by pattern of a model's name, the first
    that fits, what alone can be asked of that model. Empty and None: nobody says.
    """

    operations: frozenset[str]
    claims: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    keeps_inputs: bool | None = None
    serves: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def list_operations(self, model: str) -> frozenset[str]:
        """What can be asked of a model; of one that nobody speaks of, all that can be asked of any."""
        said = next((asked for pattern, asked in self.serves.items() if fnmatchcase(model, pattern)), None)
        return self.operations if said is None else said & self.operations


class Catalog(Struct, frozen=True):
    """Everything that can be called now: named records, and the providers behind them.

    `offered` is what can be asked of targets whose providers say it of each.
    """

    records: Mapping[str, ModelRecord] = field(default_factory=dict[str, ModelRecord])
    shelves: Mapping[str, Shelf] = field(default_factory=dict[str, Shelf])
    offered: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict[tuple[str, str], frozenset[str]])

    def list_operations(self, target: Target) -> frozenset[str]:
        """What can be asked of a target; nothing, if its provider is not here."""
        shelf = self.shelves.get(target.provider)
        if shelf is None:
            return frozenset()
        said = self.offered.get((target.provider, target.model))
        return shelf.list_operations(target.model) if said is None else said & shelf.operations


def build_catalog(
    declared: Mapping[str, Sequence[str]], offers: Sequence[Offer], shelves: Mapping[str, Shelf]
) -> Catalog:
    """Join what the operator declared (name → ``provider/model`` targets) with what the providers offer.

    A declared name wins over an offered one; of two offers under one bare name the first wins, and both stay callable
    as ``provider/name``.
    """
    records: dict[str, ModelRecord] = {}
    offered = {f"{offer.provider}/{offer.model}": offer for offer in offers}
    for name, targets in declared.items():
        ordered = tuple(split_target(target) for target in targets)
        first = offered.get(targets[0]) if targets else None
        records[name] = ModelRecord(
            id=name,
            targets=ordered,
            owned_by=ordered[0].provider if ordered else "",
            quality=first.quality if first else "real",
            created_s=first.created_s if first else 0,
            context_tokens=first.context_tokens if first else None,
        )
    for offer in offers:
        name = offer.model if offer.bare else f"{offer.provider}/{offer.model}"
        records.setdefault(name, _record(name, offer))
    said = {(offer.provider, offer.model): offer.operations for offer in offers if offer.operations}
    catalog = Catalog(records=records, shelves=dict(shelves), offered=said)
    asked = {name: _join(catalog, record.targets) for name, record in records.items()}
    told = {name: replace(record, operations=asked[name]) for name, record in records.items()}
    return replace(catalog, records=told)


def _join(catalog: Catalog, targets: Sequence[Target]) -> frozenset[str]:
    """What can be asked of a name: what can be asked of one of its targets."""
    return frozenset[str]().union(*(catalog.list_operations(target) for target in targets))


def _record(name: str, offer: Offer) -> ModelRecord:
    return ModelRecord(
        id=name,
        targets=(Target(offer.provider, offer.model),),
        owned_by=offer.provider,
        quality=offer.quality,
        created_s=offer.created_s,
        context_tokens=offer.context_tokens,
    )


def split_target(text: str) -> Target:
    """``provider/model`` as a Target; the model may itself hold slashes."""
    provider, _, model = text.partition("/")
    return Target(provider, model)


def plan(catalog: Catalog, model: str, operation: str) -> Plan:
    """The targets for one call, in order.

    Raises: ModelNotFound if nothing bears that name, or what does can be asked for other things only; NoTarget naming
    each excluded target if none can serve.
    """
    candidates = find_candidates(catalog, model)
    if not candidates:
        raise ModelNotFound(
            f"The model {show_name(model)} does not exist here. GET /v1/models lists what does.", param="model"
        )
    targets: list[Target] = []
    excluded: list[Excluded] = []
    for target in candidates:
        if obstacle := find_obstacle(catalog, target, operation):
            excluded.append(obstacle)
        else:
            targets.append(target)
    if not targets and all(item.cause == "operation" for item in excluded):
        raise refuse_operation(show_name(model), excluded)
    if not targets:
        raise NoTarget(f"No provider can serve {show_name(model)} now. {list_reasons(excluded)}.", param="model")
    return Plan(request_model=model, operation=operation, targets=tuple(targets), excluded=tuple(excluded))


def find_obstacle(catalog: Catalog, target: Target, operation: str) -> Excluded | None:
    """Why a target cannot serve that kind of call, whoever asks; None if it can."""
    shelf = catalog.shelves.get(target.provider)
    if shelf is None:
        return Excluded(target, f"provider {target.provider} is not configured")
    if operation not in shelf.operations:
        return Excluded(target, f"provider {target.provider} does not serve {operation}", "operation")
    if operation not in catalog.list_operations(target):
        return Excluded(target, f"it does not serve {operation}", "operation")
    return None


def refuse_operation(wanted: str, excluded: Sequence[Excluded]) -> ModelNotFound:
    """The error for a call of models that can be asked for other things only, now and later."""
    return ModelNotFound(f"The model {wanted} does not serve this address. {list_reasons(excluded)}.", param="model")


def find_candidates(catalog: Catalog, model: str) -> tuple[Target, ...]:
    """The targets behind a name, in order, whether or not they can serve now. Empty if nothing bears the name."""
    record = catalog.records.get(model)
    if record is not None:
        return record.targets
    target = split_target(model)
    if target.model and target.provider in catalog.shelves:
        return (target,)
    return tuple(
        Target(provider, model)
        for provider, shelf in catalog.shelves.items()
        if any(fnmatchcase(model, pattern) for pattern in shelf.claims)
    )[:1]


def list_reasons(excluded: Sequence[Excluded]) -> str:
    """Each target that was left out, and why."""
    return "; ".join(f"{clean_name(str(item.target))}: {item.reason}" for item in excluded)


def show_name(model: str) -> str:
    """A model's name as it may stand in a message, in quotes."""
    return f"'{clean_name(model)}'"


def clean_name(model: str) -> str:
    """A model's name from a request, printable and not endless."""
    clean = "".join(char if char.isprintable() else "�" for char in model[:NAME_SHOWN_MAX])
    return f"{clean}…" if len(model) > NAME_SHOWN_MAX else clean
