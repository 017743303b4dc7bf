"""How far each target of a plan can go: its context window, its longest answer, and what media count as at most.

Joins what a provider's row states from the vendor's pages, what an engine on this machine said of its models, and what
the shipped list knows. What nobody states stays unknown. No I/O; replaced as a whole when the providers change.
"""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec.structs import replace

from tallygate.genai.catalog import Offer
from tallygate.genai.ceilings import Reach
from tallygate.genai.plan import Target
from tallygate.ledger.catalogue import Catalogue
from tallygate.providers.base import Provider

_MEMO_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""


class Reaches:
    """The reach of every target. Calling it with one gives its Reach."""

    __slots__ = ("_catalogue", "_memo", "_offered", "_rows")

    def __init__(self, rows: Mapping[str, Provider], offers: Iterable[Offer], catalogue: Catalogue) -> None:
        self._rows = rows
        self._offered = {(offer.provider, offer.model): offer.context_tokens for offer in offers}
        self._catalogue = catalogue
        self._memo: dict[Target, Reach] = {}

    def __call__(self, target: Target) -> Reach:
        """What is known of a target; of an unknown one, nothing."""
        known = self._memo.get(target)
        if known is None:
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            known = self._memo[target] = self._join(target)
        return known

    def of_call(self, target: Target, dialect: str) -> Reach:
        """What is known of a target for a call that came in `dialect`."""
        row, known = self._rows.get(target.provider), self(target)
        return known if row is None or dialect in row.speaks else replace(known, foreign=True)

    def told(self, target: Target) -> Reach:
        """What callers are told of a target: the figures as they are stated, without room for anybody's rounding."""
        return self._find(target, lambda listed: listed)

    def _join(self, target: Target) -> Reach:
        return self._find(target, widen)

    def _find(self, target: Target, read: Callable[[int | None], int | None]) -> Reach:
        row = self._rows.get(target.provider)
        stated = Reach() if row is None else find_reach(row, target.model)
        if stated.context_tokens is not None:
            return stated
        context_tokens = self._offered.get((target.provider, target.model))
        if context_tokens is None:
            context_tokens = read(self._catalogue.find_context(str(target)))
        return replace(stated, context_tokens=context_tokens)


def find_reach(row: Provider, model: str) -> Reach:
    """What a provider's row states of one of its models."""
    return next((reach for pattern, reach in row.reaches.items() if fnmatchcase(model, pattern)), Reach())


def widen(context_tokens: int | None) -> int | None:
    """A context window from the shipped list, with room for its rounding.

    The list says 1,000,000 where the vendor says 1,048,576 or 1,050,000, and a bound must not be below the truth.
    """
    return None if context_tokens is None else context_tokens * 21 // 20
