"""How much, and which names: kinds ``size``, ``models`` and ``tools``. They look at what is counted and named, and
never at a text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tallygate.access.guardrails.base import FactCheck, Facts
from tallygate.access.guardrails.settings import GuardrailSettings


class Sizes(Struct, frozen=True):
    """No more of anything than this. None: as much as there is."""

    characters_max: int | None
    messages_max: int | None
    images_max: int | None

    def permits(self, facts: Facts, /) -> bool:
        """Whether nothing is too much."""
        pairs = (
            (facts.characters, self.characters_max),
            (facts.messages, self.messages_max),
            (facts.images, self.images_max),
        )
        return all(most is None or count <= most for count, most in pairs)


class Models(Struct, frozen=True):
    """Only models whose names are allowed, and none that are denied. Of no `allow` all are allowed."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]

    def permits(self, facts: Facts, /) -> bool:
        """Whether every name that is called may be."""
        return _permit(facts.models, self.allow, self.deny)


class Tools(Struct, frozen=True):
    """The same for tools that are offered, and for those that are called."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]

    def permits(self, facts: Facts, /) -> bool:
        """Whether every tool may be."""
        return _permit(facts.tools, self.allow, self.deny)


def make_sizes(settings: GuardrailSettings) -> Sizes:
    """The check of kind ``size``."""
    return Sizes(settings.characters_max, settings.messages_max, settings.images_max)


def make_models(settings: GuardrailSettings) -> Models:
    """The check of kind ``models``."""
    return Models(settings.allow, settings.deny)


def make_tools(settings: GuardrailSettings) -> Tools:
    """The check of kind ``tools``."""
    return Tools(settings.allow, settings.deny)


FACT_KINDS: Final[Mapping[str, Callable[[GuardrailSettings], FactCheck]]] = MappingProxyType(
    {"size": make_sizes, "models": make_models, "tools": make_tools}
)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name fits one of the patterns (fnmatch)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _permit(names: Sequence[str], allow: Sequence[str], deny: Sequence[str]) -> bool:
    return all((not allow or matches(name, allow)) and not matches(name, deny) for name in names)
