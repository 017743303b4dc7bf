"""A guardrail of kind `codenames`: finds the code names of projects, in any case, and their plural."""

import re
from collections.abc import Iterator, Mapping

from tallygate.access.guardrails.base import Finding


class Codenames:
    """Looks for names. Alternatives of plain words are searched in linear time; other patterns belong into RE2."""

    api_version = 1

    def __init__(self, names: list[str]) -> None:
        words = "|".join(map(re.escape, names))
        self._pattern = re.compile(rf"\b(?:{words})s?\b", re.IGNORECASE)

    def find(self, text: str, start: int, /) -> Iterator[Finding]:
        """Every name from `start` on."""
        for match in self._pattern.finditer(text, start):
            yield Finding(match.start(), match.end())


def make(options: Mapping[str, str], /) -> Codenames:
    """The check for ``options = { names = "nightjar, heron" }``. Raises ValueError without any name."""
    names = [name.strip() for name in options.get("names", "").split(",") if name.strip()]
    if not names:
        raise ValueError('say which names: options = { names = "nightjar, heron" }')
    return Codenames(names)
