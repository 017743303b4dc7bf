"""Which providers can be called, and for each of them why or why not.

Rows are found by looking through this package, so a provider is added as one file, and among the entry points of
installed packages (docs/how-to/write-a-provider-package.md). Keys are read here, from the environment and from the
files it names; no socket is opened.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Final

from msgspec import Struct, structs

from tallygate import providers
from tallygate.dialects.registry import DIALECTS
from tallygate.genai.catalog import UNKNOWN, Capabilities, Offer, overlay
from tallygate.providers.base import Found, Missing, Provider
from tallygate.providers.complaints import find_complaints
from tallygate.providers.keys import NoKey, find_key
from tallygate.providers.settings import ProviderSettings

Entry = Found | Missing

GROUP: Final = "tallygate.providers"
"""The entry points in which installed packages offer rows (packaging.python.org, Entry points specification)."""


class Providers(Struct, frozen=True):
    """Everything known about providers at one moment; replaced as a whole when more is learnt.

    `loaded` comes from keys and settings, `looked` from the last look at this machine's ports. The built-in test models
    stand among the rest if `demo`, and also while nothing else was found.
    """

    loaded: tuple[Entry, ...] = ()
    looked: tuple[Entry, ...] = ()
    demo: bool = False

    def joined(self, looked: Iterable[Entry]) -> "Providers":
        """These with what a new look showed; it replaces what an earlier one said."""
        return structs.replace(self, looked=tuple(looked))

    @property
    def found(self) -> tuple[Found, ...]:
        """Every provider that can be called, and how we know. What was configured stands before what was looked up."""
        seen = {item.provider.name: item for item in self.looked if isinstance(item, Found)}
        configured = [item for item in self.loaded if isinstance(item, Found)]
        names = {_name(item) for item in self.loaded}
        found = [
            *(seen.get(item.provider.name, item) for item in configured),
            *(item for name, item in seen.items() if name not in names),
        ]
        if self.demo or not found:
            reason = "asked for by --demo" if self.demo else "no other provider was found"
            found += (Found(row, reason, row.offers()) for row in load_rows().values() if row.serve is not None)
        return tuple(found)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Every known provider that cannot be called, and why."""
        names = {_name(item) for item in self.loaded}
        return (
            *(item for item in self.loaded if isinstance(item, Missing)),
            *(item for item in self.looked if isinstance(item, Missing) and item.name not in names),
        )

    @property
    def rows(self) -> dict[str, Provider]:
        """Every provider that can be called, by name."""
        return {item.provider.name: item.provider for item in self.found}

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Every model that is listed, in the order of their providers."""
        return tuple(offer for item in self.found for offer in item.offers)


@cache
def load_rows() -> Mapping[str, Provider]:
    """Every row by its name: those of this room in the order of the files' names, then those of installed packages."""
    return MappingProxyType({**_load_own_rows(), **_load_packages()[0]})


@cache
def _load_own_rows() -> Mapping[str, Provider]:
    names = sorted(module.name for module in pkgutil.iter_modules(providers.__path__))
    modules = (importlib.import_module(f"{providers.__name__}.{name}") for name in names)
    rows = (row for module in modules if isinstance(row := getattr(module, "ROW", None), Provider))
    return MappingProxyType({row.name: row for row in rows})


@cache
def _load_packages() -> tuple[Mapping[str, Provider], tuple[Missing, ...]]:
    """The rows of installed packages, and what is wrong with those that cannot be used: they stop nobody else."""
    rows: dict[str, Provider] = {}
    missing: list[Missing] = []
    for point in sorted(entry_points(group=GROUP)):
        row = _load_package(point, {**_load_own_rows(), **rows})
        if isinstance(row, Provider):
            rows[row.name] = row
        else:
            missing.append(Missing(point.name, point.name, row))
    return rows, tuple(missing)


