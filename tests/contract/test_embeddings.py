"""Embeddings over real sockets: either form of a vector is the same numbers at both addresses, faults have
each address's own words, and the list of models says who embeds.
"""

import base64
import json
import struct
from typing import Any

import pytest

from tests.contract.gateway import Gateway, Reply

OPENAI, NATIVE = "/v1/embeddings", "/v1/inference/embed"
FIELDS: dict[str, Any] = {"model": "mock/embed", "input": ["hello", "world"], "dimensions": 8}


def ask(gateway: Gateway, path: str, **fields: Any) -> Reply:
    body = json.dumps({**FIELDS, **fields}).encode()
    return gateway.ask("POST", path, body, [("Content-Type", "application/json")], key=gateway.key)


def read(reply: Reply, path: str) -> list[Any]:
    assert reply.status == 200, reply.body
    answer = reply.json if path == OPENAI else reply.json["data"]
    assert answer["object"] == "list"
    assert [item["index"] for item in answer["data"]] == [0, 1]
    return [item["embedding"] for item in answer["data"]]


@pytest.mark.parametrize("path", [OPENAI, NATIVE])
def test_base64_decodes_to_the_same_floats_as_float(path: str, gateway: Gateway) -> None:
    plain, numbers, letters = (
        read(ask(gateway, path, **fields), path)
        for fields in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"})
    )
    assert plain == numbers == [list(struct.unpack("<8f", base64.b64decode(text))) for text in letters]


def test_both_addresses_tell_the_same_vectors(gateway: Gateway) -> None:
    assert read(ask(gateway, OPENAI), OPENAI) == read(ask(gateway, NATIVE), NATIVE)


@pytest.mark.parametrize(
    ("field", "value", "native_status"),
    [
        ("input", [], 422),
        ("input", None, 422),
        ("input", ["a"] * 2_049, 422),
        ("dimensions", 0, 422),
        ("encoding_format", "int8", 422),
        ("stream", True, 400),
        ("model", "mock/echo", 404),
        ("model", "mock/nobody", 404),
    ],
)
def test_a_fault_is_told_in_each_address_s_own_words(
    field: str, value: object, native_status: int, gateway: Gateway
) -> None:
    refused = ask(gateway, OPENAI, **{field: value})
    assert refused.status == (404 if native_status == 404 else 400)
    assert refused.json["error"]["param"] == field
    assert refused.headers["x-should-retry"] == "false"
    refused = ask(gateway, NATIVE, **{field: value})
    assert refused.status == native_status
    assert refused.json["error"]["details"][0]["field"] == field


def test_a_model_that_embeds_serves_no_chat(gateway: Gateway) -> None:
    reply = gateway.chat({"model": "mock/embed", "messages": [{"role": "user", "content": "hi"}]})
    assert (reply.status, reply.json["error"]["code"]) == (404, "model_not_found")
    assert "does not serve chat" in reply.json["error"]["message"]


def test_the_list_of_models_says_who_embeds(gateway: Gateway) -> None:
    listed = {model["id"]: model for model in gateway.ask("GET", "/v1/models").json["data"]}
    assert listed["mock/embed"]["operations"] == ["embed"]
    assert "embed" not in listed["mock/echo"]["operations"]
