"""From settings to guardrails that are ready: which kinds there are, of this room and of installed packages, and what
is wrong with what was set.

A kind is loaded when a guardrail of it is set, and what cannot be loaded or understood refuses the whole configuration:
a gateway that cannot look must not let through.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from tallygate.access.guardrails.base import API_VERSION, TextCheck
from tallygate.access.guardrails.facts import FACT_KINDS
from tallygate.access.guardrails.rules import Guard, Rule
from tallygate.access.guardrails.settings import GuardrailSettings

GROUP: Final = "tallygate.guardrails"
"""The entry points in which installed packages offer kinds (packaging.python.org, Entry points specification)."""

_ROOM: Final = __name__.rpartition(".")[0]
_TEXT_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"regex": "expressions", "pii": "personal", "secrets": "tokens"}
)
"""Kinds that look at texts, and the file of each: they bring RE2 along."""

_ANY: Final = frozenset({"kind", "on", "action", "workspaces", "keys", "models", "order"})
_TEXT: Final = _ANY | {"look_back", "replacement"}
_HEEDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "regex": _TEXT | {"deny", "allow"},
    "pii": _TEXT | {"find", "allow"},
    "secrets": _TEXT | {"find", "allow"},
    "size": _ANY | {"characters_max", "messages_max", "images_max"},
    "models": _ANY | {"allow", "deny"},
    "tools": _ANY | {"allow", "deny"},
})  # fmt: skip
_NEEDS_ONE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        kind: _HEEDS[kind] - _TEXT - ({"allow"} if kind == "regex" else set())
        for kind in ("regex", "size", "models", "tools")
    }
)
"""A guardrail of these kinds that sets none of these would do nothing."""

_DEFAULTS: Final = GuardrailSettings()


class Complaint(Struct, frozen=True):
    """One thing that cannot be as it is written. `path` names the setting: ``guardrails.names.deny``."""

    path: str
    sentence: str


class BadGuardrails(Exception):
    """The guardrails cannot be used as they are set. `complaints` has at least one entry; the text has a line each."""

    def __init__(self, complaints: list[Complaint]) -> None:
        self.complaints = complaints
        super().__init__("\n".join(f"{complaint.path}: {complaint.sentence}" for complaint in complaints))


class _Wrong(ValueError):
    """What is wrong with one setting of one guardrail."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


class Guardrails:
    """The guardrails in force. `use` puts others in their place, all or none."""

    def __init__(self, settings: Mapping[str, GuardrailSettings]) -> None:
        self._rules: tuple[Rule, ...] = ()
        self.use(settings)

    def use(self, settings: Mapping[str, GuardrailSettings]) -> None:
        """Put these in force for the calls that come from now on. Raises BadGuardrails; then nothing has changed."""
        rules, complaints = _build_all(settings)
        if complaints:
            raise BadGuardrails(complaints)
        self._rules = tuple(rules)

    def choose(self, workspace_id: str, key_id: str, models: tuple[str, ...]) -> Guard | None:
        """The guardrails of one call; None where none applies, as everywhere where none is set. `models` are the names
        that are called.
        """
        if not self._rules:
            return None
        rules = [rule for rule in self._rules if rule.applies(workspace_id, key_id, models)]
        return Guard(rules, models) if rules else None


def find_complaints(settings: Mapping[str, GuardrailSettings]) -> list[Complaint]:
    """Everything wrong with ``[guardrails.…]``."""
    return _build_all(settings)[1]


def _build_all(settings: Mapping[str, GuardrailSettings]) -> tuple[list[Rule], list[Complaint]]:
    rules: list[Rule] = []
    complaints: list[Complaint] = []
    for name, own in sorted(settings.items(), key=lambda item: (item[1].order, item[0])):
        try:
            rules.append(_build(name, own))
        except _Wrong as wrong:
            complaints.append(Complaint(f"guardrails.{name}.{wrong.field}", str(wrong)))
    return rules, complaints


