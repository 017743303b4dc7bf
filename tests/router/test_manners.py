"""Who is asked first where the operator says it, and what of weights cannot be."""

from collections import Counter

import pytest

from tallygate.genai.plan import Target
from tallygate.router.manners import Manner, complain_of_weights, draw_first, find_manners
from tallygate.router.settings import Choose, ModelSettings

A, B, C = Target("lab", "a"), Target("den", "b"), Target("inn", "c")
WEIGHTS = {"lab/a": 3, "inn/c": 0}


def test_names_and_their_aliases_have_the_manner_that_is_set() -> None:
    targets = ("lab/a", "den/b")
    models = {
        "plain": ModelSettings(targets=targets),
        "ordered": ModelSettings(targets=targets, choose="order"),
        "quick": ModelSettings(targets=targets, choose="latency", aliases=("fast",)),
        "spread": ModelSettings(targets=targets, choose="weight"),
        "weighed": ModelSettings(targets=targets, weights={"lab/a": 3}),
    }
    assert {name: manner.choose for name, manner in find_manners(models).items()} == {
        "quick": "latency",
        "fast": "latency",
        "spread": "weight",
        "weighed": "weight",
    }


def test_each_comes_first_as_often_as_its_weight_says_and_the_rest_keep_their_order() -> None:
    manner = Manner("weight", WEIGHTS)
    drawn = [tuple(draw_first((A, B, C), manner, place / 400)) for place in range(400)]
    assert Counter(drawn) == {(A, B, C): 300, (B, A, C): 100}


@pytest.mark.parametrize("number", [0.0, 0.5, 0.9999999999999999])
def test_without_a_weight_the_order_stays(number: float) -> None:
    manner = Manner("weight", {"lab/a": 0, "den/b": 0})
    assert draw_first((A, B), manner, number) == [A, B]


def test_the_last_number_falls_on_the_last_weight() -> None:
    # A product of two floats may come out as the whole sum.
    assert draw_first((A, B), Manner("weight", {"lab/a": 10**6, "den/b": 1}), 1 - 2**-53)[0] == B


@pytest.mark.parametrize(
    ("weights", "choose", "sentence"),
    [
        ({"lab/x": 1}, None, '"lab/x" is not among the targets of this model'),
        ({"lab/a": 1}, "price", 'mean nothing with choose = "price"; leave one of the two out'),
    ],
)
def test_weights_that_cannot_be(weights: dict[str, int], choose: Choose | None, sentence: str) -> None:
    models = {"m": ModelSettings(targets=("lab/a",), weights=weights, choose=choose)}
    assert [complaint.sentence for complaint in complain_of_weights(models)] == [sentence]


def test_weights_that_can_be() -> None:
    models = {
        "m": ModelSettings(targets=("lab/a",), weights={"lab/a": 0}, choose="weight"),
        "n": ModelSettings(targets=("lab/a",), choose="price"),
    }
    assert complain_of_weights(models) == ()
