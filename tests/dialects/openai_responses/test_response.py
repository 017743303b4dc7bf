"""Whole answers: what must be there, what an answer repeats of its request, and what the SDK is promised."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tallygate.dialects.openai_responses.response import read_response, write_response
from tallygate.errors import InvalidAnswer, ProviderFailed, ProviderOverloaded, TallygateError
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Image, Opaque, Remote, ToolCall
from tests.dialects.openai_responses.sdk_shapes import check_response
from tests.laws.test_crossing_laws import responses


def body_of(**members: Any) -> bytes:
    return msgspec.json.encode({"id": "r", "model": "m", "output": [], "status": "completed", **members})


@pytest.mark.parametrize(
    ("body", "cls"),
    [
        (b"", InvalidAnswer),
        (b"[]", InvalidAnswer),
        (b'{"id":"r"}', InvalidAnswer),
        (body_of(status="queued"), InvalidAnswer),
        (body_of(output=[1]), InvalidAnswer),
        (body_of(output=[{"type": "function_call", "call_id": "c"}]), InvalidAnswer),
        (body_of(status="cancelled"), ProviderFailed),
        (body_of(status="failed"), ProviderFailed),
        (body_of(error={"code": "rate_limit_exceeded", "message": "x"}), ProviderOverloaded),
        (b'{"error":{"code":"server_error","message":"x"}}', ProviderFailed),
    ],
)
def test_what_is_no_answer(body: bytes, cls: type[TallygateError]) -> None:
    with pytest.raises(cls):
        read_response(body)


def test_searches_with_a_fee_are_counted() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    search, file = {"type": "web_search_call"}, {"type": "file_search_call"}

    def uses(**members: Any) -> int | None:
        counted = read_response(body_of(usage=usage, output=[search, search, file], **members)).usage
        return counted.tool_uses if counted else None

    assert uses() == 3
    assert uses(tool_usage={"web_search": {"num_requests": 1}}) == 2
    assert uses(tool_usage=None) == 3


@pytest.mark.parametrize("part", [Opaque("server_tool_use"), Image(Remote("https://a.example"))])
def test_what_has_no_place_in_an_answer_is_said(part: Any) -> None:
    with pytest.raises(InvalidAnswer):
        write_response(ChatResponse("r", "m", choices=(Choice(0, (part,), "stop"),), dialect="elsewhere"))


def test_an_answer_that_broke_off_is_no_answer() -> None:
    with pytest.raises(ProviderFailed):
        write_response(ChatResponse("r", "m", choices=(Choice(0, (), "error"),)))


def test_a_function_of_a_namespace_is_told_as_one() -> None:
    asked = {"model": "m", "input": "a", "tools": [{"type": "namespace", "name": "ns", "tools": [{"name": "g"}]}]}
    call = ChatResponse("r", "m", choices=(Choice(0, (ToolCall("c", "ns__g", "{}"),), "tool_calls"),))
    (item,) = msgspec.json.decode(write_response(call, msgspec.json.encode(asked)))["output"]
    assert (item["name"], item["namespace"]) == ("g", "ns")
    (plain,) = msgspec.json.decode(write_response(call))["output"]
    assert plain["name"] == "ns__g"
    assert "namespace" not in plain


@given(response=responses("openai_responses"))
def test_whatever_another_dialect_said_is_told_as_promised(response: ChatResponse) -> None:
    check_response(msgspec.json.decode(write_response(response)))