def _build(name: str, own: GuardrailSettings) -> Rule:
    """One guardrail, ready. Raises _Wrong."""
    package = None if own.kind in _HEEDS else _find_package(own.kind)
    for field, sentence in _complain(own, _HEEDS.get(own.kind, _TEXT | {"options"})):
        raise _Wrong(field, sentence)
    is_text = own.kind not in FACT_KINDS
    return Rule(
        name=name,
        on=("input",) if own.kind == "models" else own.on,
        action=own.action,
        texts=_make_check(own, package) if is_text else None,
        facts=None if is_text else FACT_KINDS[own.kind](own),
        look_back=own.look_back,
        replacement=own.replacement,
        workspaces=own.workspaces,
        keys=own.keys,
        models=own.models,
    )


def _complain(own: GuardrailSettings, heeds: frozenset[str]) -> Iterator[tuple[str, str]]:
    given = {field.name for field in fields(own) if getattr(own, field.name) != getattr(_DEFAULTS, field.name)}
    for field in sorted(given - heeds):
        yield field, f'means nothing to a guardrail of kind "{own.kind}"'
    if not own.on:
        yield "on", 'is empty, so nothing is ever looked at; say "input", "output" or both'
    if own.kind in FACT_KINDS and own.action == "redact":
        yield "action", f'a guardrail of kind "{own.kind}" can block or note, and has nothing to put in the place of'
    if (needs := _NEEDS_ONE.get(own.kind)) and not given & needs:
        yield max(needs), f"is needed: without {' or '.join(sorted(needs))} this guardrail does nothing"


def _make_check(own: GuardrailSettings, package: EntryPoint | None) -> TextCheck:
    if package is not None:
        return _make_of_package(own, package)
    try:
        module = importlib.import_module(f"{_ROOM}.{_TEXT_KINDS[own.kind]}")
    except ModuleNotFoundError as error:
        raise _Wrong("kind", f"needs the package {error.name}; install tallygate[guardrails]") from None
    if unknown := sorted(set(own.find) - set(getattr(module, "SHAPES", ()))):
        raise _Wrong("find", f'there is no "{unknown[0]}" here; there is {", ".join(module.SHAPES)}')
    patterns = importlib.import_module(f"{_ROOM}.patterns")
    for field in ("deny", "allow"):
        for pattern in getattr(own, field):
            try:
                patterns.compile_pattern(pattern)
            except patterns.BadPattern as error:
                raise _Wrong(field, f"{pattern!r} is not a pattern that can be used: {error}") from None
    try:
        return module.make(own)
    except patterns.BadPattern as error:
        raise _Wrong("deny", f"the patterns cannot be used together: {error}") from None


def _find_package(kind: str) -> EntryPoint:
    """What an installed package offers under this name. Raises _Wrong."""
    offers = [point for point in entry_points(group=GROUP) if point.name == kind]
    if not offers:
        known = sorted({*_HEEDS, *(point.name for point in entry_points(group=GROUP))})
        raise _Wrong("kind", f'there is no guardrail of kind "{kind}" here; there is {", ".join(known)}')
    if len({point.value for point in offers}) > 1:
        raise _Wrong("kind", f'two installed packages offer a guardrail of kind "{kind}"; remove one of them')
    return offers[0]


def _make_of_package(own: GuardrailSettings, package: EntryPoint) -> TextCheck:
    """The check of an installed package. Whatever it does wrong is a complaint. Raises _Wrong."""
    try:
        make: Callable[[Mapping[str, str]], Any] = package.load()
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise _Wrong("kind", f"the package that offers it cannot be loaded: {_tell(error)}") from None
    try:
        check = make(own.options)
    except ValueError as error:
        raise _Wrong("options", str(error)) from None
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise _Wrong("kind", f"the package that offers it broke: {_tell(error)}") from None
    version = getattr(check, "api_version", None)
    if version != API_VERSION or not callable(getattr(check, "find", None)):
        raise _Wrong("kind", f"it was written for version {version} of guardrails; here is version {API_VERSION}")
    return check


def _tell(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