def _load_package(point: EntryPoint, taken: Mapping[str, Provider]) -> Provider | str:
    """The row of one package, or why it cannot be used."""
    package = point.dist.name if point.dist else point.value
    try:
        row: object = point.load()
    except Exception as error:  # noqa: BLE001 - somebody else's code
        return f"the package {package} cannot be loaded: {type(error).__name__}: {error}"
    if not isinstance(row, Provider):
        return f"the package {package} offers no row of a provider under this name"
    if row.name in taken:
        return f'the package {package} offers a provider named "{row.name}", which is taken'
    own = ProviderSettings(base_url=row.base_url, speaks=dict(row.speaks))
    if complaints := find_complaints({row.name: own}, {}, DIALECTS):
        told = "; ".join(f"{complaint.path} {complaint.sentence}" for complaint in complaints)
        return f"the package {package} offers what cannot be called: {told}"
    return row


def load(
    settings: Mapping[str, ProviderSettings],
    environ: Mapping[str, str],
    *,
    demo: bool = False,
    own_key_prefix: str = "",
) -> Providers:
    """Which providers the settings and the environment give, without asking anyone.

    Never raises: what cannot be is missing, with the reason. A key that begins with `own_key_prefix` is one of this
    gateway's, set on this machine for its clients, and opens no provider.
    """
    rows = load_rows()
    entries = [_load_configured(name, own, environ, own_key_prefix) for name, own in settings.items()]
    entries += _load_packages()[1]
    entries += (
        _load_key(row, environ, own_key_prefix)
        for row in rows.values()
        if row.key_env and row.name not in settings
    )  # fmt: skip
    return Providers(loaded=tuple(entries), demo=demo)


def _load_configured(name: str, own: ProviderSettings, environ: Mapping[str, str], own_key_prefix: str) -> Entry:
    rows = load_rows()
    row = rows.get(name)
    title = row.title if row else name
    if complaints := find_complaints({name: own}, rows, DIALECTS):
        return Missing(name, title, "; ".join(f"{complaint.path} {complaint.sentence}" for complaint in complaints))
    provider = _override(row or Provider(name=name, title=name, base_url="", speaks={}), own)
    if own.api_key_file is not None or provider.key_env:
        found = find_key(provider.key_env, own.api_key_file, environ, own_key_prefix)
        if isinstance(found, NoKey):
            return Missing(name, title, found.reason)
        provider = structs.replace(provider, key=found.key)
    return Found(provider, "is in the settings", provider.offers())


def _override(row: Provider, own: ProviderSettings) -> Provider:
    """The row with what the settings say instead. A key without a header named for it goes as a bearer key."""
    named = own.api_key_env is not None or own.api_key_file is not None
    changes = {
        "base_url": own.base_url.rstrip("/") if own.base_url else None,
        "speaks": own.speaks or None,
        "auth": own.auth or ("bearer" if named and row.auth == "none" else None),
        "key_env": (own.api_key_env,) if own.api_key_env else () if named or own.auth == "none" else None,
        "headers": {**row.headers, **own.headers},
        "stream_usage": own.stream_usage,
        "output_cap_key": own.output_cap_key,
        "free_of_charge": own.free,
        "regions": own.regions or None,
        "keeps_inputs": own.keeps_inputs,
        "cache_hints": None if own.cache_hints is None else frozenset(own.cache_hints),
        "timeouts": own.timeouts,
        "concurrency": own.concurrency,
        "capabilities": _prefer(own.capabilities, row.capabilities) if own.capabilities else None,
    }
    return structs.replace(row, **{name: value for name, value in changes.items() if value is not None})


def _prefer(said: Mapping[str, Capabilities], known: Mapping[str, Capabilities]) -> dict[str, Capabilities]:
    """What the operator says of models by pattern, then what the row says of others, or of the same besides."""
    both = {pattern: overlay(one, known.get(pattern, UNKNOWN)) for pattern, one in said.items()}
    return {**both, **{pattern: one for pattern, one in known.items() if pattern not in both}}


def _load_key(row: Provider, environ: Mapping[str, str], own_key_prefix: str) -> Entry:
    found = find_key(row.key_env, None, environ, own_key_prefix)
    if isinstance(found, NoKey):
        return Missing(row.name, row.title, found.reason)
    return Found(structs.replace(row, key=found.key), found.reason, row.offers())


def _name(item: Entry) -> str:
    return item.provider.name if isinstance(item, Found) else item.name
