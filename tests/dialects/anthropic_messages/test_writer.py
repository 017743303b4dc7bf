"""What clients of this wire rely on in a stream: names, order, one end, and no end where there was none."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.anthropic_messages.writer import MessagesWriter
from tallygate.errors import InvalidAnswer, ProviderOverloaded
from tallygate.genai.stream import (
    Ended,
    Event,
    ExtraDelta,
    Failed,
    Finished,
    LogprobsDelta,
    OpaqueSeen,
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

STARTED = Started("msg_1", "m", dialect="elsewhere")


def write(*events: Event) -> list[dict[str, Any]]:
    """The data of each event written, checked for its name."""
    writer = MessagesWriter()
    told: list[dict[str, Any]] = []
    for block in b"".join(writer.feed(event) for event in (STARTED, *events)).split(b"\n\n")[:-1]:
        name, data = block.split(b"\n")
        told.append(msgspec.json.decode(data.removeprefix(b"data: ")))
        assert name == b"event: " + told[-1]["type"].encode()
    return told


def outline(told: list[dict[str, Any]]) -> list[str]:
    """Each event by its kind, its block's index, and what kind of block or fragment it is."""
    inner = [event.get("content_block") or event.get("delta") or {} for event in told]
    lines = [
        (event["type"].removeprefix("content_block_"), event.get("index", ""), part.get("type", ""))
        for event, part in zip(told, inner, strict=True)
    ]
    return [" ".join(str(word) for word in line if word != "") for line in lines]


def test_blocks_are_filled_one_after_the_other() -> None:
    told = write(
        ReasoningDelta("hm"),
        ReasoningDelta(signature="s"),
        ReasoningDelta(part=1, encrypted="e"),
        TextDelta("a"),
        TextDelta(""),
        TextDelta("b"),
        LogprobsDelta([]),
        ExtraDelta({"audio": 1}),
        TextDelta("other", choice=1),
        ToolCallStarted(0, "a:b", "f"),
        ToolArgumentsDelta(0, "{}"),
        UsageSeen(Usage(10, 2, cached_input_tokens=4)),
        Finished("tool_calls"),
        Ended(),
    )
    assert outline(told) == [
        "message_start",
        "start 0 thinking",
        "delta 0 thinking_delta",
        "delta 0 signature_delta",
        "stop 0",
        "start 1 redacted_thinking",
        "stop 1",
        "start 2 text",
        "delta 2 text_delta",
        "delta 2 text_delta",
        "stop 2",
        "start 3 tool_use",
        "delta 3 input_json_delta",
        "stop 3",
        "message_delta",
        "message_stop",
    ]
    assert told[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert told[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert told[-2]["usage"] == {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 2}


def test_a_call_waits_until_the_one_before_it_is_whole() -> None:
    told = write(
        ToolCallStarted(0, "a", "f"),
        ToolArgumentsDelta(0, '{"x":'),
        ToolCallStarted(1, "b", "g"),
        ToolArgumentsDelta(1, "{"),
        ToolArgumentsDelta(0, "{}}"),
        ToolArgumentsDelta(1, "}"),
        Finished("tool_calls"),
        Ended(),
    )
    fragments = [(event["index"], event["delta"]["partial_json"]) for event in told if "partial_json" in str(event)]
    assert fragments == [(0, '{"x":'), (0, "{}}"), (1, "{"), (1, "}")]


def test_a_call_that_was_complete_takes_no_more() -> None:
    with pytest.raises(InvalidAnswer):
        write(ToolCallStarted(0, "a", "f"), ToolArgumentsDelta(0, "{}"), TextDelta("then"), ToolArgumentsDelta(0, " "))


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((TextDelta("a"), Finished("content_filter")), "refusal"),
        ((RefusalDelta("No."), Finished("stop")), "refusal"),
        ((TextDelta("a"), Finished("pause")), "pause_turn"),
        ((TextDelta("a"),), "end_turn"),
    ],
)
def test_why_it_ended(events: tuple[Event, ...], reason: str) -> None:
    assert write(*events, Ended())[-2]["delta"]["stop_reason"] == reason


def test_an_answer_that_broke_off_does_not_look_finished() -> None:
    assert outline(write(TextDelta("a"), Finished("error"), Ended()))[-1] == "error"
    assert write(TextDelta("a"), Failed(ProviderOverloaded()))[-1]["error"]["type"] == "overloaded_error"


def test_signs_of_life_come_after_the_beginning_only() -> None:
    assert MessagesWriter().feed(Ping()) == b""
    assert outline(write(Ping())) == ["message_start", "ping"]


def test_another_dialects_own_part_has_no_place() -> None:
    with pytest.raises(InvalidAnswer):
        write(OpaqueSeen("image_generation"))
