"""Streams of this wire that recordings and laws do not reach: odd orders and broken ends."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.anthropic_messages.reader import MessagesReader
from tallygate.dialects.base import Frame
from tallygate.errors import InvalidAnswer, StreamBroken
from tallygate.genai.stream import (
    Ended,
    Event,
    Failed,
    Finished,
    Ping,
    Started,
    UsageSeen,
)
from tallygate.genai.usage import Usage

START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3}}}
STOP = {"type": "message_stop"}


def said(*events: dict[str, Any], named: bool = True) -> bytes:
    frames = (b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    names = (b"event: " + event["type"].encode() + b"\n" if named else b"" for event in events)
    return b"".join(name + frame for name, frame in zip(names, frames, strict=True))


def read(data: bytes) -> list[Frame]:
    reader = MessagesReader()
    return reader.feed(data) + reader.finish()


def events_of(data: bytes) -> list[Event]:
    return [event for frame in read(data) for event in frame.events]


def test_names_may_be_missing_and_unknown_events_pass() -> None:
    data = said(START, {"type": "surprise"}, {"type": "ping"}, STOP, named=False)
    assert [type(event) for event in events_of(data)] == [Started, UsageSeen, Ping, Ended]
    assert events_of(b": alive\n\n" + data)[0] == Ping()


def test_a_foreign_terminator_means_nothing() -> None:
    with pytest.raises(StreamBroken):
        read(said(START) + b"data: [DONE]\n\n")


@pytest.mark.parametrize("cut", [b"event: message_st", b'event: message_stop\ndata: {"type":"mess'])
def test_a_half_terminator_is_none(cut: bytes) -> None:
    with pytest.raises(StreamBroken):
        read(said(START) + cut)


def test_a_terminator_without_its_blank_line_gets_it() -> None:
    whole = said(START, STOP)
    frames = read(whole[:-2])
    assert b"".join(frame.raw for frame in frames) == whole
    assert frames[-1].events == (Ended(),)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_start", "index": 0, "content_block": {}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "f"}},
    ],
)
def test_what_is_not_this_wire_ends_in_one_failure(event: dict[str, Any]) -> None:
    last = events_of(said(START, event, STOP))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, InvalidAnswer)


def test_content_before_the_beginning_is_a_failure() -> None:
    event = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert isinstance(events_of(said(event))[0], Failed)


def test_the_end_is_marked_closing_and_nothing_else_is() -> None:
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}
    early = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 1}}
    frames = read(said(START, early, delta, STOP))
    assert [frame.closing for frame in frames] == [False, False, True, True]
    assert frames[1].events == (UsageSeen(Usage(3, 1)),)
    assert frames[2].events == (Finished("stop"), UsageSeen(Usage(3, 4)))
