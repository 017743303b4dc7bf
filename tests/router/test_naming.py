"""Further names of models, and what each name is told to do; and which names an alias cannot have."""

import pytest

from tallygate.genai.catalog import Capabilities, ModelRecord, Offer
from tallygate.genai.ceilings import Reach
from tallygate.genai.plan import Target
from tallygate.providers.base import CHATS, Provider
from tallygate.router.abilities import Abilities
from tallygate.router.naming import complain_of_aliases, name_models
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan
from tallygate.router.settings import ModelSettings

ROW = Provider(
    name="lab",
    title="Lab",
    base_url="http://lab",
    speaks={"openai_chat": "/v1/chat/completions"},
    claims=("lab-*",),
    capabilities={"see*": Capabilities(vision=True), "*": Capabilities(vision=False)},
)
OFFERS = (Offer("lab", "seeing"), Offer("lab", "blind"))
REACHES = {
    Target("lab", "seeing"): Reach(context_tokens=9_000, output_tokens_max=500),
    Target("lab", "blind"): Reach(context_tokens=8_000),
}


def make(models: dict[str, ModelSettings]) -> Catalog:
    shelves = {"lab": Shelf(operations=CHATS, claims=ROW.claims)}
    known = build_catalog({name: model.targets for name, model in models.items() if model.targets}, OFFERS, shelves)
    return name_models(known, models, Abilities({"lab": ROW}, OFFERS, models), lambda one: REACHES.get(one, Reach()))


def test_every_model_is_told_what_it_can_do() -> None:
    catalog = make({"both": ModelSettings(targets=("lab/blind", "lab/seeing"))})
    seeing, blind, both = (catalog.records[name] for name in ("seeing", "blind", "both"))
    assert (seeing.capabilities.vision, blind.capabilities.vision, both.capabilities.vision) == (True, False, True)
    assert [(one.context_tokens, one.output_tokens_max) for one in (seeing, blind, both)] == [
        (9_000, 500),
        (8_000, None),
        (8_000, 500),
    ]
    assert both.operations == CHATS


def test_an_alias_is_the_same_model_under_another_name() -> None:
    catalog = make({"ours": ModelSettings(targets=("lab/blind",), aliases=("claude-ours", "best"))})
    ours, alias = catalog.records["ours"], catalog.records["claude-ours"]
    assert ours.aliases == ("claude-ours", "best")
    assert (alias.alias_of, ours.alias_of) == ("ours", "")
    assert alias.targets == ours.targets
    assert plan(catalog, "claude-ours", "chat").targets == (Target("lab", "blind"),)


@pytest.mark.parametrize("name", ["seeing", "lab/seeing", "lab-7"])
def test_a_model_that_a_provider_has_can_be_given_another_name(name: str) -> None:
    catalog = make({name: ModelSettings(aliases=("claude-seen",))})
    assert plan(catalog, "claude-seen", "chat").targets == plan(catalog, name, "chat").targets
    assert catalog.records["claude-seen"].alias_of == name
    assert catalog.records["claude-seen"].operations == CHATS


def test_a_model_that_nobody_has_has_no_other_name_either() -> None:
    assert "claude-gone" not in make({"gone": ModelSettings(aliases=("claude-gone",))}).records


def test_a_model_that_is_there_keeps_its_name() -> None:
    catalog = make({"ours": ModelSettings(targets=("lab/blind",), aliases=("seeing", "claude-ours"))})
    assert catalog.records["seeing"].targets == (Target("lab", "seeing"),)
    assert catalog.records["ours"].aliases == ("claude-ours",)


def test_without_settings_nothing_is_renamed() -> None:
    records = make({}).records
    assert list(records) == ["seeing", "blind"]
    assert all(isinstance(record, ModelRecord) and not record.aliases for record in records.values())


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        ("gpt-real", "a real model"),
        ("other", "itself a model"),
        ("ours", "itself a model"),
        ("twice", 'an alias of "other" already'),
        ("lab/seeing", "at a provider"),
        ("", "cannot be a name"),
        ("a b", "cannot be a name"),
        ("a\n", "cannot be a name"),
        ("x" * 257, "cannot be a name"),
    ],
)
def test_an_alias_that_cannot_be(alias: str, reason: str) -> None:
    models = {"other": ModelSettings(aliases=("twice",)), "ours": ModelSettings(aliases=(alias,))}
    (complaint,) = complain_of_aliases(models, {"lab"}, lambda name: name == "gpt-real")
    assert complaint.model == "ours"
    assert reason in complaint.sentence


@pytest.mark.parametrize("alias", ["claude-local", "vendor/model", "qwen3:8b", "labs/seeing"])
def test_an_alias_that_can_be(alias: str) -> None:
    assert complain_of_aliases({"ours": ModelSettings(aliases=(alias,))}, {"lab"}, lambda _: False) == ()
