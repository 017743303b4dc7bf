"""Requests as clients send them: what is read from each field, what is refused and under which path."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.request import OUTPUT_CAP_KEY, read_request, write_request
from tallygate.errors import (
    InvalidEncoding,
    InvalidJson,
    InvalidValue,
    MissingField,
    RequestError,
    TooDeep,
    UnsupportedParameter,
)
from tallygate.genai.chat import ChatRequest, ReasoningOptions, ResponseFormat, Sampling, ToolChoice
from tallygate.genai.messages import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Reasoning,
    Refusal,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
    Video,
)

HELLO = {"role": "user", "content": "Hello"}


def read(**members: Any) -> ChatRequest:
    return read_request(msgspec.json.encode({"model": "m", "messages": [HELLO], **members}))


def read_message(message: dict[str, Any]) -> Message:
    return read(messages=[message]).messages[0]


def read_part(part: dict[str, Any]) -> Any:
    return read_message({"role": "user", "content": [part]}).parts[0]


def write(request: ChatRequest) -> dict[str, Any]:
    return msgspec.json.decode(write_request(request).body)


@pytest.mark.parametrize(
    ("members", "field", "value"),
    [
        ({"max_tokens": 5}, "output_tokens_max", 5),
        ({"max_completion_tokens": 5}, "output_tokens_max", 5),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "output_tokens_max", 5),
        ({"max_tokens": None}, "output_tokens_max", None),
        ({"stop": "END"}, "stop", ("END",)),
        ({"stop": ["a", "b"]}, "stop", ("a", "b")),
        ({"stop": None}, "stop", ()),
        ({"system": "Be brief."}, "system", (Text("Be brief."),)),
        ({"system": [{"type": "text", "text": "Be brief."}]}, "system", (Text("Be brief."),)),
        ({"temperature": 0}, "sampling", Sampling(temperature=0)),
        ({"top_k": 5, "min_p": 0.1, "seed": -7}, "sampling", Sampling(top_k=5, min_p=0.1, seed=-7)),
        ({"logit_bias": {"50256": -100}}, "sampling", Sampling(logit_bias={"50256": -100})),
        ({"response_format": {"type": "json_object"}}, "response_format", ResponseFormat("json_object")),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}},
            "response_format",
            ResponseFormat("json_schema", name="n", schema={}, strict=True),
        ),
        ({"reasoning_effort": "low"}, "reasoning", ReasoningOptions(effort="low")),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "low"}, "reasoning", ReasoningOptions(effort="low")),
        (
            {"reasoning": {"max_tokens": 9, "exclude": True, "enabled": True, "summary": "auto"}},
            "reasoning",
            ReasoningOptions(tokens_max=9, exclude=True, enabled=True, summary="auto"),
        ),
        ({"reasoning": None}, "reasoning", None),
        ({"tool_choice": "any"}, "tool_choice", ToolChoice("required")),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            "tool_choice",
            ToolChoice("tool", ("f",)),
        ),
        (
            {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
            "tool_choice",
            ToolChoice("tool", ("f",), "custom"),
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                }
            },
            "tool_choice",
            ToolChoice("allowed_auto", ("f",)),
        ),
        ({"stream": True, "stream_options": {"include_usage": True}}, "include_usage", True),
        ({"stream": None, "stream_options": None}, "include_usage", False),
        (
            {"stream_options": {"include_obfuscation": False}},
            "extra",
            {"stream_options": {"include_obfuscation": False}},
        ),
        ({"store": True, "verbosity": None}, "extra", {"store": True, "verbosity": None}),
        ({"modalities": ["text", "audio"]}, "modalities", ("text", "audio")),
        ({"metadata": {"a": "b"}}, "metadata", {"a": "b"}),
    ],
)
def test_each_field_is_read(members: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(read(**members), field) == value


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"type": "text", "text": "x", "cache_control": {}}, Text("x", extra={"cache_control": {}})),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            Image(Inline("image/png", "AAAA"), detail="low"),
        ),
        ({"type": "image_url", "image_url": "https://x.example/a.png"}, Image(Remote("https://x.example/a.png"))),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            Audio(Inline("audio/mpeg", "AAAA")),
        ),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, Audio(Inline("audio/wav", "AAAA"))),
        ({"type": "audio_url", "audio_url": {"url": "https://x.example/a"}}, Audio(Remote("https://x.example/a"))),
        (
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
            Video(Inline("video/mp4", "AAAA")),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(Stored("file-1"))),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            Document(Inline("application/pdf", "AAAA"), filename="a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "AAAA"}}, Document(Inline("application/pdf", "AAAA"))),
        (
            {"type": "file", "file": {"file_data": "https://x.example/a.pdf"}},
            Document(Remote("https://x.example/a.pdf")),
        ),
        ({"type": "refusal", "refusal": "No."}, Refusal("No.")),
    ],
)
def test_each_kind_of_part_is_read(part: dict[str, Any], value: Any) -> None:
    assert read_part(part) == value


def test_an_assistant_turn_is_thoughts_words_refusal_and_calls_in_that_order() -> None:
    message = read_message({
        "role": "assistant",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free text"}},
        ],
        "refusal": "No.",
        "content": "Hm.",
        "reasoning": "thinking",
        "audio": {"id": "audio_1"},
        "name": "ada",
    })  # fmt: skip
    assert message.parts == (
        Reasoning("thinking"),
        Text("Hm."),
        Refusal("No."),
        ToolCall("c1", "f", "{}"),
        ToolCall("c2", "g", "free text", "custom"),
    )
    assert (message.name, message.extra) == ("ada", {"audio": {"id": "audio_1"}})


def test_the_finer_form_of_a_thought_counts() -> None:
    details = [
        {"type": "reasoning.text", "text": "th", "signature": "s", "index": 0},
        {"type": "reasoning.encrypted", "data": "dd", "id": "r1", "index": 1},
    ]
    message = read_message({"role": "assistant", "content": None, "reasoning": "th", "reasoning_details": details})
    assert message.parts == (Reasoning("th", signature="s"), Reasoning(encrypted="dd", extra={"id": "r1"}))


def test_a_thought_in_words_beside_a_sealed_one_is_kept() -> None:
    details = [{"type": "reasoning.encrypted", "data": "dd"}]
    message = read_message({"role": "assistant", "reasoning_content": "th", "reasoning_details": details})
    assert message.parts == (Reasoning("th"), Reasoning(encrypted="dd"))


def test_the_older_functions_are_tools_and_are_written_back_as_they_came() -> None:
    wire = {
        "model": "m",
        "messages": [
            HELLO,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "sunny"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "[]"}},
            {"role": "function", "name": "f", "content": "rain"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }
    request = read_request(msgspec.json.encode(wire))
    assert [tool.name for tool in request.tools] == ["f"]
    assert request.tool_choice is not None
    assert request.tool_choice.names == ("f",)
    calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    results = [part for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    assert [call.id for call in calls] == [result.call_id for result in results]
    assert len({call.id for call in calls}) == 2
    assert write(request) == wire
    as_foreign = msgspec.structs.replace(request, dialect="elsewhere", tools=(), tool_choice=None)
    with pytest.raises(UnsupportedParameter):
        write_request(as_foreign)


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_the_older_choice_is_written_back(choice: str) -> None:
    wire = {"model": "m", "messages": [HELLO], "functions": [{"name": "f"}], "function_call": choice}
    assert write(read_request(msgspec.json.encode(wire))) == wire


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "root", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [HELLO, {"role": "user", "content": None}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [["x"]]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "dance"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc"}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file.file_data",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "10"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 2**64}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 10**9}, "n"),
        ({"temperature": 1e308}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"seed": 2**128}, "seed"),
        ({"stop": [""]}, "stop"),
        ({"stop": ["x"] * 1_000}, "stop"),
        ({"stop": "x" * 1_000_000}, "stop"),
        ({"stop": [5]}, "stop"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "dance"}}, "tool_choice.type"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, "reasoning"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(members: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as refusal:
        read(**members)
    assert isinstance(refusal.value, InvalidValue | MissingField)
    assert refusal.value.param == param
    assert f"`{param.split('[', maxsplit=1)[0].split('.', maxsplit=1)[0]}" in refusal.value.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", InvalidJson),
        (b"{", InvalidJson),
        (b'{"a":NaN}', InvalidJson),
        (b'{"a":"\\ud800"}', InvalidJson),
        (b'{"a":"\xff"}', InvalidEncoding),
        (b"[" * 100_000, TooDeep),
        (b"[]", InvalidValue),
        (b"null", InvalidValue),
    ],
)
def test_what_is_no_request_at_all_is_refused(body: bytes, kind: type[RequestError]) -> None:
    with pytest.raises(kind):
        read_request(body)


def test_a_system_beside_the_messages_becomes_the_first_message() -> None:
    body = write(read(system="Be brief."))
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, HELLO]
    assert "system" not in body


def test_the_cap_is_written_under_one_key() -> None:
    body = write(read(max_completion_tokens=5))
    assert body[OUTPUT_CAP_KEY] == 5
    assert "max_completion_tokens" not in body
