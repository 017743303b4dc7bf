"""Requests: what is this wire's own is obeyed, left out and told, or refused; the rest is OpenAI's, byte for byte."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.request import read_request as read_carried
from tallygate.dialects.openrouter.request import peek, read_request, take_wishes, write_request
from tallygate.errors import InvalidValue, MissingField, RequestError, UnsupportedParameter
from tallygate.genai.routing import Routing

MESSAGES = [{"role": "user", "content": "hi"}]


def body(**members: Any) -> bytes:
    return msgspec.json.encode({"messages": MESSAGES, **members})


def test_a_plain_request_is_read_as_it_came() -> None:
    plain = body(model="m", temperature=0.5)
    assert take_wishes(plain) is plain
    assert peek(plain, 64).routing is None
    assert read_request(plain) == read_carried(plain)


def test_wishes_reach_the_outline_and_no_provider() -> None:
    wished = body(
        model="m:floor",
        models=["n"],
        provider={"only": ["lab"]},
        usage={"include": True},
        route="fallback",
        session_id="s",
        plugins=[{"id": "response-healing"}],
        x_new=1,
    )
    look = peek(wished, 64)
    assert (look.model, look.routing) == ("m", Routing(models=("n",), only=("lab",), sort="price"))
    assert look.dropped == ("session_id", "plugins.response-healing")
    assert look.body_bytes == len(wished)
    assert wished[look.spans["model"].value_start : look.spans["model"].end] == b'"m:floor"'
    request = read_request(wished)
    assert (request.model, request.extra) == ("m", {"x_new": 1})
    assert msgspec.json.decode(write_request(request).body).keys() == {"model", "messages", "x_new"}


def test_a_policy_is_obeyed_beside_the_wishes() -> None:
    policy = {
        "policy_version": "1",
        "allow_regions": ["eu"],
        "latency": {"hard_timeout_ms": 900},
        "cost": {"max_price_per_1k_tokens_usd": "0.001"},
        "privacy": {"store_inputs": False},
    }
    wishes = {"only": ["lab"], "max_price": {"prompt": "0.5", "completion": "5"}}
    look = peek(body(model="m", models=["n"], provider=wishes, policy=policy), 64)
    routing = look.routing
    assert routing is not None
    assert (routing.models, routing.only, routing.regions, routing.private) == (("n",), ("lab",), ("eu",), True)
    assert (routing.input_pusd_max, routing.output_pusd_max, routing.duration_ms_max) == (500_000, 1_000_000, 900)
    assert len(routing.policy_digest) == 64
    assert set(look.own) == {"models", "provider", "policy"}
    alone = peek(body(model="m", policy={"policy_version": "1"}), 64).routing
    assert alone is not None
    assert alone.policy_digest


def test_what_is_left_out_again_and_again_is_told_once() -> None:
    look = peek(body(model="m", plugins=[{"id": "auto-router"}] * 1_000), 64)
    assert look.dropped == ("plugins.auto-router",)


@pytest.mark.parametrize("named", [{}, {"model": None}])
def test_the_first_of_the_models_is_called_where_no_other_is(named: dict[str, Any]) -> None:
    wished = body(models=["a:nitro", "b"], **named)
    look = peek(wished, 64)
    assert (look.model, look.routing) == ("a", Routing(models=("b",), sort="throughput"))
    assert read_request(wished).model == "a"
    start = look.spans["models"].value_start
    assert wished[start:].startswith(b'["a:nitro"')


@pytest.mark.parametrize("members", [{}, {"models": None}, {"models": []}])
def test_somebody_must_be_called(members: dict[str, Any]) -> None:
    for attempt in (lambda: peek(body(**members), 64), lambda: read_request(body(**members))):
        with pytest.raises(MissingField) as caught:
            attempt()
        assert caught.value.param == "model"


def test_usage_always_comes_at_the_end_of_a_stream() -> None:
    for options in ({}, {"stream_options": {"include_usage": False}}, {"stream_options": None}):
        streamed = body(model="m", stream=True, **options)
        assert peek(streamed, 64).include_usage
        assert read_request(streamed).include_usage
    assert not peek(body(model="m"), 64).include_usage


@pytest.mark.parametrize(
    ("members", "dropped"),
    [
        ({"transforms": ["middle-out"]}, ("transforms",)),
        ({"transforms": []}, ()),
        ({"trace": {"trace_id": "t"}, "debug": {"echo_upstream_body": True}}, ("debug", "trace")),
        ({"include_reasoning": True}, ()),
        ({"include_reasoning": False}, ("include_reasoning",)),
        ({"usage": None, "route": None, "preset": None, "plugins": None, "session_id": None}, ()),
        ({"plugins": [{"id": "context-compression", "enabled": True}]}, ("plugins.context-compression",)),
        ({"plugins": [{"id": "web", "enabled": False}]}, ()),
    ],
)
def test_what_does_no_harm_is_left_out_and_told(members: dict[str, Any], dropped: tuple[str, ...]) -> None:
    wished = body(model="m", **members)
    assert peek(wished, 64).dropped == dropped
    assert read_request(wished).extra == {}


@pytest.mark.parametrize(
    ("members", "kind", "param"),
    [
        ({"preset": "mine"}, UnsupportedParameter, "preset"),
        ({"plugins": [{"id": "file-parser"}, {"id": "web"}]}, UnsupportedParameter, "plugins[1]"),
        ({"plugins": [{"id": "moderation"}]}, UnsupportedParameter, "plugins[0]"),
        ({"plugins": [{}]}, MissingField, "plugins[0].id"),
        ({"plugins": ["web"]}, InvalidValue, "plugins[0]"),
        ({"plugins": {}}, InvalidValue, "plugins"),
        ({"route": "sort"}, InvalidValue, "route"),
        ({"usage": True}, InvalidValue, "usage"),
        ({"provider": {"quantizations": ["int4"]}}, UnsupportedParameter, "provider.quantizations"),
        ({"temperature": 9}, InvalidValue, "temperature"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    members: dict[str, Any], kind: type[RequestError], param: str
) -> None:
    for attempt in (lambda: peek(body(model="m", **members), 64), lambda: read_request(body(model="m", **members))):
        with pytest.raises(kind) as caught:
            attempt()
        assert caught.value.param == param
