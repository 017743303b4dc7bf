"""Models that are for one thing only: known by their names or from their engine, never asked for another thing."""

import pytest

from tallygate.errors import ModelNotFound, NoTarget, NothingFits
from tallygate.genai.catalog import Offer
from tallygate.genai.plan import Target
from tallygate.pipeline.supply import list_operations
from tallygate.providers.registry import load_rows
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan

CHATS, EMBEDS = frozenset({"chat", "count"}), frozenset({"embed"})
BOTH = Shelf(operations=CHATS | EMBEDS, claims=("c-*", "e-*"), serves={"*embed*": EMBEDS, "c-*": CHATS})


def catalog(**declared: list[str]) -> Catalog:
    offers = [
        Offer("lab", "embed-1"),
        Offer("lab", "plain"),
        Offer("lab", "told", operations=EMBEDS),
        Offer("lab", "told-embed", operations=CHATS),
        Offer("talker", "embed-only-in-name"),
    ]
    return build_catalog(declared, offers, {"lab": BOTH, "talker": Shelf(operations=CHATS)})


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("embed-1", EMBEDS),
        ("plain", CHATS | EMBEDS),
        ("told", EMBEDS),
        ("told-embed", CHATS),
        ("embed-only-in-name", CHATS),
        ("both", CHATS | EMBEDS),
        ("gone", frozenset()),
    ],
)
def test_a_record_tells_what_can_be_asked_of_it(name: str, operations: frozenset[str]) -> None:
    made = catalog(both=["lab/embed-1", "talker/embed-only-in-name"], gone=["nowhere/x"])
    assert made.records[name].operations == operations


@pytest.mark.parametrize("name", ["embed-1", "lab/embed-1", "lab/my-embedder", "told", "e-embed"])
def test_what_embeds_alone_serves_no_chat(name: str) -> None:
    assert plan(catalog(), name, "embed").targets
    for operation in ("chat", "count"):
        with pytest.raises(ModelNotFound, match=f"does not serve {operation}"):
            plan(catalog(), name, operation)


@pytest.mark.parametrize("name", ["c-1", "lab/c-1", "told-embed", "talker/anything", "embed-only-in-name"])
def test_what_chats_alone_does_not_embed(name: str) -> None:
    assert plan(catalog(), name, "chat").targets
    with pytest.raises(ModelNotFound, match="does not serve embed"):
        plan(catalog(), name, "embed")


def test_of_several_targets_those_are_asked_that_serve_it() -> None:
    made = plan(catalog(both=["lab/c-1", "lab/embed-1"]), "both", "embed")
    assert made.targets == (Target("lab", "embed-1"),)
    assert [(item.target.model, item.cause) for item in made.excluded] == [("c-1", "operation")]


def test_where_another_target_may_come_back_the_call_may_be_tried_again() -> None:
    with pytest.raises(NoTarget) as raised:
        plan(catalog(both=["lab/c-1", "gone/embed-1"]), "both", "embed")
    assert not isinstance(raised.value, NothingFits)


@pytest.mark.parametrize(
    ("provider", "model", "operation", "serves"),
    [
        ("openai", "text-embedding-3-small", "embed", True),
        ("openai", "text-embedding-3-small", "chat", False),
        ("openai", "gpt-4.1-mini", "embed", False),
        ("openai", "ft:of-whom-nobody-knows", "embed", True),
        ("gemini", "gemini-embedding-001", "chat", False),
        ("gemini", "gemini-3.5-flash", "embed", False),
        ("openrouter", "qwen/qwen3-embedding-8b", "chat", False),
        ("openrouter", "baai/bge-m3", "embed", True),
        ("ollama", "nomic-embed-text:latest", "chat", False),
        ("ollama", "llama3.2", "embed", True),
        ("mock", "embed", "chat", False),
        ("mock", "echo", "embed", False),
        ("mock", "fail-500", "embed", True),
        ("anthropic", "claude-sonnet-5-5", "embed", False),
    ],
)
def test_what_our_own_providers_models_are_for(provider: str, model: str, operation: str, serves: bool) -> None:
    row = load_rows()[provider]
    shelf = Shelf(operations=list_operations(row), serves=row.serves)
    assert (operation in shelf.list_operations(model)) == serves
