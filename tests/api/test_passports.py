"""Passports: what each says, which are found, and a digest that changes exactly when the rest does."""

import hashlib
from typing import Any

import msgspec
import pytest
import rfc8785
from msgspec.structs import replace

from tallygate.api.passports import list_passports, show_passport, write_passport
from tallygate.errors import InvalidValue, ModelNotFound
from tallygate.genai.catalog import Capabilities, ModelRecord
from tallygate.genai.plan import Target
from tallygate.ledger.prices import Price, Rates, price_free
from tallygate.router.plan import Catalog
from tests.fakes.doors import House

PRICE = Price(kind="sale", name="b/c", rates=Rates(input=200_000, output=800_000))
RECORD = ModelRecord(
    "b/c",
    (Target("lab", "b"), Target("den", "b/1")),
    "lab",
    created_s=1_700_000_000,
    context_tokens=9_000,
    output_tokens_max=500,
    capabilities=Capabilities(vision=True, json_schema=False),
    operations=frozenset({"count", "chat"}),
    aliases=("claude-b",),
)
RECORDS = (ModelRecord("a", (Target("shed", "a"),), "shed", quality="test"), RECORD)
CATALOG = Catalog(records={record.id: record for record in RECORDS})
PRICES = {"b/c": PRICE, "a": price_free("sale", "a")}


def ask(query: bytes = b"") -> dict[str, Any]:
    return msgspec.json.decode(list_passports(CATALOG, lambda record: PRICES.get(record.id), query).body)


def ids(query: bytes) -> list[str]:
    return [passport["passport_id"] for passport in ask(query)["passports"]]


def test_all_that_is_known() -> None:
    told = write_passport(RECORD, PRICE)
    digest = told.pop("digest")
    assert told == {
        "passport_id": "b/c",
        "type": "model",
        "name": "b/c",
        "owner": "lab",
        "provider": "lab",
        "compute_passport_ids": ["lab/b", "den/b/1"],
        "format": "api",
        "status": "active",
        "quality": "real",
        "operations": ["chat", "count"],
        "capabilities": {"vision": True, "json_schema": False},
        "price": {"input": "0.20", "output": "0.80"},
        "aliases": ["claude-b"],
        "created_at": "2023-11-14T22:13:20Z",
        "context_length": 9_000,
        "max_output_tokens": 500,
    }
    # Anybody else finds the same.
    assert digest == hashlib.sha256(rfc8785.dumps(told)).hexdigest()


def test_the_digest_changes_exactly_when_the_passport_does() -> None:
    changed = [
        replace(RECORD, id="b/d"),
        replace(RECORD, targets=RECORD.targets[:1]),
        replace(RECORD, owned_by="den"),
        replace(RECORD, quality="test"),
        replace(RECORD, created_s=1),
        replace(RECORD, context_tokens=9_001),
        replace(RECORD, context_tokens=None),
        replace(RECORD, output_tokens_max=None),
        replace(RECORD, capabilities=Capabilities(vision=True)),
        replace(RECORD, operations=frozenset({"chat"})),
        replace(RECORD, aliases=()),
        replace(RECORD, alias_of="b"),
    ]
    dearer = replace(PRICE, rates=Rates(input=200_000, output=800_001))
    found = [write_passport(record, PRICE) for record in (RECORD, *changed)]
    found += [write_passport(RECORD, price) for price in (None, price_free("sale", "b/c"), dearer)]
    assert len({passport["digest"] for passport in found}) == len(found)
    same = replace(RECORD, operations=frozenset({"chat", "count"}))
    assert write_passport(same, PRICE) == write_passport(RECORD, replace(PRICE, name="other")) == found[0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"", ["a", "b/c"]),
        (b"type=model", ["a", "b/c"]),
        (b"type=compute", []),
        (b"owner=lab", ["b/c"]),
        (b"search=B%2FC", ["b/c"]),
        (b"search=CLAUDE", ["b/c"]),
        (b"search=zz", []),
        (b"per_page=1", ["a"]),
        (b"per_page=1&page=2", ["b/c"]),
        (b"per_page=1&page=3", []),
    ],
)
def test_which_are_found(query: bytes, found: list[str]) -> None:
    assert ids(query) == found


def test_pages_are_counted() -> None:
    assert ask(b"per_page=1&page=2")["pagination"] == {"total": 2, "page": 2, "per_page": 1, "total_pages": 2}
    assert ask(b"search=zz")["pagination"] == {"total": 0, "page": 1, "per_page": 20, "total_pages": 0}


@pytest.mark.parametrize("query", [b"page=0", b"per_page=101", b"page=x", b"tags=a", b"type=model&type=model"])
def test_what_cannot_be_asked(query: bytes) -> None:
    with pytest.raises(InvalidValue):
        ask(query)


def test_one_by_its_name() -> None:
    for name in ("b/c", "passport:b/c"):
        told = msgspec.json.decode(show_passport(CATALOG, lambda _: PRICE, name).body)
        assert told == {"success": True, "passport": write_passport(RECORD, PRICE)}
    with pytest.raises(ModelNotFound):
        show_passport(CATALOG, lambda _: PRICE, "claude")


def test_over_the_wire(strict_house: House) -> None:
    reply = strict_house.ask("GET", "/v1/passports")
    assert (reply.status, msgspec.json.decode(reply.body)["pagination"]["total"]) == (200, 0)
    for path, status, code in (
        ("/v1/passports?tags=a", 422, "INVALID_VALUE"),
        ("/v1/passports/passport:a%2Fb", 404, "MODEL_NOT_FOUND"),
    ):
        reply = strict_house.ask("GET", path)
        told = msgspec.json.decode(reply.body)
        assert (reply.status, told["success"], told["error_code"]) == (status, False, code)
