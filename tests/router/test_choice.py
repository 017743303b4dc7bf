"""Plans of calls with wishes. Laws: nobody is in a plan who does not meet every wish, everybody else has a reason, the
order is the caller's, and no wish at all changes nothing.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import (
    InvalidValue,
    ModelAccessDenied,
    ModelNotFound,
    NoTarget,
    NothingFits,
    TallygateError,
    Unpriced,
)
from tallygate.genai.catalog import Offer
from tallygate.genai.plan import Plan, Target
from tallygate.genai.routing import Routing
from tallygate.router.choice import NAMES_MAX, WISHED, Sight, choose
from tallygate.router.health import Pace
from tallygate.router.plan import Shelf, build_catalog, find_candidates, plan
from tallygate.router.wishes import Facts, Tariff, find_rank, judge

CHAT = frozenset({"chat"})
SHELVES = {
    "lab": Shelf(CHAT, regions=("eu-west-1",), keeps_inputs=False),
    "den": Shelf(CHAT, regions=("eu-west-1", "us-east-1"), keeps_inputs=True),
    "far": Shelf(CHAT),
    "ears": Shelf(frozenset({"transcribe"})),
}
CATALOG = build_catalog(
    {
        "big": ["lab/big", "den/big", "far/big"],
        "small": ["den/small", "lab/small", "ears/small"],
        "twin": ["lab/big", "far/twin"],
        "gone": ["away/gone"],
        "dear": ["lab/dear"],
    },
    [Offer(provider="lab", model="offered")],
    SHELVES,
)
PRICES = {"lab": 3, "den": 1, "far": 2}
PACES = {"lab": Pace(900.0, 10.0), "den": Pace(300.0, None)}
NAMES = ["big", "small", "twin", "gone", "dear", "offered", "nobody", "far/any"]


def find_tariff(name: str, target: Target) -> Tariff | None:
    price = PRICES[target.provider] * 1_000_000
    return None if name == "dear" else Tariff(input_pusd=price, output_pusd=2 * price)


SIGHT = Sight(CATALOG, find_tariff, lambda target: PACES.get(target.provider, Pace()))


def ask(model: str, allowed: frozenset[str] | None = None, **wishes: Any) -> Plan:
    return choose(SIGHT, model, "chat", Routing(**wishes), allowed)


def show(made: Plan) -> list[str]:
    return [f"{target.sold_as or made.request_model}: {target}" for target in made.targets]


def refuse(model: str, allowed: frozenset[str] | None = None, **wishes: Any) -> TallygateError:
    with pytest.raises(TallygateError) as raised:
        ask(model, allowed, **wishes)
    return raised.value


def test_further_names_come_after_the_one_that_is_called() -> None:
    made = ask("big", models=("small",))
    assert show(made) == ["big: lab/big", "big: den/big", "big: far/big", "small: den/small", "small: lab/small"]
    assert (made.request_model, made.others) == ("big", ("small",))
    assert [str(item.target) for item in made.excluded] == ["ears/small"]


def test_an_unknown_name_is_left_out_and_the_others_go_on() -> None:
    made = ask("nobody", models=("small", "none-such", "big"))
    assert (made.request_model, made.others) == ("small", ("big",))
    assert [target.sold_as for target in made.targets] == ["", "", "big", "big", "big"]
    assert [(str(item.target), item.cause) for item in made.excluded if not item.target.provider] == [
        ("nobody", "unknown_model"),
        ("none-such", "unknown_model"),
    ]


def test_a_target_is_tried_once_under_the_first_name_that_leads_to_it() -> None:
    made = ask("big", models=("twin", "big"))
    assert show(made) == ["big: lab/big", "big: den/big", "big: far/big", "twin: far/twin"]
    assert [(str(item.target), item.cause) for item in made.excluded] == [("lab/big", "repeated")]


def test_the_order_holds_under_each_name() -> None:
    made = ask("big", models=("small",), order=("far", "lab"))
    assert show(made) == ["big: far/big", "big: lab/big", "big: den/big", "small: lab/small", "small: den/small"]


def test_without_fallbacks_nobody_else_is_asked() -> None:
    assert show(ask("big", order=("far", "lab"), allow_fallbacks=False)) == ["big: far/big", "big: lab/big"]
    made = ask("big", models=("small",), allow_fallbacks=False)
    assert show(made) == ["big: lab/big", "small: den/small"]
    assert {item.cause for item in made.excluded} == {"allowed_providers", "operation"}


@pytest.mark.parametrize(
    ("sort", "providers"),
    [("price", ["den", "far", "lab"]), ("latency", ["den", "lab", "far"]), ("throughput", ["lab", "den", "far"])],
)
def test_the_best_comes_first_and_who_was_not_measured_last(sort: str, providers: list[str]) -> None:
    assert [target.provider for target in ask("big", sort=sort).targets] == providers


def test_the_callers_order_goes_before_what_it_sorts_by() -> None:
    assert [target.provider for target in ask("big", sort="price", order=("lab",)).targets] == ["lab", "den", "far"]


@pytest.mark.parametrize(
    ("wishes", "causes", "providers"),
    [
        ({"only": ("elsewhere",)}, ("allowed_providers",), ("den", "far", "lab")),
        ({"input_pusd_max": 1}, ("max_price",), ("den", "far", "lab")),
        ({"regions": ("ap",)}, ("data_region",), ("den", "far", "lab")),
        ({"private": True, "ignore": ("lab",)}, ("allowed_providers", "data_policy"), ("den", "far", "lab")),
    ],
)
def test_wishes_that_nobody_meets_are_named(
    wishes: dict[str, Any], causes: tuple[str, ...], providers: tuple[str, ...]
) -> None:
    error = refuse("big", **wishes)
    assert isinstance(error, NothingFits)
    assert error.details == {"excluded_by": causes, "requested_models": ("big",), "affected_providers": providers}
    for target in ("lab/big", "den/big", "far/big"):
        assert f"{target}: " in error.message


def test_what_is_not_a_wish_is_refused_as_without_wishes() -> None:
    assert isinstance(refuse("nobody", models=("none-such",)), ModelNotFound)
    assert isinstance(refuse("gone"), NoTarget)
    assert isinstance(refuse("dear", models=("nobody",)), Unpriced)
    assert isinstance(refuse("nobody", models=("gone",)), NoTarget)


def test_a_key_may_be_for_other_names_only() -> None:
    made = ask("big", frozenset({"small"}), models=("small",))
    assert (made.request_model, made.others) == ("small", ())
    assert [(str(item.target), item.cause) for item in made.excluded][:1] == [("big", "model_access")]
    assert isinstance(refuse("big", frozenset({"dear"}), models=("small",)), ModelAccessDenied)


def test_too_many_names_are_refused() -> None:
    names = tuple(f"m{number}" for number in range(NAMES_MAX))
    error = refuse("big", models=names)
    assert (type(error), error.param) == (InvalidValue, "models")
    assert show(ask("big", models=names[1:]))


WISHES = st.builds(
    Routing,
    models=st.lists(st.sampled_from(NAMES), max_size=4).map(tuple),
    order=st.lists(st.sampled_from(["lab", "den", "far", "den/small", "x"]), max_size=3).map(tuple),
    only=st.lists(st.sampled_from(["lab", "DEN", "far", "lab/big"]), max_size=2).map(tuple),
    ignore=st.lists(st.sampled_from(["lab", "den", "far/big"]), max_size=1).map(tuple),
    allow_fallbacks=st.booleans(),
    sort=st.sampled_from([None, "price", "latency", "throughput"]),
    input_pusd_max=st.none() | st.integers(0, 4_000_000),
    output_pusd_max=st.none() | st.integers(0, 8_000_000),
    regions=st.lists(st.sampled_from(["eu", "us", "ap"]), max_size=2).map(tuple),
    private=st.booleans(),
    latency_ms_max=st.none() | st.integers(0, 1_000),
)
ALLOWED = st.none() | st.frozensets(st.sampled_from(NAMES))


@given(model=st.sampled_from(NAMES), wishes=WISHES, allowed=ALLOWED)
def test_who_is_planned_meets_every_wish_and_everybody_else_has_a_reason(
    model: str, wishes: Routing, allowed: frozenset[str] | None
) -> None:
    names = tuple(dict.fromkeys((model, *wishes.models)))
    try:
        made = choose(SIGHT, model, "chat", wishes, allowed)
    except NothingFits as error:
        check_refusal(error, names)
        return
    except (ModelNotFound, ModelAccessDenied, NoTarget, Unpriced):
        return
    sold = {name: [t for t in made.targets if (t.sold_as or made.request_model) == name] for name in names}
    assert sum(map(len, sold.values())) == len(made.targets)
    assert (made.request_model, *made.others) == tuple(name for name in names if sold[name])
    for name in names:
        known = {str(target) for target in find_candidates(CATALOG, name)}
        for target in sold[name]:
            assert str(target) in known, "a model that was not asked for"
            assert allowed is None or name in allowed
            tariff = find_tariff(name, target)
            assert judge(Facts(target, SHELVES[target.provider], SIGHT.find_pace(target), tariff), wishes) is None
        ranks = [find_rank(target, wishes.order) for target in sold[name]]
        assert ranks == sorted(ranks)
        reasons = {str(item.target) for item in made.excluded}
        whole = {str(item.target) for item in made.excluded if not item.target.provider}
        assert name in whole or (known and known <= {str(target) for target in sold[name]} | reasons)
    assert all(item.reason for item in made.excluded)
    places = [(target.provider, target.model) for target in made.targets]
    assert len(places) == len(set(places))


def check_refusal(error: NothingFits, names: tuple[str, ...]) -> None:
    """It says which wishes left somebody out, and of each target why."""
    causes = error.details["excluded_by"]
    assert isinstance(causes, tuple)
    assert causes
    assert WISHED.issuperset(causes)
    for name in names:
        known = find_candidates(CATALOG, name)
        assert f"{name}: " in error.message or (known and all(f"{target}: " in error.message for target in known))


@given(model=st.sampled_from([*NAMES, "gone", "none-such"]))
def test_no_wish_at_all_changes_nothing(model: str) -> None:
    def look(make: Any) -> Any:
        try:
            return make()
        except TallygateError as error:
            return type(error)

    assert look(lambda: choose(SIGHT, model, "chat", Routing())) == look(lambda: plan(CATALOG, model, "chat"))
