"""Streams as clients of this wire must have them."""

from typing import Any

import msgspec

from tallygate.dialects.openai_chat.writer import ChatWriter
from tallygate.errors import ProviderFailed, StreamBroken
from tallygate.genai.stream import (
    Ended,
    Event,
    ExtraDelta,
    Failed,
    Finished,
    LogprobsDelta,
    Ping,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    UsageSeen,
)
from tallygate.genai.usage import Usage

STARTED = Started("i", "m", 5, dialect="elsewhere")


def write(*events: Event, include_usage: bool = False) -> list[Any]:
    """The data of each event written, decoded; the terminator as its text."""
    writer = ChatWriter(include_usage=include_usage)
    written = b"".join(writer.feed(event) for event in events).decode()
    frames = written.split("\n\n")
    assert frames.pop() == ""
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
    data = [frame.removeprefix("data: ") for frame in frames]
    return [text if text == "[DONE]" else msgspec.json.decode(text) for text in data]


def deltas(*events: Event) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in write(STARTED, *events)]


def test_an_ordinary_stream_byte_by_byte() -> None:
    writer = ChatWriter(include_usage=True)
    head = b'data: {"id":"i","object":"chat.completion.chunk","created":5,"model":"m","choices":'
    usage = b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'
    assert writer.feed(STARTED) == b""
    assert writer.feed(TextDelta("Hi")) == (
        head + b'[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
    )
    assert writer.feed(Finished("stop")) == head + b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    assert writer.feed(UsageSeen(Usage(1, 2))) == b""
    assert writer.feed(Ended()) == head + b"[]," + usage + b"}\n\ndata: [DONE]\n\n"


def test_usage_is_said_once_at_the_end_and_only_if_asked_for() -> None:
    events = (STARTED, UsageSeen(Usage(1, 0)), TextDelta("x"), UsageSeen(Usage(1, 2)), Finished("stop"), Ended())
    asked = write(*events, include_usage=True)
    assert [chunk.get("usage", "absent") for chunk in asked[:-2]] == ["absent", "absent"]
    assert (asked[-2]["choices"], asked[-2]["usage"]["completion_tokens"], asked[-1]) == ([], 2, "[DONE]")
    assert not any("usage" in chunk for chunk in write(*events))


def test_role_id_and_name_are_said_once_for_each_choice_and_call() -> None:
    said = write(
        STARTED,
        TextDelta("a", 0),
        TextDelta("b", 1),
        TextDelta("c", 0),
        ToolCallStarted(3, "c1", "f"),
        ToolCallStarted(7, "c2", "g", kind="custom"),
        ToolArgumentsDelta(3, "{}"),
        ToolArgumentsDelta(7, "x"),
        Ended(),
    )
    choices = [chunk["choices"][0] for chunk in said[:-1]]
    assert [choice["delta"].get("role") for choice in choices] == ["assistant", "assistant", None] + [None] * 4
    assert [choice["delta"]["tool_calls"] for choice in choices[3:]] == [
        [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "g", "input": ""}}],
        [{"index": 0, "function": {"arguments": "{}"}}],
        [{"index": 1, "custom": {"input": "x"}}],
    ]


def test_every_chunk_has_the_same_id_time_and_model() -> None:
    started = Started("i", "m", 5, "flex", "elsewhere")
    chunks = write(started, TextDelta("x"), Finished("stop"), UsageSeen(Usage()), Ended(), include_usage=True)[:-1]
    heads = [(c["id"], c["created"], c["model"], c["object"], c["service_tier"]) for c in chunks]
    assert set(heads) == {("i", 5, "m", "chat.completion.chunk", "flex")}


def test_a_thought_goes_out_in_both_forms() -> None:
    first, second, third = deltas(
        ReasoningDelta("a", part=4), ReasoningDelta("b", part=4, signature="s"), ReasoningDelta(part=9, encrypted="dd")
    )
    assert first == {
        "role": "assistant",
        "reasoning_content": "a",
        "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}],
    }
    assert second["reasoning_details"] == [{"type": "reasoning.text", "text": "b", "signature": "s", "index": 0}]
    assert third == {"reasoning_details": [{"type": "reasoning.encrypted", "data": "dd", "index": 1}]}


def test_another_dialects_details_stay_behind() -> None:
    said = write(
        Started("i", "m", dialect="elsewhere", extra={"container": 1}),
        ToolCallStarted(0, "c", "f", extra={"caller": {}}),
        LogprobsDelta({"x": 1}),
        ExtraDelta({"message": {"citations": []}}),
        Finished("stop", extra={"stop_details": {}}),
        UsageSeen(Usage(), {"usage": {"inference_geo": "x"}}),
        Ended({"late": 1}),
        include_usage=True,
    )
    text = msgspec.json.encode(said).decode()
    assert not any(word in text for word in ("container", "caller", '"x"', "citations", "stop_details", "geo", "late"))


def test_refusals_and_strange_orders() -> None:
    assert deltas(RefusalDelta("No."), ToolArgumentsDelta(5, "{}")) == [{"role": "assistant", "refusal": "No."}]


def test_an_answer_without_a_word_still_says_whose_it_is() -> None:
    head, end = write(STARTED, Ended())
    assert (head["id"], head["choices"], end) == ("i", [], "[DONE]")


def test_signs_of_life_say_nothing() -> None:
    assert ChatWriter(include_usage=False).feed(Ping()) == b""


def test_a_failure_is_one_event_with_an_error_and_no_terminator() -> None:
    writer = ChatWriter(include_usage=True)
    writer.feed(STARTED)
    error = {"message": "The provider's stream broke off before its end.", "type": "server_error"}
    expected = b"data: " + msgspec.json.encode({"error": {**error, "param": None, "code": "stream_broken"}}) + b"\n\n"
    assert writer.fail(StreamBroken()) == expected
    assert writer.feed(Failed(StreamBroken())) == expected
    assert b"provider_error" in writer.fail(ProviderFailed())
