"""Wishes about who serves a call: every one is read as it was meant, exactly, told where it is left out, or refused."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openrouter.preferences import MODELS_MAX, NAMES_MAX, Wishes, read_wishes
from tallygate.errors import InvalidValue, UnsupportedParameter
from tallygate.genai.routing import Routing


def read(**members: Any) -> Wishes:
    return read_wishes(msgspec.json.encode({"messages": [{"role": "user", "content": "hi"}], **members}))


def prefer(**members: Any) -> Routing:
    wishes = read(model="m", provider=members)
    assert wishes.dropped == ()
    return wishes.routing


@pytest.mark.parametrize("provider", [None, {}, {"order": None, "max_price": None, "sort": None}, {"order": []}])
def test_no_wish_is_none(provider: Any) -> None:
    assert read(model="m", provider=provider) == Wishes("m", Routing())
    assert read(model="m") == Wishes("m", Routing())


@pytest.mark.parametrize(
    ("members", "model", "others"),
    [
        ({"model": "a"}, "a", ()),
        ({"model": "a", "models": ["b", "c"]}, "a", ("b", "c")),
        ({"model": "a", "models": ["a", "b", "a"]}, "a", ("b",)),
        ({"models": ["b", "c"]}, "b", ("c",)),
        ({"model": None, "models": ["b"]}, "b", ()),
        ({"models": []}, None, ()),
        ({"model": 5}, None, ()),
    ],
)
def test_names_of_models_in_their_order(members: dict[str, Any], model: str | None, others: tuple[str, ...]) -> None:
    wishes = read(**members)
    assert (wishes.model, wishes.routing.models) == (model, others)


@pytest.mark.parametrize(
    ("name", "called", "sort"),
    [
        ("a/b:nitro", "a/b", "throughput"),
        ("a/b:floor", "a/b", "price"),
        ("a/b:free", "a/b:free", None),
        ("a:online", "a:online", None),
        (":nitro", ":nitro", None),
    ],
)
def test_a_suffix_is_a_wish_or_a_part_of_the_name(name: str, called: str, sort: str | None) -> None:
    assert read(model=name) == Wishes(called, Routing(sort=sort))  # pyright: ignore[reportArgumentType]


def test_all_names_are_sorted_by_one_wish() -> None:
    assert read(models=["a:nitro", "b:nitro", "c"]) == Wishes("a", Routing(models=("b", "c"), sort="throughput"))
    assert read(models=["a:nitro", "b:floor"]).dropped == ("models.sort",)
    told = read(model="a:nitro", provider={"sort": "latency"})
    assert (told.routing.sort, told.dropped) == ("latency", ("models.sort",))


def test_providers_by_name() -> None:
    assert prefer(order=["lab", "den"], only=["Lab"], ignore=["x/y"], allow_fallbacks=False) == Routing(
        order=("lab", "den"), only=("Lab",), ignore=("x/y",), allow_fallbacks=False
    )
    assert prefer(allow_fallbacks=True, require_parameters=False) == Routing()
    assert prefer(require_parameters=True) == Routing(require_parameters=True)


@pytest.mark.parametrize(
    ("members", "private"),
    [
        ({"zdr": True}, True),
        ({"data_collection": "deny"}, True),
        ({"zdr": False, "data_collection": "deny"}, True),
        ({"zdr": False, "data_collection": "allow"}, False),
    ],
)
def test_who_keeps_nothing(members: dict[str, Any], private: bool) -> None:
    assert prefer(**members) == Routing(private=private)


@pytest.mark.parametrize(
    ("sort", "read_as", "dropped"),
    [
        ("price", "price", ()),
        ({"by": "latency"}, "latency", ()),
        ({"by": "throughput", "partition": "model"}, "throughput", ()),
        ({"by": "price", "partition": "none"}, "price", ("provider.sort.partition",)),
        ("exacto", None, ("provider.sort",)),
        ({"by": "exacto", "partition": "none"}, None, ("provider.sort", "provider.sort.partition")),
        ({}, None, ()),
    ],
)
def test_what_to_sort_by(sort: Any, read_as: str | None, dropped: tuple[str, ...]) -> None:
    wishes = read(model="m", provider={"sort": sort})
    assert (wishes.routing.sort, wishes.dropped) == (read_as, dropped)


@pytest.mark.parametrize(
    ("price", "wished"),
    [
        ({"prompt": 1, "completion": "2.5"}, Routing(input_pusd_max=1_000_000, output_pusd_max=2_500_000)),
        # The nearest binary fraction is a little more than this, and a tenth of it a little less.
        ({"prompt": 0.1, "completion": 0.3}, Routing(input_pusd_max=100_000, output_pusd_max=300_000)),
        ({"prompt": 0, "completion": "0"}, Routing(input_pusd_max=0, output_pusd_max=0)),
        ({"prompt": "0.0000019"}, Routing(input_pusd_max=1)),
        ({"prompt": 1e-7, "completion": "1e-999999999"}, Routing(input_pusd_max=0, output_pusd_max=0)),
        ({"request": "0.01", "image": 0.000000000001}, Routing(call_pusd_max=10_000_000_000, image_pusd_max=1)),
        ({"prompt": "1000000000"}, Routing(input_pusd_max=10**15)),
        ({"prompt": "0.1" + "0" * 200 + "1"}, Routing(input_pusd_max=100_000)),
        ({"prompt": None, "audio": None}, Routing()),
    ],
)
def test_a_highest_price_is_exact(price: Any, wished: Routing) -> None:
    assert prefer(max_price=price) == wished


@given(price_pusd=st.integers(0, 10**15), as_text=st.booleans())
def test_every_price_of_whole_pico_dollars_is_read_back(price_pusd: int, as_text: bool) -> None:
    text = str(Decimal(price_pusd).scaleb(-6))
    body = b'{"model":"m","provider":{"max_price":{"prompt":%b}}}'
    value = msgspec.json.encode(text) if as_text else text.lower().encode()
    assert read_wishes(body % value).routing.input_pusd_max == price_pusd


@pytest.mark.parametrize(
    ("provider", "param"),
    [
        ([], "provider"),
        ({"order": "lab"}, "provider.order"),
        ({"only": [""]}, "provider.only[0]"),
        ({"ignore": ["x" * 257]}, "provider.ignore[0]"),
        ({"order": ["x"] * (NAMES_MAX + 1)}, "provider.order"),
        ({"allow_fallbacks": 1}, "provider.allow_fallbacks"),
        ({"data_collection": "maybe"}, "provider.data_collection"),
        ({"zdr": "yes"}, "provider.zdr"),
        ({"sort": "luck"}, "provider.sort"),
        ({"sort": {"by": "luck"}}, "provider.sort.by"),
        ({"max_price": 5}, "provider.max_price"),
        ({"max_price": {"prompt": "cheap"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": -0.1}}, "provider.max_price.prompt"),
        ({"max_price": {"completion": "NaN"}}, "provider.max_price.completion"),
        ({"max_price": {"image": "Infinity"}}, "provider.max_price.image"),
        ({"max_price": {"request": "1e400"}}, "provider.max_price.request"),
    ],
)
def test_a_wish_that_says_nothing_sound_is_refused(provider: Any, param: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read(model="m", provider=provider)
    assert caught.value.param == param


@pytest.mark.parametrize("models", ["b", [1], [""], ["m"] * (MODELS_MAX + 1)])
def test_names_of_models_that_are_none(models: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        read(model="m", models=models)
    assert (caught.value.param or "").startswith("models")


@pytest.mark.parametrize("name", ["preferred_max_latency", "preferred_min_throughput"])
def test_what_only_prefers_is_left_out_and_told(name: str) -> None:
    assert read(model="m", provider={name: {"p50": 1}}).dropped == (f"provider.{name}",)
    assert read(model="m", provider={name: None}).dropped == ()


@pytest.mark.parametrize(
    ("provider", "param"),
    [
        ({"quantizations": ["fp8"]}, "provider.quantizations"),
        ({"enforce_distillable_text": True}, "provider.enforce_distillable_text"),
        ({"options": {"lab": {"a": 1}}}, "provider.options"),
        ({"never_heard_of": 1}, "provider.never_heard_of"),
        ({"max_price": {"audio": "1"}}, "provider.max_price.audio"),
    ],
)
def test_what_would_shut_somebody_out_is_refused_by_name(provider: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        read(model="m", provider=provider)
    assert caught.value.param == param


@pytest.mark.parametrize("value", [None, False, [], {}])
def test_what_shuts_nobody_out_passes(value: Any) -> None:
    assert prefer(quantizations=value, enforce_distillable_text=value, options=value) == Routing()
