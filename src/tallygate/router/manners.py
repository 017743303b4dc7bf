"""How the operator wants the targets of one name to be put in order: as they are written, by weight, by price, or by
how quick they were. A caller's own wish goes before it. Pure: the number that a draw needs comes from outside.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from tallygate.genai.plan import Target
from tallygate.router.settings import Choose, ModelSettings

WEIGHT_DEFAULT: Final = 1
"""Of a target that is not named among the weights."""


class Manner(Struct, frozen=True):
    """How one name's targets are put in order. `weights` are by ``provider/model``."""

    choose: Choose = "order"
    weights: Mapping[str, int] = field(default_factory=dict[str, int])

    def find_weight(self, target: Target) -> int:
        """How many calls of this target come first, in proportion to the others'."""
        return self.weights.get(str(target), WEIGHT_DEFAULT)


IN_ORDER: Final = Manner()


class WeightComplaint(Struct, frozen=True):
    """Why the weights of `model` cannot be as they are."""

    model: str
    sentence: str


def find_manners(models: Mapping[str, ModelSettings]) -> dict[str, Manner]:
    """The manners of the names, aliases among them, whose targets are not simply tried in order."""
    manners: dict[str, Manner] = {}
    for name, model in models.items():
        choose = model.choose or ("weight" if model.weights else "order")
        if choose != "order":
            manners |= dict.fromkeys((name, *model.aliases), Manner(choose, model.weights or {}))
    return manners


def draw_first(targets: Sequence[Target], manner: Manner, drawn: float) -> list[Target]:
    """The targets with the one in front that a number from 0 to below 1 falls on, each by its weight; the rest keep
    their order. Where none has a weight the first stays in front.
    """
    ordered = list(targets)
    weights = [manner.find_weight(target) for target in ordered]
    # Rounding may bring a number just below 1 to the whole sum.
    left = min(int(drawn * sum(weights)), sum(weights) - 1)
    for place, weight in enumerate(weights):
        if left < weight:
            return [ordered.pop(place), *ordered]
        left -= weight
    return ordered


def complain_of_weights(models: Mapping[str, ModelSettings]) -> tuple[WeightComplaint, ...]:
    """What is wrong with the weights of a configuration."""
    return tuple(WeightComplaint(name, sentence) for name, model in models.items() for sentence in _complain(model))


def _complain(model: ModelSettings) -> Iterator[str]:
    if not model.weights:
        return
    for target in model.weights:
        if target not in model.targets:
            yield f'"{target}" is not among the targets of this model'
    if model.choose not in (None, "weight"):
        yield f'mean nothing with choose = "{model.choose}"; leave one of the two out'
