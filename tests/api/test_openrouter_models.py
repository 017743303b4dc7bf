"""Models in OpenRouter's shape: exact prices per token, what is known of them and nothing more, page by page."""

from typing import Any

import msgspec
import pytest

from tallygate.api.door import Reply, Request
from tallygate.api.openrouter_models import list_models, show_model, show_record
from tallygate.errors import InvalidValue, ModelNotFound
from tallygate.genai.catalog import Capabilities, ModelRecord
from tallygate.genai.plan import Target
from tallygate.ledger.prices import Price, Rates, price_free
from tallygate.router.plan import Catalog
from tests.fakes.doors import House

PRICE = Price(
    kind="sale",
    name="m",
    rates=Rates(input=3_000_000, cache_read=300_000, output=15_000_000, audio_input=1),
    call=10_000_000_000,
)


def record(name: str, **more: Any) -> ModelRecord:
    return ModelRecord(name, (Target("lab", name),), "lab", operations=frozenset({"chat"}), **more)


def ask(query: bytes = b"", **slots: str) -> Request:
    return Request("GET", "/api/v1/models", query, (), b"", "req_1", 0, slots)


def read(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body)


def test_prices_are_for_one_token_and_exact() -> None:
    assert show_record(record("m"), PRICE)["pricing"] == {
        "prompt": "0.000003",
        "completion": "0.000015",
        "input_cache_read": "0.0000003",
        "audio": "0.000000000001",
        "request": "0.01",
    }
    free = show_record(record("m"), price_free("sale", "m"))["pricing"]
    assert free == {"prompt": "0", "completion": "0", "request": "0", "image": "0"}


@pytest.mark.parametrize("price", [None, Price(kind="sale", name="m", call=5)])
def test_a_price_that_is_none(price: Price | None) -> None:
    assert show_record(record("m"), price)["pricing"] == {"prompt": "-1", "completion": "-1"}


def test_what_is_known_of_a_model() -> None:
    can = Capabilities(vision=True, audio=False, tools=True, json_mode=True, json_schema=False)
    told = show_record(record("m", context_tokens=1_000, output_tokens_max=50, capabilities=can), None)
    assert told["architecture"]["input_modalities"] == ["text", "image"]  # pyright: ignore[reportIndexIssue]
    assert told["architecture"]["modality"] == "text+image->text"  # pyright: ignore[reportIndexIssue]
    assert told["top_provider"] == {"context_length": 1_000, "max_completion_tokens": 50, "is_moderated": False}
    parameters = told["supported_parameters"]
    assert isinstance(parameters, list)
    assert {"tools", "response_format", "reasoning", "temperature"} <= {*parameters}
    assert "structured_outputs" not in parameters
    assert len(parameters) == len({*parameters})


def test_of_an_alias_the_model_is_told() -> None:
    told = show_record(record("claude-x", alias_of="m"), None)
    assert (told["id"], told["canonical_slug"]) == ("claude-x", "m")


def test_what_makes_vectors_takes_no_parameters_of_a_chat() -> None:
    told = show_record(msgspec.structs.replace(record("e"), operations=frozenset({"embed"})), None)
    assert told["supported_parameters"] == []
    assert told["architecture"]["output_modalities"] == ["embeddings"]  # pyright: ignore[reportIndexIssue]


def test_pages() -> None:
    catalog = Catalog({name: record(name) for name in ("a", "b", "c")})
    seen: list[str] = []
    query = b"limit=2"
    while query:
        page = read(list_models(catalog, lambda _: PRICE, ask(query)))
        seen += [model["id"] for model in page["data"]]
        assert page["total_count"] == 3
        query = (page["links"]["next"] or "").partition("?")[2].encode()
    assert seen == ["a", "b", "c"]
    for wrong in (b"limit=0", b"limit=501", b"offset=-1", b"category=x"):
        with pytest.raises(InvalidValue):
            list_models(catalog, lambda _: None, ask(wrong))


def test_one_model() -> None:
    catalog = Catalog({"a/b": record("a/b")})
    assert read(show_model(catalog, lambda _: PRICE, ask(model="a/b")))["data"]["id"] == "a/b"
    with pytest.raises(ModelNotFound):
        show_model(catalog, lambda _: PRICE, ask(model="b"))


def test_both_doors_are_public(house: House) -> None:
    assert house.ask("GET", "/api/v1/models").json == {"data": [], "total_count": 0, "links": {"next": None}}
    missing = house.ask("GET", "/api/v1/model/a/b").json["error"]
    assert (missing["code"], missing["availability"]["code"]) == (404, "model_not_found")
