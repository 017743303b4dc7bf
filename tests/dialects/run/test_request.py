"""A run as a request: one model, one thing asked, a policy or none; everything that is not a field is refused."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.run.request import OWN, SHARED, peek, read_request, write_request
from tallygate.errors import InvalidJson, InvalidValue, MissingField, RequestError, UnsupportedParameter
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Message, Text
from tallygate.genai.routing import Routing

ASKED: dict[str, Any] = {"model_passport_id": "m", "prompt": "hi"}
HI = (Message("user", (Text("hi"),)),)


def write(**more: Any) -> bytes:
    return msgspec.json.encode({name: value for name, value in {**ASKED, **more}.items() if value is not ...})


def refusal(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        peek(body, 16)
    return caught.value


def test_a_prompt() -> None:
    look = peek(write(max_tokens=5, stream=True), 16)
    assert (look.model, look.stream, look.include_usage, look.output_tokens_max) == ("m", True, True, 5)
    assert look.tells_run
    assert look.routing is None
    assert read_request(write(stop="x", top_k=3)).messages == HI
    assert read_request(write(stop="x")).stop == ("x",)


def test_a_conversation_with_tools_and_a_picture() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": [picture]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    body = write(prompt=..., messages=messages, tools=tools, response_format={"type": "json_object"})
    assert peek(body, 16).model == "m"
    request = read_request(body)
    assert [message.role for message in request.messages] == ["system", "user"]
    assert (request.tools[0].name, request.response_format is not None) == ("f", True)


@pytest.mark.parametrize(
    "named",
    [
        {"model_passport_id": "passport:m"},
        {"model_passport_id": ..., "model": "m"},
        {"model_passport_id": ..., "model": "passport:m"},
        {"model": "m"},
        {"model_passport_id": None, "model": "m"},
    ],
)
def test_a_model_by_any_of_its_names(named: dict[str, Any]) -> None:
    assert peek(write(**named), 16).model == read_request(write(**named)).model == "m"


def test_nothing_at_all() -> None:
    assert isinstance(refusal(b"{}"), MissingField)
    assert refusal(b"{}").param == "model_passport_id"
    assert isinstance(refusal(b'{"model":'), InvalidJson)


@pytest.mark.parametrize(
    ("more", "kind", "param"),
    [
        ({"prompt": ...}, MissingField, "messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, InvalidValue, "prompt"),
        ({"prompt": ""}, InvalidValue, "prompt"),
        ({"prompt": 7}, InvalidValue, "prompt"),
        ({"prompt": ..., "messages": []}, InvalidValue, "messages"),
        ({"prompt": ..., "messages": [{"role": "x", "content": "x"}]}, InvalidValue, "messages[0].role"),
        ({"model": "other"}, InvalidValue, "model_passport_id"),
        ({"model_passport_id": 7}, InvalidValue, "model_passport_id"),
        ({"model_passport_id": "passport:"}, InvalidValue, "model_passport_id"),
        ({"temperature": "hot"}, InvalidValue, "temperature"),
        ({"stop": 7}, InvalidValue, "stop"),
        ({"trace_id": 7}, InvalidValue, "trace_id"),
        ({"request_id": ""}, InvalidValue, "request_id"),
        ({"compute_passport_id": []}, InvalidValue, "compute_passport_id"),
        ({"policy": {}}, InvalidValue, "policy.policy_version"),
        ({"n": 2}, InvalidValue, "n"),
        ({"bogus": None}, InvalidValue, "bogus"),
    ],
)
def test_a_field_that_is_wrong_is_named(more: dict[str, Any], kind: type[RequestError], param: str) -> None:
    error = refusal(write(**more))
    assert isinstance(error, kind)
    assert error.param == param


def test_policy_and_pin() -> None:
    assert peek(write(compute_passport_id="lab/m1"), 16).routing == Routing(only=("lab/m1",))
    assert peek(write(compute_passport_id="passport:lab"), 16).routing == Routing(only=("lab",))
    both = peek(write(compute_passport_id="lab", policy={"policy_version": "1", "allow_regions": ["eu"]}), 16).routing
    assert both is not None
    assert (both.only, both.regions, len(both.policy_digest)) == (("lab",), ("eu",), 64)
    assert peek(write(policy=None), 16).routing is None


def test_what_is_the_gateways_own_goes_no_further() -> None:
    request = read_request(write(policy={"policy_version": "1"}, trace_id="t", request_id="r", compute_passport_id="x"))
    assert request.extra == {}
    assert not OWN & SHARED


def test_a_chat_that_a_run_has_no_fields_for() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        write_request(ChatRequest("m", HI, n=2))
    assert caught.value.param == "n"
