"""What every name in the catalog can do, and the further names that the operator gave to models.

An alias is the same model under another name. It is never a name that a real model has: whoever calls a real model's
name gets that model or nothing. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tallygate.genai.catalog import ModelRecord
from tallygate.genai.ceilings import Reach
from tallygate.genai.plan import Target
from tallygate.router.abilities import Abilities
from tallygate.router.plan import Catalog, find_candidates
from tallygate.router.settings import ModelSettings

FindReach = Callable[[Target], Reach]

ALIAS_CHARACTERS_MAX: Final = 256


class AliasComplaint(Struct, frozen=True):
    """Why a name that was given to `model` cannot be."""

    model: str
    sentence: str


def name_models(
    catalog: Catalog, models: Mapping[str, ModelSettings], abilities: Abilities, find_reach: FindReach
) -> Catalog:
    """The catalog with what each model can do and how far it goes, and with aliases as records of their own.

    A model that is only given other names, and no targets, is the one that a provider has under its name. An alias
    that some model here turns out to bear itself is left out.
    """
    records = dict(catalog.records)
    given: dict[str, ModelRecord] = {}
    for name, model in models.items():
        aliases = tuple(alias for alias in model.aliases if alias not in records)
        record = records.get(name) or _find(catalog, name)
        if record is None or not aliases:
            continue
        records[name] = replace(record, aliases=aliases)
        given |= {alias: replace(record, id=alias, alias_of=name) for alias in aliases}
    told = (_tell(record, abilities, find_reach) for record in (*records.values(), *given.values()))
    return replace(catalog, records={record.id: record for record in told})


def _find(catalog: Catalog, name: str) -> ModelRecord | None:
    """A model that is not in the list and can be called all the same."""
    targets = find_candidates(catalog, name)
    if not targets:
        return None
    operations = frozenset[str]().union(*(catalog.list_operations(target) for target in targets))
    return ModelRecord(id=name, targets=targets, owned_by=targets[0].provider, operations=operations)


def _tell(record: ModelRecord, abilities: Abilities, find_reach: FindReach) -> ModelRecord:
    reaches = [find_reach(target) for target in record.targets]
    return replace(
        record,
        capabilities=abilities.of_name(record.id, record.targets),
        context_tokens=_least([reach.context_tokens for reach in reaches]),
        output_tokens_max=_least([reach.output_tokens_max for reach in reaches]),
    )


def _least(limits: Sequence[int | None]) -> int | None:
    """What every target can do, of those that say it."""
    return min((limit for limit in limits if limit is not None), default=None)


def complain_of_aliases(
    models: Mapping[str, ModelSettings], providers: Iterable[str], is_real: Callable[[str], bool]
) -> tuple[AliasComplaint, ...]:
    """What is wrong with the aliases of a configuration.

    `providers` are names of providers; `is_real` tells whether a vendor has a model of that name.
    """
    prefixes = frozenset(providers)
    seen: dict[str, str] = {}
    complaints: list[AliasComplaint] = []
    for name, model in models.items():
        for alias in model.aliases:
            if sentence := next(_complain(alias, models, seen, prefixes, is_real), ""):
                complaints.append(AliasComplaint(name, sentence))
            seen.setdefault(alias, name)
    return tuple(complaints)


def _complain(
    alias: str,
    models: Mapping[str, ModelSettings],
    seen: Mapping[str, str],
    providers: frozenset[str],
    is_real: Callable[[str], bool],
) -> Iterator[str]:
    if not alias or len(alias) > ALIAS_CHARACTERS_MAX or not alias.isprintable() or " " in alias:
        yield f'"{alias[:80]}" cannot be a name: it takes 1 to {ALIAS_CHARACTERS_MAX} visible characters, no spaces'
    if alias in models:
        yield f'"{alias}" is itself a model in these settings; an alias needs a name of its own'
    if alias in seen:
        yield f'"{alias}" is an alias of "{seen[alias]}" already'
    if alias.partition("/")[0] in providers and "/" in alias:
        yield f'"{alias}" is the name of a model at a provider; choose one without a slash'
    if is_real(alias):
        yield f'"{alias}" is the name of a real model, and whoever calls it must get that one; choose another'
