"""Whole answers that recordings and laws do not reach."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.anthropic_messages.response import read_count, read_response, write_count, write_response
from tallygate.errors import InvalidAnswer, ProviderFailed, ProviderOverloaded
from tallygate.genai.chat import ChatResponse, Choice, FinishReason
from tallygate.genai.messages import Image, Part, Reasoning, Refusal, Remote, Text, ToolCall


def write(*parts: Part, reason: FinishReason | None = "stop") -> dict[str, Any]:
    choice = Choice(0, parts, finish_reason=reason, extra={"message": {"x": 1}})
    response = ChatResponse("id", "m", choices=(choice,), dialect="elsewhere", extra={"system_fingerprint": "f"})
    return msgspec.json.decode(write_response(response))


def test_another_dialects_answer_has_every_member_and_nothing_foreign() -> None:
    assert write(Reasoning("hm"), Text(""), Text("a", extra={"x": 1})) == {
        "id": "id",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "a"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def test_a_refusal_is_said_in_words_and_is_why_it_stopped() -> None:
    body = write(Refusal("No."))
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")


def test_arguments_that_the_cap_cut_off_are_left_out_and_others_are_an_error() -> None:
    call = ToolCall("c", "f", '{"a": 1, "b')
    body = write(call, reason="length")
    assert (body["content"][0]["input"], body["stop_reason"]) == ({}, "max_tokens")
    with pytest.raises(InvalidAnswer):
        write(call, reason="tool_calls")


def test_what_cannot_be_said_is_an_error() -> None:
    with pytest.raises(InvalidAnswer):
        write(Image(Remote("https://a.example/a.png")))
    with pytest.raises(ProviderFailed):
        write(Text("half"), reason="error")


def test_an_error_with_status_200_is_that_error() -> None:
    with pytest.raises(ProviderOverloaded):
        read_response(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"content":7}', b'{"content":[{"type":"tool_use","id":"a"}]}'])
def test_what_is_no_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_response(body)


def test_counts() -> None:
    assert read_count(write_count(42)) == 42
    for body in (b"{}", b'{"input_tokens":-1}', b'{"input_tokens":"4"}', b"4", b""):
        with pytest.raises(InvalidAnswer):
            read_count(body)
