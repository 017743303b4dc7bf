"""Each wish, held against one target: who meets it, who does not, and what is said of it."""

import pytest

from tallygate.genai.plan import Cause, Target
from tallygate.genai.routing import Routing
from tallygate.router.health import Pace
from tallygate.router.plan import Shelf
from tallygate.router.wishes import Facts, Tariff, find_rank, judge, matches

TARGET = Target("lab", "qwen3")
CHAT = frozenset({"chat"})
TARIFF = Tariff(input_pusd=3_000_000, output_pusd=15_000_000, call_pusd=0)


def facts(
    *,
    regions: tuple[str, ...] = (),
    keeps_inputs: bool | None = None,
    tariff: Tariff | None = TARIFF,
    is_priced: bool = True,
    took_ms: float | None = None,
) -> Facts:
    shelf = Shelf(CHAT, regions=regions, keeps_inputs=keeps_inputs)
    return Facts(TARGET, shelf, Pace(took_ms), tariff, is_priced)


def missed(known: Facts, wishes: Routing) -> Cause | None:
    found = judge(known, wishes)
    return None if found is None else found.cause


def said(known: Facts, wishes: Routing) -> str:
    found = judge(known, wishes)
    assert found is not None
    assert found.target == TARGET
    return found.reason


@pytest.mark.parametrize("wish", ["lab", "LAB", "lab/qwen3", "Lab/Qwen3"])
def test_a_provider_is_named_whole_or_by_one_of_its_models(wish: str) -> None:
    assert matches(wish, TARGET)
    assert missed(facts(), Routing(ignore=(wish,))) == "allowed_providers"
    assert missed(facts(), Routing(only=(wish,))) is None


@pytest.mark.parametrize("wish", ["", "la", "labs", "qwen3", "lab/", "lab/qwen", "den/qwen3", "lab/qwen3/x"])
def test_nothing_else_names_it(wish: str) -> None:
    assert not matches(wish, TARGET)
    assert missed(facts(), Routing(ignore=(wish,))) is None
    assert missed(facts(), Routing(only=(wish,))) == "allowed_providers"


def test_few_of_many_names_are_told_again() -> None:
    many = tuple(f"lab{place}\n{'x' * 300}" for place in range(64))
    for wishes in (Routing(only=many), Routing(order=many, allow_fallbacks=False), Routing(regions=many)):
        reason = said(facts(regions=("us",)), wishes)
        assert len(reason) < 600
        assert "lab0\ufffdx" in reason
        assert reason.endswith(" and 59 more")
    assert said(facts(), Routing(only=("a", "b"))) == "the caller allows only a, b"


def test_a_target_has_the_best_place_that_names_it() -> None:
    assert find_rank(TARGET, ("den", "lab/qwen3", "lab")) == 1
    assert find_rank(TARGET, ("den",)) == 1
    assert find_rank(TARGET, ()) == 0


@pytest.mark.parametrize(("order", "cause"), [(("lab",), None), (("den",), "allowed_providers"), ((), None)])
def test_without_fallbacks_only_who_is_ordered_stays(order: tuple[str, ...], cause: Cause | None) -> None:
    assert missed(facts(), Routing(order=order, allow_fallbacks=False)) == cause
    assert missed(facts(), Routing(order=order)) is None


@pytest.mark.parametrize(
    ("regions", "fence", "fits"),
    [
        (("eu",), ("eu",), True),
        (("EU-West-1",), ("eu",), True),
        (("eu-west-1",), ("eu-west",), True),
        (("eu-west-1", "us-east-1"), ("eu", "us"), True),
        (("eu-west-1", "us-east-1"), ("eu",), False),
        (("europe",), ("eu",), False),
        (("eu",), ("eu-west-1",), False),
        ((), ("eu",), False),
        (("us",), (), True),
    ],
)
def test_a_region_is_kept_or_the_target_is_left_out(
    regions: tuple[str, ...], fence: tuple[str, ...], fits: bool
) -> None:
    assert missed(facts(regions=regions), Routing(regions=fence)) == (None if fits else "data_region")


@pytest.mark.parametrize(("keeps", "fits"), [(False, True), (True, False), (None, False)])
def test_privacy_wants_to_be_known(keeps: bool | None, fits: bool) -> None:
    assert missed(facts(keeps_inputs=keeps), Routing(private=True)) == (None if fits else "data_policy")
    assert missed(facts(keeps_inputs=keeps), Routing()) is None


@pytest.mark.parametrize(
    ("wishes", "fits"),
    [
        (Routing(input_pusd_max=3_000_000), True),
        (Routing(input_pusd_max=2_999_999), False),
        (Routing(output_pusd_max=15_000_000), True),
        (Routing(output_pusd_max=14_999_999), False),
        (Routing(call_pusd_max=0), True),
        (Routing(image_pusd_max=0), True),
    ],
)
def test_a_price_may_be_as_high_as_the_wish_and_no_higher(wishes: Routing, fits: bool) -> None:
    assert missed(facts(), wishes) == (None if fits else "max_price")


def test_what_has_no_price_is_left_out_for_that() -> None:
    assert missed(facts(tariff=None, is_priced=False), Routing(input_pusd_max=1)) == "unpriced"
    assert missed(facts(tariff=None), Routing()) is None


@pytest.mark.parametrize(("took_ms", "fits"), [(None, True), (500.0, True), (500.4, False), (20.0, True)])
def test_who_was_slow_is_left_out_and_who_was_not_measured_stays(took_ms: float | None, fits: bool) -> None:
    assert missed(facts(took_ms=took_ms), Routing(latency_ms_max=500)) == (None if fits else "latency")


def test_the_reasons_can_be_read() -> None:
    assert said(facts(), Routing(input_pusd_max=1_500_000)) == (
        "a million tokens of input cost 3.00 USD, the caller allows 1.50"
    )
    assert said(facts(regions=("us-east-1", "eu")), Routing(regions=("eu",))) == (
        "it may serve from us-east-1, the caller allows eu"
    )
    assert said(facts(took_ms=812.4), Routing(latency_ms_max=500)) == (
        "its first token lately took 812 ms, the caller allows 500"
    )
    assert said(facts(tariff=Tariff(call_pusd=10**9)), Routing(call_pusd_max=1)) == (
        "a call costs 0.001 USD, the caller allows 0.000000000001"
    )
