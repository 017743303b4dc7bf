"""Plans by what the operator says of who comes first, and without those who may not be asked now."""

from typing import Any

import pytest

from tallygate.errors import NoTarget, NothingFits
from tallygate.genai.plan import Plan, Target
from tallygate.genai.routing import Routing
from tallygate.router.choice import Sight, choose, survey
from tallygate.router.circuits import Bar
from tallygate.router.health import Pace
from tallygate.router.manners import find_manners
from tallygate.router.plan import Shelf, build_catalog
from tallygate.router.settings import ModelSettings
from tallygate.router.wishes import Tariff

TARGETS = ("lab/m", "den/m", "inn/m")
MODELS = {
    "listed": ModelSettings(targets=TARGETS),
    "cheap": ModelSettings(targets=TARGETS, choose="price", aliases=("thrift",)),
    "quick": ModelSettings(targets=TARGETS, choose="latency"),
    "fast": ModelSettings(targets=TARGETS, choose="throughput"),
    "weighed": ModelSettings(targets=TARGETS, weights={"lab/m": 2, "den/m": 0, "inn/m": 2}),
}
CATALOG = build_catalog(
    {name: model.targets for name, model in MODELS.items()},
    (),
    dict.fromkeys(("lab", "den", "inn"), Shelf(frozenset({"chat"}))),
)
PRICES = {"lab": 3, "den": 1, "inn": 2}
PACES = {"lab": Pace(900.0, 10.0), "den": Pace(300.0, None)}
LAB, DEN, INN = (Target(name, "m") for name in ("lab", "den", "inn"))


def sight(*, drawn: float | None = None, barred: dict[Target, Bar] | None = None, unpriced: str = "") -> Sight:
    def find_tariff(_: str, target: Target) -> Tariff | None:
        return None if target.provider == unpriced else Tariff(input_pusd=PRICES[target.provider])

    return Sight(
        CATALOG,
        find_tariff,
        lambda target: PACES.get(target.provider, Pace()),
        find_bar=(barred or {}).get,
        manners=find_manners(MODELS),
        draw=None if drawn is None else lambda: drawn,
    )


def ask(model: str, looking: Sight, **wishes: Any) -> Plan:
    return choose(looking, model, "chat", Routing(**wishes))


@pytest.mark.parametrize(
    ("model", "targets"),
    [
        ("listed", (LAB, DEN, INN)),
        ("cheap", (DEN, INN, LAB)),
        ("quick", (DEN, LAB, INN)),
        ("fast", (LAB, DEN, INN)),
        ("weighed", (LAB, DEN, INN)),
    ],
)
def test_the_operator_says_who_comes_first(model: str, targets: tuple[Target, ...]) -> None:
    assert ask(model, sight()).targets == targets


def test_an_alias_goes_as_its_model() -> None:
    looking = Sight(CATALOG, sight().find_tariff, sight().find_pace, manners=find_manners(MODELS))
    assert looking.manners["thrift"] == looking.manners["cheap"]


@pytest.mark.parametrize(("drawn", "targets"), [(0.49, (LAB, DEN, INN)), (0.5, (INN, LAB, DEN))])
def test_a_draw_puts_one_in_front(drawn: float, targets: tuple[Target, ...]) -> None:
    assert ask("weighed", sight(drawn=drawn)).targets == targets


def test_a_callers_wish_goes_before() -> None:
    assert ask("cheap", sight(), sort="throughput").targets == (LAB, DEN, INN)
    assert ask("weighed", sight(drawn=0.9), sort="price").targets == (DEN, INN, LAB)
    assert ask("weighed", sight(drawn=0.9), order=("den",)).targets == (DEN, INN, LAB)


def test_a_target_without_a_price_is_left_out_where_prices_decide() -> None:
    made = ask("cheap", sight(unpriced="den"))
    assert made.targets == (INN, LAB)
    assert [(item.target, item.cause) for item in made.excluded] == [(DEN, "unpriced")]
    assert ask("listed", sight(unpriced="den")).targets == (LAB, DEN, INN)


COOLING = Bar("cooling", "it asked to be left alone for 9 s more", 9)
OPEN = Bar("circuit", "it failed with timeout and is tried again in 4 s", 4)


def test_who_may_not_be_asked_gives_its_share_to_the_others() -> None:
    made = ask("weighed", sight(drawn=0.0, barred={LAB: OPEN}))
    assert made.targets == (INN, DEN)
    assert [(item.target, item.cause, item.wait_s) for item in made.excluded] == [(LAB, "circuit", 4)]


def test_where_nobody_may_be_asked_the_call_comes_again() -> None:
    barred = {LAB: OPEN, DEN: COOLING, INN: OPEN}
    with pytest.raises(NoTarget) as refused:
        ask("listed", sight(barred=barred), models=("nobody",))
    assert refused.value.retry_after_s == 4
    assert "den/m: it asked to be left alone for 9 s more" in refused.value.message
    assert refused.value.details["affected_providers"] == ("den", "inn", "lab")
    with pytest.raises(NoTarget):
        ask("listed", sight(barred={LAB: OPEN}), only=("lab",))


def test_a_wish_that_leaves_nobody_is_no_reason_to_come_again() -> None:
    with pytest.raises(NothingFits):
        ask("listed", sight(barred={LAB: OPEN}), only=("elsewhere",))


def test_who_wants_no_fallback_gets_none_when_the_first_may_not_be_asked() -> None:
    with pytest.raises(NoTarget) as refused:
        ask("listed", sight(barred={LAB: OPEN}), allow_fallbacks=False)
    assert refused.value.retry_after_s == 4
    assert ask("listed", sight(barred={DEN: OPEN}), allow_fallbacks=False).targets == (LAB,)


def test_a_survey_tells_the_same_where_nobody_is_left() -> None:
    found = survey(sight(barred={LAB: OPEN}), "listed", "chat", Routing(only=("lab",)))
    assert (found.names, found.sold, found.targets) == (("listed",), (), ())
    assert {item.cause for item in found.excluded} == {"allowed_providers", "circuit"}
