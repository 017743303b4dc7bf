"""The router's plan: exact names only, operators before offers, reasons for what was left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import ModelNotFound, NoTarget
from tallygate.genai.catalog import Offer
from tallygate.genai.plan import Target
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan, split_target

CHAT = Shelf(operations=frozenset({"chat"}))
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


def catalog(**declared: list[str]) -> Catalog:
    offers = [
        Offer(provider="lab", model="llama3:8b", context_tokens=8192),
        Offer(provider="den", model="llama3:8b"),
        Offer(provider="mock", model="echo", quality="test", bare=False),
    ]
    shelves = {
        "lab": CHAT,
        "den": CHAT,
        "mock": CHAT,
        "big": Shelf(operations=frozenset({"chat"}), claims=("gpt-*",)),
        "ears": Shelf(operations=frozenset({"transcribe"})),
    }
    return build_catalog(declared, offers, shelves)


def test_a_declared_name_wins_and_keeps_its_order() -> None:
    made = plan(catalog(**{"llama3:8b": ["den/llama3:8b", "lab/llama3:8b"]}), "llama3:8b", "chat")
    assert made.targets == (Target("den", "llama3:8b"), Target("lab", "llama3:8b"))


def test_an_offered_name_is_served_by_the_first_that_offers_it() -> None:
    assert plan(catalog(), "llama3:8b", "chat").targets == (Target("lab", "llama3:8b"),)


def test_both_offers_stay_callable_by_provider() -> None:
    assert plan(catalog(), "den/llama3:8b", "chat").targets == (Target("den", "llama3:8b"),)


def test_a_test_model_is_never_callable_by_its_bare_name() -> None:
    assert plan(catalog(), "mock/echo", "chat").targets == (Target("mock", "echo"),)
    with pytest.raises(ModelNotFound):
        plan(catalog(), "echo", "chat")


def test_a_claimed_name_goes_to_the_provider_known_for_it() -> None:
    assert plan(catalog(), "gpt-4o", "chat").targets == (Target("big", "gpt-4o"),)


@pytest.mark.parametrize(
    "name", ["", " gpt-4o", "GPT-4O", "Llama3:8b", "../x", "llama3:8b ", "nobody/llama3:8b", "lab/"]
)
def test_there_is_no_nearest_match(name: str) -> None:
    with pytest.raises(ModelNotFound):
        plan(catalog(), name, "chat")


def test_the_reason_for_each_excluded_target_is_given() -> None:
    with pytest.raises(NoTarget) as raised:
        plan(catalog(whisper=["ears/whisper", "gone/whisper"]), "whisper", "chat")
    assert "ears/whisper: provider ears does not serve chat" in raised.value.message
    assert "gone/whisper: provider gone is not configured" in raised.value.message


def test_an_excluded_target_does_not_hide_the_others() -> None:
    made = plan(catalog(both=["gone/x", "lab/x"]), "both", "chat")
    assert made.targets == (Target("lab", "x"),)
    assert [str(item.target) for item in made.excluded] == ["gone/x"]


@given(provider=NAMES, model=st.lists(NAMES, min_size=1, max_size=3).map("/".join))
def test_a_target_is_split_at_its_first_slash(provider: str, model: str) -> None:
    assert split_target(f"{provider}/{model}") == Target(provider, model)


@given(names=st.lists(NAMES, unique=True, max_size=6), asked=NAMES)
def test_only_a_name_that_exists_is_ever_planned(names: list[str], asked: str) -> None:
    made = build_catalog({}, [Offer(provider="lab", model=name) for name in names], {"lab": CHAT})
    if asked in names:
        assert plan(made, asked, "chat").targets == (Target("lab", asked),)
    else:
        with pytest.raises(ModelNotFound):
            plan(made, asked, "chat")
