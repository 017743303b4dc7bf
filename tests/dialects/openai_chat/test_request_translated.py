"""Requests that came in another dialect: what is carried, what is named as left out, what is refused."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.request import read_request, write_request
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import UnsupportedParameter
from tallygate.genai.chat import ChatRequest, ReasoningOptions, ResponseFormat, Tool, ToolChoice
from tallygate.genai.messages import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Reasoning,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
)

HI = ChatRequest("m", (Message("user", (Text("Hi"),)),), dialect="elsewhere")


def foreign(**members: Any) -> ChatRequest:
    return msgspec.structs.replace(HI, **members)


def write(request: ChatRequest) -> dict[str, Any]:
    return msgspec.json.decode(write_request(request).body)


def test_usage_is_asked_for_on_streams_only() -> None:
    assert write(foreign(stream=True, include_usage=True))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in write(foreign(include_usage=True))


@pytest.mark.parametrize(
    ("options", "effort", "dropped"),
    [
        (ReasoningOptions(effort="high"), "high", ()),
        (ReasoningOptions(tokens_max=1_024), "low", ("reasoning.tokens_max",)),
        (ReasoningOptions(tokens_max=5_000), "medium", ("reasoning.tokens_max",)),
        (ReasoningOptions(tokens_max=30_000, enabled=True), "high", ("reasoning.tokens_max", "reasoning.enabled")),
        (ReasoningOptions(enabled=False, exclude=True), None, ("reasoning.enabled", "reasoning.exclude")),
        (ReasoningOptions(summary="auto"), None, ("reasoning.summary",)),
    ],
)
def test_another_dialects_thinking_becomes_an_effort(
    options: ReasoningOptions, effort: str | None, dropped: tuple[str, ...]
) -> None:
    written = write_request(foreign(reasoning=options))
    body = msgspec.json.decode(written.body)
    assert body.get("reasoning_effort") == effort
    assert "reasoning" not in body
    assert written.dropped == dropped


def test_another_dialects_thoughts_and_failures_are_named_as_dropped() -> None:
    turns = (
        Message("assistant", (Reasoning("th", signature="s"), Text("Hm."), ToolCall("c", "f", "{}"))),
        Message("tool", (ToolResult("c", (Text("broken"),), is_error=True), ToolResult("d", (Text("fine"),)))),
    )
    written = write_request(foreign(messages=turns))
    assert msgspec.json.decode(written.body)["messages"] == [
        {
            "role": "assistant",
            "content": "Hm.",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "broken"},
        {"role": "tool", "tool_call_id": "d", "content": "fine"},
    ]
    assert written.dropped == ("messages.reasoning", "messages.parts.is_error")


def test_harmless_members_of_another_dialect_are_dropped_by_name_once() -> None:
    part = Text("x", extra={"cache_control": {"type": "ephemeral"}})
    request = foreign(messages=(Message("user", (part, part)),), extra={"context_management": {}})
    written = write_request(request)
    assert written.dropped == ("messages.content.cache_control", "context_management")
    assert b"cache_control" not in written.body
    assert b"context_management" not in written.body


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"extra": {"house_rules": []}}, "house_rules"),
        ({"messages": (Message("user", (Text("x", extra={"said_by": {}}),)),)}, "messages[0].content.said_by"),
        ({"messages": (Message("user", (Image(Stored("f")),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (Text("x"), Document(Stored("f")))),)}, "messages[0].content[1]"),
        ({"messages": (Message("user", (Audio(Inline("video/mp4", "AA")),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (ToolResult("c"),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("tool", (Text("x"),)),)}, "messages[0].parts[0]"),
        ({"tools": (Tool("web", kind="web_search_20250305", extra={"max_uses": 3}),)}, "tools[0]"),
        ({"tools": (Tool("f", extra={"runs_where": "there"}),)}, "tools[0].runs_where"),
    ],
)
def test_what_would_change_the_meaning_is_refused_with_its_path(members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameter) as refusal:
        write_request(foreign(**members))
    assert refusal.value.param == param


def test_sounds_and_files_elsewhere_must_be_fetched_first() -> None:
    parts = (
        Audio(Remote("https://x.example/a")),
        Document(Remote("https://x.example/b")),
        Image(Remote("https://x/c")),
    )
    assert write_request(foreign(messages=(Message("user", parts),))).wants_inline == (
        "https://x.example/a",
        "https://x.example/b",
    )


def test_a_schema_without_a_name_gets_one() -> None:
    body = write(foreign(response_format=ResponseFormat("json_schema", schema={"type": "object"})))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


def test_allowed_tools_are_named_with_their_own_kind() -> None:
    tools = (Tool("f"), Tool("g", kind="custom"))
    body = write(foreign(tools=tools, tool_choice=ToolChoice("allowed_required", ("f", "g"))))
    assert body["tool_choice"]["allowed_tools"] == {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
    }


@pytest.mark.parametrize("dialect", ["openai_responses", "anthropic_messages"])
def test_what_clients_made_of_an_answer_for_themselves_is_left_behind(dialect: str) -> None:
    call = {"name": "f", "arguments": '{"a":1}', "parsed_arguments": {"a": 1}}
    said = {
        "role": "assistant",
        "content": "{}",
        "parsed": {},
        "tool_calls": [{"id": "c", "type": "function", "function": call}],
    }
    turns = [{"role": "user", "content": "Hi"}, said, {"role": "tool", "tool_call_id": "c", "content": "1"}]
    request = read_request(msgspec.json.encode({"model": "m", "messages": turns, "max_tokens": 9}))
    written = DIALECTS[dialect].write_request(request)
    assert b"parsed" not in written.body
    assert {path.rpartition(".")[2] for path in written.dropped} == {"parsed", "parsed_arguments"}
