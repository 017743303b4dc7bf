"""What is public: the model list that both SDK families read, and what operators look at."""

import re
from urllib.parse import quote

import pytest

from tests.contract.conftest import LAB_MODELS
from tests.contract.gateway import Gateway
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
