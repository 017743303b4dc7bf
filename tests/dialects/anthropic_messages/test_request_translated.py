"""Requests that came in another dialect: what is carried, what is named as left out, what is refused."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.anthropic_messages.request import write_request
from tallygate.errors import MissingField, UnsupportedParameter
from tallygate.genai.chat import ChatRequest, ReasoningOptions, ResponseFormat, Sampling, Tool, ToolChoice
from tallygate.genai.messages import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Video,
)

HI = Message("user", (Text("Hi"),))
ADD = Tool("add", parameters={"type": "object"})


def foreign(*messages: Message, **members: Any) -> ChatRequest:
    given: dict[str, Any] = {"output_tokens_max": 9, "dialect": "elsewhere", **members}
    return ChatRequest("m", messages or (HI,), **given)


def write(request: ChatRequest) -> tuple[dict[str, Any], tuple[str, ...]]:
    written = write_request(request)
    return msgspec.json.decode(written.body), written.dropped


def refuse(request: ChatRequest) -> str | None:
    with pytest.raises(UnsupportedParameter) as caught:
        write_request(request)
    return caught.value.param


def test_a_cap_must_come_from_somewhere() -> None:
    with pytest.raises(MissingField) as caught:
        write_request(foreign(output_tokens_max=None))
    assert caught.value.param == "max_tokens"


def test_the_least_request_says_no_more_than_it_must() -> None:
    body, dropped = write(foreign())
    assert body == {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    assert dropped == ()


def test_turns_of_one_role_join_and_empty_ones_go() -> None:
    body, dropped = write(
        foreign(
            HI,
            Message("user", (Text("there"),), name="ada"),
            Message("assistant", (Text(""), ToolCall("c:1", "add", '{"a":1}'), ToolCall("c2", "add"))),
            Message("tool", (ToolResult("c:1", (Text("2"),)),)),
            Message("tool", (ToolResult("c2", (), is_error=True),)),
            Message("user", (Text(""),)),
            Message("assistant", (Refusal("No."),)),
            HI,
        )
    )
    id_ = "tally64_Yzox"
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": id_, "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "add", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": id_, "content": "2"},
                {"type": "tool_result", "tool_use_id": "c2", "is_error": True},
            ],
        },
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Hi"},
    ]
    assert dropped == ("messages.name",)


def test_instructions_gather_at_the_beginning_and_say_so_if_they_moved() -> None:
    leading = (Message("system", (Text("a"),)), Message("developer", (Text("b"),)))
    body, dropped = write(foreign(*leading, HI, system=(Text("first"),)))
    assert [block["text"] for block in body["system"]] == ["first", "a", "b"]
    assert dropped == ()
    body, dropped = write(foreign(HI, Message("system", (Text("late"),))))
    assert (body["system"], dropped) == ("late", ("messages.system.position",))
    assert refuse(foreign(Message("system", (Text("a"),)))) == "messages"
    assert refuse(foreign(Message("system", (Image(Remote("https://a.example")),)), HI)) == "messages[0].content[0]"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (Audio(Inline("audio/wav", "AA==")), "messages[0].content[0]"),
        (Video(Remote("https://a.example/v.mp4")), "messages[0].content[0]"),
        (Image(Stored("file_1")), "messages[0].content[0]"),
        (Document(Inline("application/msword", "AA==")), "messages[0].content[0]"),
        (Document(Inline("text/plain", "*")), "messages[0].content[0]"),
        (Opaque("search_result"), "messages[0].content[0]"),
        (ToolCall("c", "f", "not json"), "messages[0].content[0]"),
        (ToolCall("c", "f", "[1]"), "messages[0].content[0]"),
        (ToolCall("c", "f", "free text", kind="custom"), "messages[0].content[0]"),
        (Text("a", extra={"x": 1}), "messages[0].content[0].x"),
        (Text("", extra={"x": 1}), "messages[0].content[0].x"),
    ],
)
def test_parts_that_cannot_be_carried_are_refused(part: Any, param: str) -> None:
    assert refuse(foreign(Message("user", (part,)))) == param


def test_members_this_wire_lent_to_others_are_carried_and_empty_ones_pass() -> None:
    text = Text("Hi", extra={"cache_control": {"type": "ephemeral"}, "annotations": [], "audio": None})
    body, dropped = write(foreign(Message("user", (text,))))
    assert body["messages"][0]["content"] == [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]
    assert dropped == ("messages.content.annotations",)


def test_what_a_client_keeps_of_an_answer_for_itself_is_dropped() -> None:
    told = Message("assistant", (Text("Hi"),), extra={"provider_specific_fields": {"refusal": None}})
    body, dropped = write(foreign(Message("user", (Text("Hello"),)), told, Message("user", (Text("Go on"),))))
    assert body["messages"][1] == {"role": "assistant", "content": "Hi"}
    assert dropped == ("messages.provider_specific_fields",)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"modalities": ("text", "audio")}, "modalities"),
        ({"sampling": Sampling(logit_bias={"1": 5.0})}, "logit_bias"),
        ({"response_format": ResponseFormat("json_object")}, "response_format"),
        ({"response_format": ResponseFormat("json_schema")}, "response_format"),
        ({"tools": (Tool("sql", kind="custom"),)}, "tools[0]"),
        ({"tools": (Tool("file_search", kind="file_search"),)}, "tools[0]"),
        ({"tools": (ADD,), "tool_choice": ToolChoice("tool", ("sql",), "custom")}, "tool_choice"),
        ({"tool_choice": ToolChoice("auto", extra={"x": 1})}, "tool_choice.x"),
        ({"extra": {"web_search_options": {}}}, "web_search_options"),
    ],
)
def test_what_changes_the_meaning_is_refused(members: dict[str, Any], param: str) -> None:
    assert refuse(foreign(**members)) == param


@pytest.mark.parametrize(
    ("members", "written", "dropped"),
    [
        ({"n": 1, "logprobs": False, "modalities": ("text",), "parallel_tool_calls": True}, {}, ()),
        ({"metadata": {"a": "b"}, "user": "u"}, {"metadata": {"user_id": "u"}}, ("metadata",)),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, ()),
        ({"service_tier": "flex"}, {}, ("service_tier",)),
        ({"stop": ("END",)}, {"stop_sequences": ["END"]}, ()),
        ({"extra": {"store": True, "cache_control": {"ttl": "1h"}}}, {"cache_control": {"ttl": "1h"}}, ("store",)),
        ({"response_format": ResponseFormat("text")}, {}, ()),
        (
            {"response_format": ResponseFormat("json_schema", "a", {"type": "object"}, True, "d")},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            ("response_format.name", "response_format.description"),
        ),
    ],
)  # fmt: skip
def test_other_members(members: dict[str, Any], written: dict[str, Any], dropped: tuple[str, ...]) -> None:
    body, named = write(foreign(**members))
    assert {name: value for name, value in body.items() if name not in ("model", "max_tokens", "messages")} == written
    assert named == dropped


@pytest.mark.parametrize(
    ("sampling", "written", "dropped"),
    [
        (Sampling(temperature=0.5, top_p=0.9, top_k=5), {"temperature": 0.5, "top_p": 0.9, "top_k": 5}, ()),
        (Sampling(temperature=1, top_p=1, top_k=-1), {}, ()),
        (Sampling(temperature=1.5), {}, ("temperature",)),
        (Sampling(seed=1, min_p=0, repetition_penalty=1, presence_penalty=0.1), {}, ("seed", "presence_penalty")),
    ],
)
def test_sampling(sampling: Sampling, written: dict[str, Any], dropped: tuple[str, ...]) -> None:
    body, named = write(foreign(sampling=sampling))
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == written
    assert named == dropped


@pytest.mark.parametrize(
    ("options", "thinking", "effort", "dropped"),
    [
        (ReasoningOptions(effort="high"), {"type": "adaptive"}, "high", ()),
        (ReasoningOptions(effort="minimal"), {"type": "adaptive"}, "low", ("reasoning.effort",)),
        (ReasoningOptions(effort="none"), {"type": "disabled"}, None, ()),
        (ReasoningOptions(enabled=False), {"type": "disabled"}, None, ()),
        (ReasoningOptions(enabled=True), {"type": "adaptive"}, None, ()),
        (ReasoningOptions(tokens_max=5_000), {"type": "enabled", "budget_tokens": 5_000}, None, ()),
        (ReasoningOptions(tokens_max=5), {"type": "enabled", "budget_tokens": 1_024}, None, ("reasoning.tokens_max",)),
        (ReasoningOptions(enabled=True, exclude=True), {"type": "adaptive", "display": "omitted"}, None, ()),
        (ReasoningOptions("low", summary="auto"), {"type": "adaptive", "display": "summarized"}, "low", ()),
        (ReasoningOptions(exclude=True), None, None, ("reasoning.exclude",)),
    ],
)
def test_thinking(
    options: ReasoningOptions, thinking: dict[str, Any] | None, effort: str | None, dropped: tuple[str, ...]
) -> None:
    body, named = write(foreign(reasoning=options))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert named == dropped


def test_thinking_yields_to_a_forced_tool_and_temperature_to_thinking() -> None:
    forced: dict[str, Any] = {"tools": (ADD,), "tool_choice": ToolChoice("required")}
    body, dropped = write(foreign(reasoning=ReasoningOptions("low"), **forced))
    assert ("thinking" in body, body["output_config"], dropped) == (False, {"effort": "low"}, ("reasoning",))
    body, dropped = write(foreign(reasoning=ReasoningOptions("low"), sampling=Sampling(temperature=0.1, top_p=0.96)))
    assert (body.get("temperature"), body["top_p"], dropped) == (None, 0.96, ("temperature",))


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("tool", ("add",)), None, {"type": "tool", "name": "add"}),
        (ToolChoice("allowed_required", ("add",)), None, {"type": "any"}),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, written: dict[str, Any] | None) -> None:
    tools = (ADD, Tool("sub"))
    body, dropped = write(foreign(tools=tools, tool_choice=choice, parallel_tool_calls=parallel))
    allowed = ["add"] if choice is not None and choice.mode == "allowed_required" else ["add", "sub"]
    assert body.get("tool_choice") == written
    assert [tool["name"] for tool in body["tools"]] == allowed
    assert all(tool["input_schema"]["type"] == "object" for tool in body["tools"])
    assert dropped == ()


def test_thoughts_go_back_only_with_the_seal_of_this_wire() -> None:
    thoughts = (
        Reasoning("a", signature="s"),
        Reasoning(encrypted="e", extra={"format": "anthropic-claude-v1", "id": "r"}),
        Reasoning(encrypted="o", extra={"format": "openai-responses-v1"}),
        Reasoning("bare"),
    )
    body, dropped = write(foreign(HI, Message("assistant", (*thoughts, Text("b"))), HI))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "redacted_thinking", "data": "e"},
        {"type": "text", "text": "b"},
    ]
    assert dropped == ("messages.reasoning",)
