"""What each target is known to be able to do: the operator says first, then its provider's row, then the engine that
was seen, then the wires it speaks. What nobody says stays unknown. No I/O; replaced as a whole when providers change.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from tallygate.dialects.spelling import BEYOND_WORDS
from tallygate.genai.catalog import UNKNOWN, Capabilities, Capability, Offer, join, overlay
from tallygate.genai.plan import Plan, Target
from tallygate.providers.base import Provider
from tallygate.router.settings import ModelSettings

_MEMO_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""

_NOTHING: Final[frozenset[Capability]] = frozenset()


class Abilities:
    """What is known of every target, and of every name that leads to it."""

    __slots__ = ("_lacking", "_memo", "_offered", "_rows", "_said")

    def __init__(
        self, rows: Mapping[str, Provider], offers: Iterable[Offer], models: Mapping[str, ModelSettings]
    ) -> None:
        self._rows = rows
        self._offered = {(offer.provider, offer.model): offer.capabilities for offer in offers}
        self._said = {
            name: model.capabilities
            for key, model in models.items()
            if model.capabilities is not None
            for name in (key, *model.aliases)
        }
        self._memo: dict[tuple[str, str], Capabilities] = {}
        self._lacking: dict[tuple[str, tuple[Target, ...]], frozenset[Capability]] = {}

    def of(self, name: str, target: Target) -> Capabilities:
        """What `target` can do for a call of `name`."""
        key = (target.provider, target.model)
        known = self._memo.get(key)
        if known is None:
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            known = self._memo[key] = self._join(*key)
        return overlay(self._said[name], known) if name in self._said else known

    def of_name(self, name: str, targets: Sequence[Target]) -> Capabilities:
        """What can be asked of `name`: what one of its targets can do."""
        return join(tuple(self.of(name, target) for target in targets))

    def of_target(self, plan: Plan, target: Target) -> Capabilities:
        """What one of a plan's targets can do, by the name it is tried under."""
        return self.of(target.sold_as or plan.request_model, target)

    def lacking(self, plan: Plan) -> frozenset[Capability]:
        """What at least one target of a plan is known not to be able to do: nothing, for most."""
        key = (plan.request_model, plan.targets)
        known = self._lacking.get(key)
        if known is None:
            if len(self._lacking) >= _MEMO_MAX:
                self._lacking.clear()
            each = (self.of_target(plan, target).lacking for target in plan.targets)
            known = self._lacking[key] = _NOTHING.union(*each)
        return known

    def _join(self, provider: str, model: str) -> Capabilities:
        row = self._rows.get(provider)
        if row is None:
            return UNKNOWN
        stated = (said for pattern, said in row.capabilities.items() if fnmatchcase(model, pattern))
        wires = join(tuple(BEYOND_WORDS.get(dialect, UNKNOWN) for dialect in row.speaks))
        return overlay(*stated, self._offered.get((provider, model), UNKNOWN), wires)
