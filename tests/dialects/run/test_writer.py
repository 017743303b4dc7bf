"""Streams of runs: frames in their order, whatever the provider's events are."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.run.writer import RunWriter
from tallygate.errors import InvalidAnswer, InvalidValue, ProviderTimeout
from tallygate.genai import stream
from tallygate.genai.usage import Usage

DONE = b"data: [DONE]\n\n"
STARTED = stream.Started(id="call_1", model="m1", created_s=5)


def frames(*events: stream.Event, asked: bytes = b"") -> list[dict[str, Any]]:
    writer = RunWriter(asked)
    body = b"".join(map(writer.feed, events))
    assert body.endswith(DONE)
    return [
        msgspec.json.decode(part.removeprefix(b"data: ")) for part in body.removesuffix(DONE).split(b"\n\n") if part
    ]


def text(said: str, *, first: bool = False, last: bool = False, reason: str | None = None) -> dict[str, Any]:
    return {"run_id": "call_1", "text": said, "is_first": first, "is_last": last, "finish_reason": reason}


def test_words_then_the_summary() -> None:
    told = frames(
        STARTED,
        stream.TextDelta("hel"),
        stream.TextDelta("lo"),
        stream.Finished("stop"),
        stream.UsageSeen(Usage(7, 11)),
        stream.Ended(),
        asked=b'{"model":"m","prompt":"x","trace_id":"t"}',
    )
    counts = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    assert told == [
        {**text("hel", first=True), "reported": {"created": 5, "model": "m1"}},
        text("lo"),
        text("", last=True, reason="stop"),
        {
            "run_id": "call_1",
            "done": True,
            "tokens_in": 7,
            "tokens_out": 11,
            "reported": {"usage": counts},
            "trace_id": "t",
            "model_passport_id": "m",
        },
    ]


def test_calls_have_frames_of_their_own() -> None:
    told = frames(
        STARTED,
        stream.ToolCallStarted(0, "a", "f"),
        stream.ToolArgumentsDelta(0, "{}"),
        stream.Finished("tool_calls"),
        stream.Ended(),
    )
    assert [frame.get("tool_calls") for frame in told] == [
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": "{}"}}],
        None,
        None,
    ]
    assert told[0]["reported"] == {"created": 5, "model": "m1"}
    assert told[2] == text("", first=True, last=True, reason="tool_calls")


def test_an_answer_without_an_end_of_its_own_has_one() -> None:
    last, summary = frames(STARTED, stream.Ended())
    assert (last["is_first"], last["is_last"], last["finish_reason"]) == (True, True, None)
    assert summary == {"run_id": "call_1", "done": True}


def test_an_error_is_the_last_word() -> None:
    failed = RunWriter().fail(ProviderTimeout(), "req_1")
    assert failed == (
        b'data: {"error":"The provider did not answer in time.","error_code":"TIMEOUT","request_id":"req_1"}\n\n'
    )
    assert RunWriter().feed(stream.Failed(InvalidValue("x"))) == b'data: {"error":"x","error_code":"INVALID_VALUE"}\n\n'


def test_a_second_choice_has_no_place() -> None:
    writer = RunWriter()
    writer.feed(STARTED)
    with pytest.raises(InvalidAnswer):
        writer.feed(stream.TextDelta("x", 1))
