"""Each engine is recognised by what it answers, by its own row and by no other."""

import pytest
from msgspec import json

from tallygate.genai.catalog import UNKNOWN, Capabilities, Offer
from tallygate.providers import llamacpp, lmstudio, ollama, vllm
from tallygate.providers.base import CHATS, EMBEDS, Engine, Provider, Seen, Sighting
from tests.providers.engines import (
    GATEWAY,
    LLAMACPP,
    LMSTUDIO,
    OLLAMA,
    STRANGER,
    VLLM,
    Pages,
    listing,
    look,
    page,
)

ROWS = {module.ROW.name: module.ROW for module in (ollama, llamacpp, vllm, lmstudio)}
ENGINES: dict[str, Pages] = {"ollama": OLLAMA, "llamacpp": LLAMACPP, "vllm": VLLM, "lmstudio": LMSTUDIO}


def engine_of(row: Provider) -> Engine:
    assert row.engine is not None
    return row.engine


def recognise(name: str, pages: Pages) -> Sighting | None:
    engine = engine_of(ROWS[name])
    return engine.recognise(look(pages, engine.paths))


@pytest.mark.parametrize(
    ("name", "offers"),
    [
        (
            "ollama",
            (
                Offer("ollama", "gemma3:latest", created_s=1759559643),
                Offer("ollama", "nomic-embed-text:latest", created_s=1756713600),
            ),
        ),
        (
            "llamacpp",
            (Offer("llamacpp", "qwen3", context_tokens=131072, capabilities=Capabilities(vision=True, audio=False)),),
        ),
        ("vllm", (Offer("vllm", "Qwen/Qwen3-8B", context_tokens=40960),)),
        (
            "lmstudio",
            (
                Offer(
                    "lmstudio",
                    "qwen2-vl-7b-instruct",
                    context_tokens=32768,
                    capabilities=Capabilities(vision=True, tools=True),
                    operations=CHATS,
                ),
                Offer("lmstudio", "text-embedding-nomic-embed-text-v1.5", context_tokens=2048, operations=EMBEDS),
            ),
        ),
    ],
)
def test_its_models_are_offered_as_it_names_them(name: str, offers: tuple[Offer, ...]) -> None:
    assert recognise(name, ENGINES[name]) == Sighting(offers)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_passes_for_another(row: str, engine: str) -> None:
    assert (recognise(row, ENGINES[engine]) is not None) == (row == engine)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("pages", [GATEWAY, STRANGER, {}], ids=["gateway", "stranger", "empty"])
def test_something_else_on_the_port_is_no_engine(row: str, pages: Pages) -> None:
    assert recognise(row, pages) is None


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"data": {}}', b'{"data": [1]}', b'{"data": [{"id": 3}]}', b"[" * 100_000, b"\xff"],
    ids=lambda body: repr(body[:20]),
)
def test_an_answer_that_makes_no_sense_is_no_engine(row: str, body: bytes) -> None:
    engine = engine_of(ROWS[row])
    assert engine.recognise(tuple(Seen(200, {}, body) for _ in engine.paths)) is None


def test_an_ollama_without_models_is_one() -> None:
    for models in ([], None):
        pages = OLLAMA | {"/api/tags": page({"models": models})}
        assert recognise("ollama", pages) == Sighting()


def test_an_imitation_of_ollama_s_list_is_not_enough() -> None:
    assert recognise("ollama", OLLAMA | {"/": page("Not quite")}) is None


def test_a_llamacpp_that_is_loading_is_told_apart_from_a_stranger() -> None:
    error = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
    assert recognise("llamacpp", {"/v1/models": page(error, 503, server="llama.cpp")}) == Sighting(
        note="is still loading its model"
    )
    assert recognise("llamacpp", {"/v1/models": page(error, 503)}) is None


@pytest.mark.parametrize(
    ("meta", "context_tokens"),
    [({"n_ctx": 4096, "n_ctx_train": 131072}, 4096), ({}, None), (None, None), ({"n_ctx_train": "many"}, None)],
)
def test_llamacpp_s_window_is_the_one_it_was_started_with(meta: object, context_tokens: int | None) -> None:
    pages = {"/v1/models": page(listing({"id": "m", "owned_by": "llamacpp", "meta": meta}))}
    assert recognise("llamacpp", pages) == Sighting((Offer("llamacpp", "m", context_tokens=context_tokens),))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b'{"modalities": 1}', b'{"role": "router"}', b'{"modalities": {"vision": "yes"}}', b"[" * 100_000],
    ids=lambda body: repr(body[:20]),
)
def test_a_llamacpp_that_does_not_say_what_it_has_is_one_all_the_same(body: bytes) -> None:
    sighting = recognise("llamacpp", LLAMACPP | {"/props": Seen(200, {}, body)})
    assert sighting == Sighting((Offer("llamacpp", "qwen3", context_tokens=131072),))


def test_of_several_llamacpp_models_none_has_what_the_server_says_of_itself() -> None:
    two = page(listing({"id": "a", "owned_by": "llamacpp"}, {"id": "b", "owned_by": "llamacpp"}))
    sighting = recognise("llamacpp", LLAMACPP | {"/v1/models": two})
    assert sighting == Sighting((Offer("llamacpp", "a"), Offer("llamacpp", "b")))


@pytest.mark.parametrize(
    ("said", "capabilities", "operations"),
    [
        (["completion"], Capabilities(vision=False, tools=False, reasoning=False), CHATS),
        (
            ["completion", "tools", "thinking", "vision", "audio", "insert"],
            Capabilities(vision=True, audio=True, tools=True, reasoning=True),
            CHATS,
        ),
        (["embedding"], UNKNOWN, EMBEDS),
        (["image"], UNKNOWN, frozenset()),
        ([], UNKNOWN, frozenset()),
    ],
)
def test_ollama_says_of_each_model_what_it_can_do(
    said: list[str], capabilities: Capabilities, operations: frozenset[str]
) -> None:
    offer = Offer("ollama", "m")
    assert json.decode(ollama.ask(offer)) == {"model": "m"}
    learnt = ollama.learn(offer, page({"capabilities": said}))
    assert learnt == Offer("ollama", "m", capabilities=capabilities, operations=operations)


@pytest.mark.parametrize("seen", [page({}, 404), page("?"), page([]), page({"capabilities": ["completion"]}, 500)])
def test_an_ollama_that_says_nothing_of_a_model_leaves_it_as_it_was(seen: Seen) -> None:
    assert ollama.learn(Offer("ollama", "m"), seen) == Offer("ollama", "m")


def test_an_older_lm_studio_is_known_by_the_owner_of_its_models() -> None:
    old = {"/v1/models": LMSTUDIO["/v1/models"]}
    assert recognise("lmstudio", old) == Sighting((Offer("lmstudio", "qwen2-vl-7b-instruct"),))


def test_a_list_without_end_is_cut() -> None:
    many = listing(*({"id": f"m{n}", "owned_by": "vllm"} for n in range(5_000)))
    sighting = recognise("vllm", {"/v1/models": Seen(200, {}, json.encode(many))})
    assert sighting is not None
    assert len(sighting.offers) == 1_000
