"""What is public: the model list that both SDK families read, and what operators look at."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import LAB_MODELS
from tests.contract.gateway import Gateway, Reply
from tests.fakes.upstream import Upstream

WANTED = {"id", "object", "created", "owned_by", "type", "display_name", "created_at"}


def test_the_list_is_one_object_for_both_families(gateway: Gateway, upstream: Upstream) -> None:
    mark = upstream.mark()
    listed = gateway.ask("GET", "/v1/models").json
    assert (listed["object"], listed["has_more"]) == ("list", False)
    ids = [model["id"] for model in listed["data"]]
    assert (listed["first_id"], listed["last_id"]) == (ids[0], ids[-1])
    assert len(ids) == len(set(ids))
    assert {*LAB_MODELS, "renamed", "mock/echo", "mock/tools", "mock/thinking"} <= set(ids)
    for model in listed["data"]:
        assert set(model) >= WANTED
        assert (model["object"], model["type"]) == ("model", "model")
        assert isinstance(model["created"], int)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", model["created_at"])
    assert upstream.requests_since(mark) == [], "a list costs no provider's call"


def test_an_alias_is_listed_as_a_name_of_its_own_and_can_be_called(gateway: Gateway) -> None:
    listed = {model["id"]: model for model in gateway.ask("GET", "/v1/models?limit=1000").json["data"]}
    assert (listed["claude-blind"]["alias_of"], listed["claude-blind"]["display_name"]) == ("blind", "blind")
    assert listed["blind"]["aliases"] == ["claude-blind"]
    assert listed["blind"]["price"] == "free"
    reply = send(gateway, "/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
    assert reply.status == 200
    assert reply.headers["x-tallygate-model"] == "up-echo"


def test_what_a_model_has_and_lacks_is_told_in_the_words_of_both_families(gateway: Gateway) -> None:
    told = gateway.ask("GET", "/v1/models/blind").json["capabilities"]
    assert told == {"vision": False, "json_mode": False, "tools": True, "image_input": {"supported": False}}


def test_the_list_comes_in_pages_to_those_who_ask(gateway: Gateway) -> None:
    whole = [model["id"] for model in gateway.ask("GET", "/v1/models").json["data"]]
    page = gateway.ask("GET", "/v1/models?limit=2").json
    assert ([model["id"] for model in page["data"]], page["has_more"]) == (whole[:2], True)
    page = gateway.ask("GET", f"/v1/models?limit=1000&after_id={quote(whole[1], safe='')}").json
    assert ([model["id"] for model in page["data"]], page["has_more"]) == (whole[2:], False)


PNG = "iVBORw0KGgo="
SHOWN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": PNG}


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [SHOWN]}]}, "messages[0].content[0]"),
        (
            "/v1/messages",
            {"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source": SOURCE}]}]},
            "messages[0].content[0]",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "JSON!"}], "response_format": {"type": "json_object"}},
            "response_format",
        ),
        ("/v1/responses", {"input": "JSON!", "text": {"format": {"type": "json_object"}}}, "text.format"),
        (
            "/v1/inference/chat",
            {"messages": [{"role": "user", "content": "JSON!"}], "response_format": {"type": "json_object"}},
            "response_format",
        ),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_anything_is_held_or_sent(
    path: str, asked: dict[str, Any], field: str, gateway: Gateway, upstream: Upstream
) -> None:
    mark = upstream.mark()
    reply = send(gateway, path, asked)
    assert reply.status == 400
    assert f"`{field}`" in reply.body.decode()
    assert "claude-blind" in reply.body.decode()
    if path in ("/v1/chat/completions", "/v1/responses"):
        assert reply.json["error"]["param"] == field
    assert "x-tallygate-receipt-id" not in reply.headers
    assert upstream.requests_since(mark) == []


def send(gateway: Gateway, path: str, asked: dict[str, Any]) -> Reply:
    body = json.dumps({"model": "claude-blind", **asked}).encode()
    return gateway.ask("POST", path, body, [("Content-Type", "application/json")], key=gateway.key)


def test_mock_models_say_that_they_are_for_tests(gateway: Gateway) -> None:
    qualities = {model["id"]: model.get("quality") for model in gateway.ask("GET", "/v1/models").json["data"]}
    assert qualities["mock/echo"] == "test"
    assert qualities["up-echo"] != "test"


@pytest.mark.parametrize("name", ["up-echo", "labs/up-slash", "mock/echo"])
def test_one_model_is_shown_however_its_slash_is_written(gateway: Gateway, name: str) -> None:
    for path in (quote(name, safe=""), name):
        reply = gateway.ask("GET", f"/v1/models/{path}")
        assert reply.status == 200
        assert reply.json["id"] == name


@pytest.mark.parametrize("path", ["nobody", "nobody%2Fhas", "%ff", "%00", "labs%2F..%2Fup-slash"])
def test_a_model_that_is_not_there(gateway: Gateway, path: str) -> None:
    reply = gateway.ask("GET", f"/v1/models/{path}")
    assert reply.status == 404
    assert reply.json["error"]["code"] in {"model_not_found", "not_found"}


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/"), ("GET", "/"), ("GET", "/health"), ("GET", "/ready")])
def test_an_operators_address_needs_no_key(gateway: Gateway, method: str, path: str) -> None:
    reply = gateway.ask(method, path)
    assert reply.status == 200
    assert reply.headers["x-request-id"] == reply.headers["request-id"]
    assert (reply.body == b"") == (method == "HEAD")


def test_a_wrong_key_does_not_close_what_is_public(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/v1/models", key="lx-nobody").status == 200


def test_no_public_answer_names_the_server_or_a_provider_key(gateway: Gateway) -> None:
    for path in ("/", "/health", "/ready", "/v1/models", "/nothing"):
        reply = gateway.ask("GET", path)
        assert "server" not in reply.headers
        assert "sk-lab" not in reply.body.decode()
