"""The look at a raw request: what it tells, and what it refuses by name."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_responses.peek import peek
from tallygate.errors import InvalidValue, MissingField, RequestError, UnsupportedParameter

USER = {"role": "user", "content": "hi"}


def body_of(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "input": "hi", **members})


def refuse(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        peek(body, 64)
    return caught.value


def test_what_a_look_tells() -> None:
    body = body_of(stream=True, max_output_tokens=7)
    look = peek(body, 64)
    assert (look.model, look.stream, look.include_usage, look.output_tokens_max) == ("m", True, True, 7)
    assert (look.body_bytes, look.depth, set(look.spans)) == (
        len(body),
        1,
        {"model", "input", "stream", "max_output_tokens"},
    )


def test_a_whole_answer_needs_no_usage_asked_for() -> None:
    assert not peek(body_of(), 64).include_usage


@pytest.mark.parametrize(
    "members",
    [
        {"input": [USER]},
        {"input": [{"type": "message", **USER}, {"type": "reasoning", "summary": []}]},
        {"input": [{"type": "of_tomorrow", "x": 1}]},
        {"input": [{"role": "assistant", "content": [{"type": "of_tomorrow"}]}]},
        {"tools": [{"type": "namespace"}, {"type": "web_search"}, {"type": "of_tomorrow"}]},
        {"tool_choice": {"type": "of_tomorrow"}, "new": {"a": 1}},
        {"previous_response_id": None, "conversation": None, "prompt": None, "background": False, "store": False},
        {"store": True},
    ],
)
def test_what_is_new_or_says_nothing_passes(members: dict[str, Any]) -> None:
    assert peek(body_of(**members), 64).model == "m"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": [USER, {"type": "item_reference", "id": "msg_1"}]}, "input[1]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
    ],
)
def test_what_lies_at_a_provider_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    refusal = refuse(body_of(**members))
    assert isinstance(refusal, UnsupportedParameter)
    assert refusal.param == param
    assert f"`{param}`" in refusal.message


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": []}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{"type": 1}]}, "input[0].type"),
        ({"input": [{"role": "critic", "content": "a"}]}, "input[0].role"),
        ({"input": [{"type": "message", "content": "a"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{}]}]}, "input[0].content[0].type"),
        ({"instructions": ["a"]}, "instructions"),
        ({"stream": "yes"}, "stream"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"max_tool_calls": -1}, "max_tool_calls"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"text": "a"}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"metadata": []}, "metadata"),
        ({"store": "no"}, "store"),
        ({"background": 1}, "background"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(members: dict[str, Any], param: str) -> None:
    refusal = refuse(body_of(**members))
    assert isinstance(refusal, InvalidValue | MissingField)
    assert refusal.param == param


@pytest.mark.parametrize(("body", "param"), [(b'{"input":"a"}', "model"), (b'{"model":"m"}', "input")])
def test_what_must_be_there(body: bytes, param: str) -> None:
    refusal = refuse(body)
    assert isinstance(refusal, MissingField)
    assert refusal.param == param
