"""The list of models: what each entry tells, and the pages that some clients ask for."""

from typing import Any

import msgspec
import pytest

from tallygate.api.models import list_models, show_model
from tallygate.errors import InvalidValue, ModelNotFound
from tallygate.genai.catalog import Capabilities, ModelRecord
from tallygate.genai.plan import Target
from tallygate.ledger.prices import Price, Rates, price_free
from tallygate.router.plan import Catalog

PRICE = Price(kind="sale", name="b", rates=Rates(input=200_000, output=800_000, cache_read=20_000))
RECORDS = (
    ModelRecord("a", (Target("lab", "a"),), "lab", quality="test"),
    ModelRecord(
        "b/c",
        (Target("lab", "b"), Target("den", "b")),
        "lab",
        created_s=1_700_000_000,
        context_tokens=9_000,
        output_tokens_max=500,
        capabilities=Capabilities(vision=True, json_schema=False, tools=True),
        operations=frozenset({"chat", "count"}),
        aliases=("claude-b",),
    ),
    ModelRecord("claude-b", (Target("lab", "b"),), "lab", alias_of="b/c"),
    ModelRecord("d", (Target("lab", "d"),), "lab"),
)
CATALOG = Catalog(records={record.id: record for record in RECORDS})
PRICES = {"b/c": PRICE, "d": price_free("sale", "d")}


def ask(query: bytes = b"") -> dict[str, Any]:
    return msgspec.json.decode(list_models(CATALOG, lambda record: PRICES.get(record.id), query).body)


def show(name: str) -> dict[str, Any]:
    return msgspec.json.decode(show_model(CATALOG, lambda record: PRICES.get(record.id), name).body)


def test_an_entry_tells_all_that_is_known() -> None:
    assert show("b/c") == {
        "id": "b/c",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "lab",
        "type": "model",
        "display_name": "b/c",
        "created_at": "2023-11-14T22:13:20Z",
        "lifecycle": "active",
        "backend": "lab",
        "quality": "real",
        "operations": ["chat", "count"],
        "capabilities": {
            "vision": True,
            "tools": True,
            "json_schema": False,
            "image_input": {"supported": True},
            "structured_outputs": {"supported": False},
        },
        "price": {"input": "0.20", "output": "0.80", "cache_read": "0.02"},
        "aliases": ["claude-b"],
        "context_length": 9_000,
        "max_input_tokens": 9_000,
        "max_output_tokens": 500,
        "max_tokens": 500,
    }


def test_what_nobody_knows_is_left_out_and_a_price_of_nothing_is_told() -> None:
    assert show("d")["price"] == "free"
    unknown = show("a")
    assert unknown["price"] is None
    assert unknown["capabilities"] == {}
    assert unknown["quality"] == "test"
    assert unknown.keys().isdisjoint({"context_length", "max_tokens", "alias_of"})


def test_an_alias_shows_whose_it_is() -> None:
    alias = show("claude-b")
    assert (alias["id"], alias["alias_of"], alias["display_name"]) == ("claude-b", "b/c", "b/c")


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelNotFound):
        show("nobody")


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        (b"", ["a", "b/c", "claude-b", "d"], False),
        (b"limit=1000", ["a", "b/c", "claude-b", "d"], False),
        (b"limit=4", ["a", "b/c", "claude-b", "d"], False),
        (b"limit=2", ["a", "b/c"], True),
        (b"limit=2&after_id=b%2Fc", ["claude-b", "d"], False),
        (b"after_id=d", [], False),
        (b"limit=1&before_id=claude-b", ["b/c"], True),
        (b"before_id=b%2Fc", ["a"], False),
        (b"before_id=a", [], False),
        (b"beta=true&limit=1&x=%00", ["a"], True),
    ],
)
def test_pages(query: bytes, ids: list[str], has_more: bool) -> None:
    page = ask(query)
    assert [model["id"] for model in page["data"]] == ids
    assert page["has_more"] is has_more
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_join_to_the_list(limit: int) -> None:
    found: list[str] = []
    page = ask(b"limit=%d" % limit)
    while True:
        found += [model["id"] for model in page["data"]]
        if not page["has_more"]:
            break
        page = ask(b"limit=%d&after_id=%s" % (limit, page["last_id"].replace("/", "%2F").encode()))
    assert found == [record.id for record in RECORDS]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        (b"limit=0", "limit"),
        (b"limit=1001", "limit"),
        (b"limit=x", "limit"),
        (b"after_id=nobody", "after_id"),
        (b"before_id=nobody", "before_id"),
        (b"after_id=a&before_id=d", "before_id"),
    ],
)
def test_a_page_that_cannot_be(query: bytes, param: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        ask(query)
    assert caught.value.param == param


@pytest.mark.parametrize("query", [b"\xff", b"limit=%ff", b"&".join(b"a%d=1" % n for n in range(40))])
def test_a_query_that_cannot_be_read(query: bytes) -> None:
    with pytest.raises(InvalidValue):
        ask(query)
