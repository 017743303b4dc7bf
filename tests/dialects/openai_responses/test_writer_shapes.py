"""Every event of a written stream is what the vendor's SDK promises, in an order that its own accumulator takes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState

from tallygate.dialects.openai_responses.writer import ResponsesWriter
from tallygate.dialects.sse import Parser
from tallygate.errors import ProviderFailed, ProviderOverloaded, UnsupportedParameter
from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse, Choice, FinishReason
from tallygate.genai.messages import Part, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.unfold import unfold
from tallygate.genai.usage import Usage
from tests.dialects.openai_responses.sdk_shapes import check_event, check_response
from tests.laws.test_crossing_laws import responses

ASKED = msgspec.json.encode({
    "model": "m",
    "input": "hi",
    "instructions": "Be brief.",
    "temperature": 0.5,
    "max_output_tokens": 99,
    "metadata": {"a": "b"},
    "reasoning": {"effort": "low"},
    "store": True,
    "previous_response_id": None,
    "tools": [
        {"type": "function", "name": "f", "parameters": {}, "strict": False},
        {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "g"}]},
    ],
})  # fmt: skip


def write(events: list[stream.Event], asked: bytes = b"") -> list[dict[str, Any]]:
    """The events of the written stream, each under its own name."""
    writer = ResponsesWriter(asked)
    pieces = Parser().feed(b"".join(map(writer.feed, events)))
    decoded = [msgspec.json.decode(piece.data) for piece in pieces]
    assert [piece.event.decode() for piece in pieces] == [event["type"] for event in decoded]
    return decoded


def answer(*parts: Part, reason: FinishReason = "stop") -> ChatResponse:
    return ChatResponse("id", "m", 1, (Choice(0, parts, reason),), Usage(3, 4), "default", "elsewhere")


def play(events: list[dict[str, Any]]) -> Any:
    """The last answer that the SDK's accumulator makes of the events."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    last: Any = None
    for event in events:
        for told in state.handle_event(check_event(event)):
            last = told
    return last.response


def test_a_stream_of_every_kind_of_part() -> None:
    parts = (
        Reasoning("Hm.", signature="s"),
        Text("One. "),
        Refusal("No."),
        ToolCall("c1", "f", '{"a":1}'),
        ToolCall("c2", "sql", "select", "custom"),
        ToolCall("c3", "ns__g", "{}"),
        Text("Two."),
    )
    events = write(unfold(answer(*parts, reason="tool_calls")), ASKED)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    response = play(events)
    assert [item.type for item in response.output] == [
        "reasoning", "message", "function_call", "custom_tool_call", "function_call", "message",
    ]  # fmt: skip
    assert (response.output[4].name, response.output[4].namespace) == ("g", "ns")
    assert response.output_text == "One. Two."


def test_what_an_answer_repeats_of_its_request() -> None:
    last = write(unfold(answer(Text("Hi"))), ASKED)[-1]["response"]
    response = check_response(last)
    assert (response.instructions, response.temperature, response.max_output_tokens) == ("Be brief.", 0.5, 99)
    assert response.metadata == {"a": "b"}
    assert len(response.tools) == 2
    assert last["store"] is False


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        ("stop", ("response.completed", "completed", None)),
        ("pause", ("response.completed", "completed", None)),
        ("length", ("response.incomplete", "incomplete", "max_output_tokens")),
        ("content_filter", ("response.incomplete", "incomplete", "content_filter")),
        ("refusal", ("response.incomplete", "incomplete", "content_filter")),
    ],
)
def test_how_an_answer_ends(reason: FinishReason, ends: tuple[str, str, str | None]) -> None:
    last = write(unfold(answer(Text("Hi"), reason=reason)))[-1]
    response = check_response(last["response"])
    details = response.incomplete_details
    assert (last["type"], response.status, details.reason if details else None) == ends


def test_an_answer_without_usage_says_zero() -> None:
    last = write([stream.Started("id", "m"), stream.TextDelta("a"), stream.Finished("stop"), stream.Ended()])[-1]
    assert check_response(last["response"]).usage is not None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderFailed(), "server_error"),
        (ProviderOverloaded(), "rate_limit_exceeded"),
        (UnsupportedParameter(param="x"), "invalid_prompt"),
    ],
)
def test_a_failure_is_told_in_every_way_that_clients_know(error: Any, code: str) -> None:
    writer = ResponsesWriter()
    writer.feed(stream.Started("id", "m"))
    told, failed = [msgspec.json.decode(piece.data) for piece in Parser().feed(writer.fail(error, "req"))]
    assert (told["type"], told["message"], told["code"], told["request_id"]) == (
        "error",
        error.message,
        error.code,
        "req",
    )
    assert told["error"]["message"] == error.message
    response = check_event(failed)
    assert failed["response"]["error"] == {"code": code, "message": error.message}
    assert (failed["response"]["status"], failed["response"]["id"]) == ("failed", "id")
    assert response is not None


def test_calls_whose_arguments_come_by_turns_stand_open_beside_each_other() -> None:
    events = write([
        stream.Started("id", "m"),
        stream.ToolCallStarted(0, "a", "f"),
        stream.ToolArgumentsDelta(0, '{"x":'),
        stream.ToolCallStarted(1, "b", "f"),
        stream.ToolArgumentsDelta(1, "{}"),
        stream.ToolArgumentsDelta(0, "1}"),
        stream.Finished("tool_calls"),
        stream.Ended(),
    ])  # fmt: skip
    assert [item.arguments for item in play(events).output] == ['{"x":1}', "{}"]


def test_a_call_that_is_whole_is_done_before_the_next_begins() -> None:
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))
    kinds = [event["type"] for event in write(unfold(answer(*calls)))]
    added = [place for place, kind in enumerate(kinds) if kind == "response.output_item.added"]
    assert kinds.index("response.output_item.done") < added[1]


@given(response=responses("openai_responses"))
def test_whatever_another_dialect_said_is_told_as_promised(response: ChatResponse) -> None:
    events = write(unfold(response), ASKED)
    for event in events:
        check_event(event)
    if response.choices[0].finish_reason != "length":
        assert [item.type for item in play(events).output] == [
            item["type"] for item in events[-1]["response"]["output"]
        ]
