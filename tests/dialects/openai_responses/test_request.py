"""Requests of other dialects written for this wire, and what of this one is refused while it is read."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_responses.peek import peek
from tallygate.dialects.openai_responses.request import read_request, write_request
from tallygate.dialects.openai_responses.response import write_response
from tallygate.dialects.registry import DIALECTS
from tallygate.errors import InvalidValue, MissingField, RequestError, UnsupportedParameter
from tallygate.genai.chat import (
    ChatRequest,
    ChatResponse,
    Choice,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from tallygate.genai.messages import (
    Audio,
    Inline,
    Message,
    Opaque,
    Reasoning,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
)

HI = Message("user", (Text("Hi"),))


def foreign(**members: Any) -> ChatRequest:
    known: dict[str, Any] = {"model": "m", "messages": (HI,), "dialect": "elsewhere"}
    return ChatRequest(**(known | members))


def body_of(request: ChatRequest) -> dict[str, Any]:
    return msgspec.json.decode(write_request(request).body)


def test_nothing_is_stored_for_another_dialect() -> None:
    assert body_of(foreign())["store"] is False


def test_one_system_text_is_the_instructions_and_several_are_an_item() -> None:
    assert body_of(foreign(system=(Text("a"),)))["instructions"] == "a"
    several = body_of(foreign(system=(Text("a"), Text("b"))))
    assert "instructions" not in several
    assert several["input"][0]["role"] == "system"


def test_strictness_that_nobody_asked_for_is_switched_off() -> None:
    assert body_of(foreign(tools=(Tool("f"),)))["tools"][0]["strict"] is False


def test_a_signed_thought_of_another_provider_is_left_out_and_named() -> None:
    turn = Message("assistant", (Reasoning("Hm.", signature="s"), Text("So.")))
    written = write_request(foreign(messages=(HI, turn, HI)))
    assert written.dropped == ("messages.reasoning",)
    assert b"Hm." not in written.body


def test_a_thought_sealed_on_this_wire_comes_back() -> None:
    thought = Reasoning("", encrypted="gAAA", extra={"format": "openai-responses-v1", "index": 0})
    body = body_of(foreign(messages=(HI, Message("assistant", (thought, Text("So."))), HI)))
    assert body["input"][1] == {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


@pytest.mark.parametrize(
    ("options", "expected", "dropped"),
    [
        (ReasoningOptions(effort="low"), {"effort": "low"}, ()),
        (ReasoningOptions(tokens_max=1_024), {"effort": "low"}, ("reasoning.tokens_max",)),
        (ReasoningOptions(tokens_max=99_999), {"effort": "high"}, ("reasoning.tokens_max",)),
        (
            ReasoningOptions(enabled=True, exclude=False),
            {"summary": "auto"},
            ("reasoning.enabled", "reasoning.exclude"),
        ),
        (ReasoningOptions(enabled=False), None, ("reasoning.enabled",)),
    ],
)
def test_thinking(options: ReasoningOptions, expected: Any, dropped: tuple[str, ...]) -> None:
    written = write_request(foreign(reasoning=options))
    assert msgspec.json.decode(written.body).get("reasoning") == expected
    assert written.dropped == dropped


def test_wishes_about_style_are_left_out_and_named() -> None:
    sampling = Sampling(seed=1, top_k=5, min_p=0.1, frequency_penalty=1, presence_penalty=0, repetition_penalty=1)
    assert write_request(foreign(sampling=sampling)).dropped == ("seed", "top_k", "min_p", "frequency_penalty")
    assert write_request(foreign(user="u" * 65)).dropped == ("user",)
    named = Message("user", (Text("a"),), name="bob")
    assert write_request(foreign(messages=(named,))).dropped == ("messages.name",)


def test_a_mistake_in_a_result_is_told_by_its_words() -> None:
    turn = Message("assistant", (ToolCall("c", "f", "{}"),))
    result = Message("tool", (ToolResult("c", (Text("broke"),), is_error=True),))
    written = write_request(foreign(messages=(HI, turn, result)))
    assert written.dropped == ("messages.content.is_error",)


def test_the_result_of_a_custom_call_is_one() -> None:
    turn = Message("assistant", (ToolCall("c", "f", "x", "custom"),))
    body = body_of(foreign(messages=(HI, turn, Message("tool", (ToolResult("c", (Text("ok"),)),)))))
    assert [item["type"] for item in body["input"]] == ["message", "custom_tool_call", "custom_tool_call_output"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"stop": ("x",)}, "stop"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"modalities": ("audio",)}, "modalities"),
        ({"sampling": Sampling(logit_bias={"1": 5.0})}, "logit_bias"),
        ({"tools": (Tool("web_search_20250305", kind="web_search_20250305"),)}, "tools[0]"),
        ({"tool_choice": ToolChoice("tool", ("x",), "web_search")}, "tool_choice"),
        ({"tool_choice": ToolChoice("auto", extra={"x": 1})}, "tool_choice.x"),
        ({"response_format": ResponseFormat("text", extra={"x": 1})}, "response_format.x"),
        ({"extra": {"logit_banana": 1}}, "logit_banana"),
        ({"messages": (HI, Message("assistant", (Text("So"),)))}, "messages[1]"),
        ({"messages": (Message("user", (Opaque("new"),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (Audio(Remote("https://a.example")),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (Audio(Inline("video/mp4", "")),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (Audio(Stored("f")),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("assistant", (Opaque("new"),)), HI)}, "messages[0].content[0]"),
        ({"messages": (Message("tool", (Text("a"),)),)}, "messages[0].content[0]"),
    ],
)
def test_what_changes_the_meaning_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        write_request(foreign(**members))
    assert caught.value.param == param


def refuse(**members: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_request(msgspec.json.encode({"model": "m", "input": "hi", **members}))
    return caught.value


@pytest.mark.parametrize(
    ("members", "cls", "param"),
    [
        ({"input": None}, MissingField, "input"),
        ({"input": []}, InvalidValue, "input"),
        ({"input": [{"role": "critic", "content": ""}]}, InvalidValue, "input[0].role"),
        ({"input": [{"role": "user"}]}, MissingField, "input[0].content"),
        ({"input": [{"type": "function_call", "name": "f"}]}, MissingField, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, MissingField, "input[0].output"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            MissingField,
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]},
            InvalidValue,
            "input[0].content[0].image_url",
        ),
        ({"tools": [{"type": "function"}]}, MissingField, "tools[0].name"),
        ({"tools": [{"type": "namespace", "tools": [{"type": "function"}]}]}, MissingField, "tools[0].name"),
        ({"tool_choice": "sometimes"}, InvalidValue, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "x"}}, InvalidValue, "tool_choice.mode"),
        ({"text": {"format": {"type": "yaml"}}}, InvalidValue, "text.format.type"),
        ({"metadata": {"a": 1}}, InvalidValue, "metadata.a"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(members: dict[str, Any], cls: type, param: str) -> None:
    refusal = refuse(**members)
    assert isinstance(refusal, cls)
    assert refusal.param == param


def test_tools_of_several_kinds_that_are_allowed_stay_as_they_are() -> None:
    choice = {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
    }
    body = msgspec.json.encode({"model": "m", "input": "hi", "tool_choice": choice})
    assert body_of(read_request(body))["tool_choice"] == choice


def test_the_choice_of_a_function_in_a_namespace_names_both() -> None:
    choice = {"type": "function", "name": "g", "namespace": "ns"}
    request = read_request(msgspec.json.encode({"model": "m", "input": "hi", "tool_choice": choice}))
    assert request.tool_choice is not None
    assert request.tool_choice.names == ("ns__g",)
    assert body_of(request)["tool_choice"] == choice


def test_a_function_that_only_looks_as_if_it_stood_in_a_namespace_stays_as_it_is() -> None:
    tool = {"type": "function", "name": "f", "parameters": None, "strict": False, "namespace": "ns"}
    body = msgspec.json.encode({"model": "m", "input": "hi", "tools": [tool]})
    assert body_of(read_request(body))["tools"] == [tool]


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
def test_a_reference_to_a_thought_that_nobody_kept_is_a_thought_left_out(dialect: str) -> None:
    answer = ChatResponse("resp_1", "m", 0, (Choice(0, (Reasoning("Hm."),)),), dialect="elsewhere")
    (thought,) = msgspec.json.decode(write_response(answer))["output"]
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "item_reference", "id": thought["id"]},
        call,
        {"type": "function_call_output", "call_id": "c", "output": "1"},
    ]
    body = msgspec.json.encode({"model": "m", "input": items, "max_output_tokens": 9})
    assert peek(body, 64).model == "m"
    written = DIALECTS[dialect].write_request(read_request(body))
    assert written.dropped == ("messages.reasoning",)
    assert len(msgspec.json.decode(written.body)["messages"]) == 3
    # The thought itself says no more by its id.
    sent_back = read_request(msgspec.json.encode({"model": "m", "input": [thought]}))
    assert sent_back.messages[0].parts == (Reasoning("Hm."),)
