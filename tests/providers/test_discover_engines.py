"""Each engine is recognised by what it answers, by its own row and by no other."""

import pytest
from msgspec import json

from tallygate.genai.catalog import Offer
from tallygate.providers import llamacpp, lmstudio, ollama, vllm
from tallygate.providers.base import Engine, Provider, Seen, Sighting
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
        ("llamacpp", (Offer("llamacpp", "qwen3", context_tokens=131072),)),
        ("vllm", (Offer("vllm", "Qwen/Qwen3-8B", context_tokens=40960),)),
        (
            "lmstudio",
            (
                Offer("lmstudio", "qwen2-vl-7b-instruct", context_tokens=32768),
                Offer("lmstudio", "text-embedding-nomic-embed-text-v1.5", context_tokens=2048),
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


def test_an_older_lm_studio_is_known_by_the_owner_of_its_models() -> None:
    old = {"/v1/models": LMSTUDIO["/v1/models"]}
    assert recognise("lmstudio", old) == Sighting((Offer("lmstudio", "qwen2-vl-7b-instruct"),))


def test_a_list_without_end_is_cut() -> None:
    many = listing(*({"id": f"m{n}", "owned_by": "vllm"} for n in range(5_000)))
    sighting = recognise("vllm", {"/v1/models": Seen(200, {}, json.encode(many))})
    assert sighting is not None
    assert len(sighting.offers) == 1_000
