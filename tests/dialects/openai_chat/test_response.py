"""Whole answers as providers send them: what is read, what is put up with, what is not an answer."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.response import read_response, write_response
from tallygate.errors import InvalidAnswer, ProviderOverloaded, ProviderRejected, TallygateError
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Image, Part, Reasoning, Refusal, Remote, Text, ToolCall
from tallygate.genai.usage import Usage


def read(**members: Any) -> ChatResponse:
    return read_response(msgspec.json.encode({"id": "id1", "model": "m", "choices": [], **members}))


def read_choice(**members: Any) -> Choice:
    return read(choices=[{"index": 0, "message": {"role": "assistant", "content": "Hi"}, **members}]).choices[0]


def read_message(**members: Any) -> tuple[Part, ...]:
    return read_choice(message={"role": "assistant", **members}).parts


@pytest.mark.parametrize(
    ("members", "parts"),
    [
        ({"content": "Hi"}, (Text("Hi"),)),
        ({"content": ""}, ()),
        ({"content": None}, ()),
        ({}, ()),
        ({"content": None, "refusal": "No."}, (Refusal("No."),)),
        ({"content": "Hi", "refusal": None}, (Text("Hi"),)),
        ({"content": "Hi", "reasoning_content": "th"}, (Reasoning("th"), Text("Hi"))),
        ({"content": "Hi", "reasoning": "th", "reasoning_content": "th"}, (Reasoning("th"), Text("Hi"))),
        ({"content": "Hi", "reasoning": "", "reasoning_details": []}, (Text("Hi"),)),
        (
            {"reasoning": "s", "reasoning_details": [{"type": "reasoning.summary", "summary": "s", "index": 0}]},
            (Reasoning("s", extra={"type": "reasoning.summary"}),),
        ),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "th"}]},
                    {"type": "text", "text": "Hi"},
                    {"type": "text", "text": "!"},
                ]
            },
            (Reasoning("th"), Text("Hi!")),
        ),
        (
            {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            (ToolCall("c", "f", "{}"),),
        ),
        (
            {"tool_calls": [{"id": "c", "index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]},
            (ToolCall("c", "f", '{"a":1}'),),
        ),
        (
            {"tool_calls": [{"id": "", "function": {"name": "f"}}, {"function": {"name": "f", "arguments": None}}]},
            (ToolCall("call_id1_0_0", "f"), ToolCall("call_id1_0_1", "f")),
        ),
        (
            {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}]},
            (ToolCall("c", "f", "x", "custom"),),
        ),
        (
            {"function_call": {"name": "f", "arguments": "{}"}},
            (ToolCall("call_id1_0_0", "f", "{}", extra={"function_call": {}}),),
        ),
    ],
)
def test_each_thing_a_message_says_is_read(members: dict[str, Any], parts: tuple[Part, ...]) -> None:
    assert read_message(**members) == parts


@pytest.mark.parametrize(
    ("word", "reason", "kept"),
    [
        ("stop", "stop", None),
        ("length", "length", None),
        ("tool_calls", "tool_calls", None),
        ("content_filter", "content_filter", None),
        ("error", "error", None),
        ("function_call", "tool_calls", "function_call"),
        ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("SAFETY", "content_filter", "SAFETY"),
        ("refusal", "refusal", "refusal"),
        ("abort", "error", "abort"),
        ("eos_token", "stop", "eos_token"),
        ("", None, None),
        (None, None, None),
        (7, None, None),
    ],
)
def test_why_it_ended_is_mapped_and_a_strange_word_kept(word: Any, reason: str | None, kept: str | None) -> None:
    choice = read_choice(finish_reason=word)
    assert choice.finish_reason == reason
    assert choice.extra.get("finish_reason") == kept


@pytest.mark.parametrize(
    ("reason", "word"), [("refusal", "content_filter"), ("pause", "stop"), ("error", "error"), (None, None)]
)
def test_our_reasons_have_a_word_clients_know(reason: Any, word: str | None) -> None:
    response = ChatResponse("i", "m", choices=(Choice(0, finish_reason=reason),), dialect="elsewhere")
    assert msgspec.json.decode(write_response(response))["choices"][0]["finish_reason"] == word


def test_what_has_no_name_here_is_kept_where_it_was() -> None:
    response = read(
        system_fingerprint=None,
        provider="p",
        choices=[
            {
                "message": {"content": "Hi", "annotations": [{"type": "url_citation"}], "audio": {"id": "a"}},
                "native_finish_reason": "STOP",
                "logprobs": {"content": []},
            }
        ],
        usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.5},
    )
    assert response.extra == {"system_fingerprint": None, "provider": "p", "usage": {"cost": 0.5}}
    assert response.choices[0].extra == {
        "message": {"annotations": [{"type": "url_citation"}], "audio": {"id": "a"}},
        "native_finish_reason": "STOP",
    }
    assert response.choices[0].logprobs == {"content": []}


@pytest.mark.parametrize(
    "members",
    [
        {"usage": None, "created": None, "model": None, "id": None, "service_tier": None},
        {"created": "yesterday", "id": 7, "service_tier": 9, "object": 5},
        {"choices": [{"message": None, "finish_reason": "content_filter"}]},
        {"choices": [{"message": {}}]},
        {"usage": "lots"},
        {"usage": []},
        {"error": None},
        {"created": 1.5e300},
    ],
)
def test_what_providers_leave_out_is_put_up_with(members: dict[str, Any]) -> None:
    response = read(**members)
    assert response.usage is None
    assert response.created_s == 0


def test_choices_without_an_index_count_by_place() -> None:
    response = read(choices=[{"message": {"content": "a"}}, {"message": {"content": "b"}}])
    assert [choice.index for choice in response.choices] == [0, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" " * 1_000,
        b"<!DOCTYPE html><html><body>502</body></html>",
        b'{"id":"x","choices":[{"index":0,"message":{"role":"assist',
        b"null",
        b"[]",
        b'"ok"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"NaN",
        b"{}",
        b'{"detail":"Not Found"}',
        b'{"choices":"none"}',
        b'{"choices":[5]}',
        b'{"choices":{"0":{}}}',
        b'{"choices":null}',
        b'{"choices":[{"message":"hello"}]}',
        b'{"choices":[{"index":"0","message":{"content":"x"}}]}',
        b'{"choices":[{"message":{"content":5}}]}',
        b'{"choices":[{"message":{"content":{"a":1}}}]}',
        b'{"choices":[{"message":{"content":[{"type":"dance"}]}}]}',
        b'{"choices":[{"message":{"tool_calls":"x"}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"function":{"name":5}}]}}]}',
        b'{"choices":[{"message":{"reasoning_details":[5]}}]}',
    ],
)
def test_what_is_not_an_answer_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        read_response(body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "busy"}, ProviderOverloaded),
        ({"type": "invalid_request_error", "message": "too long", "code": "context_length_exceeded"}, ProviderRejected),
    ],
)
def test_an_error_with_status_200_is_an_error(error: Any, kind: type[TallygateError]) -> None:
    with pytest.raises(kind):
        read(error=error)


def test_another_dialects_answer_has_the_members_clients_count_on_and_no_foreign_ones() -> None:
    parts = (Reasoning("th", signature="s"), Text("a"), Text("b"), ToolCall("c", "f", "{}", extra={"caller": {}}))
    choice = Choice(0, parts, finish_reason="tool_calls", logprobs={"x": 1}, extra={"stop_details": {}})
    usage = Usage(5, 7, cached_input_tokens=2, cache_write_tokens=1, reasoning_tokens=3)
    response = ChatResponse("i", "m", 9, (choice,), usage, dialect="elsewhere", extra={"container": {}})
    assert msgspec.json.decode(write_response(response)) == {
        "id": "i",
        "object": "chat.completion",
        "created": 9,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "ab",
                    "refusal": None,
                    "reasoning_content": "th",
                    "reasoning_details": [{"type": "reasoning.text", "text": "th", "signature": "s", "index": 0}],
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 7,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }


def test_a_picture_in_an_answer_cannot_be_carried_here() -> None:
    with pytest.raises(InvalidAnswer, match="image"):
        write_response(ChatResponse("i", "m", choices=(Choice(0, (Image(Remote("https://x.example/a")),)),)))
