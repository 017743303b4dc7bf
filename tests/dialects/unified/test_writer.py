"""Streams as they are written: a choice in every chunk, one last chunk with all that is told at the end, `[DONE]`."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tallygate.dialects.unified.names import CHAT, GENERATE
from tallygate.dialects.unified.writer import UnifiedWriter
from tallygate.errors import InvalidAnswer, ProviderTimeout
from tallygate.genai import stream
from tallygate.genai.usage import Usage

DONE = b"data: [DONE]\n\n"
STARTED, USED = stream.Started("id1", "m", 5), stream.UsageSeen(Usage(3, 2))
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def write(dialect: str, events: Sequence[stream.Event]) -> bytes:
    writer = UnifiedWriter(dialect)
    return b"".join(map(writer.feed, events))


def chunks(written: bytes) -> list[Any]:
    assert written.endswith(DONE)
    frames = written.removesuffix(DONE).split(b"\n\n")[:-1]
    return [msgspec.json.decode(frame.removeprefix(b"data: ")) for frame in frames]


def test_a_chats_chunks() -> None:
    told = chunks(write(CHAT, [STARTED, stream.TextDelta("4"), stream.Finished("stop"), USED, stream.Ended()]))
    head = {"id": "id1", "object": "chat.completion.chunk", "created": 5, "model": "m"}
    said = {"index": 0, "delta": {"role": "assistant", "content": "4"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert told == [{**head, "choices": [said]}, {**head, "choices": [end], "usage": USAGE}]


def test_a_texts_chunks() -> None:
    events = [STARTED, stream.ReasoningDelta("hm"), stream.TextDelta("4"), stream.Finished("stop"), stream.Ended()]
    told = chunks(write(GENERATE, events))
    assert {chunk["object"] for chunk in told} == {"text_completion"}
    assert [chunk["choices"][0]["text"] for chunk in told] == ["", "4", ""]
    assert told[0]["choices"][0]["reasoning_content"] == "hm"
    assert told[-1]["choices"] == [{"index": 0, "text": "", "finish_reason": "stop"}]


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
@pytest.mark.parametrize(
    "events",
    [
        [stream.Ended()],
        [STARTED, stream.Ended()],
        [STARTED, USED, stream.Ended()],
        [STARTED, stream.TextDelta("4"), stream.Ended()],
        [STARTED, stream.TextDelta("4"), USED, stream.Ended()],
        [STARTED, stream.Finished("stop"), USED, stream.Ended()],
        [STARTED, stream.Finished("stop"), stream.Finished("length", 1), USED, stream.Ended()],
        [STARTED, stream.Finished("stop"), stream.TextDelta("b", 1), stream.Finished("stop", 1), stream.Ended()],
    ],
)
def test_every_chunk_has_a_choice_and_the_last_says_all(dialect: str, events: list[stream.Event]) -> None:
    told = chunks(write(dialect, events))
    assert all(chunk["choices"] for chunk in told)
    assert [chunk.get("usage") for chunk in told[:-1]] == [None] * (len(told) - 1)
    assert told[-1].get("usage") == (USAGE if USED in events else None)
    finished = [choice["index"] for chunk in told for choice in chunk["choices"] if choice["finish_reason"]]
    assert finished == [event.choice for event in events if isinstance(event, stream.Finished)]
    assert all(choice["index"] in finished for choice in told[-1]["choices"]) or not finished


def test_nothing_is_written_for_what_is_told_at_the_end() -> None:
    writer = UnifiedWriter(CHAT)
    assert b"".join(map(writer.feed, [STARTED, stream.Ping(), stream.Finished("stop"), USED])) == b""


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
def test_a_failure_is_an_error_event_and_the_terminator(dialect: str) -> None:
    told = (
        b'event: error\ndata: {"code":"BACKEND_TIMEOUT","message":"The provider did not answer in time.",'
        b'"metadata":{"reason":"timeout"}%b}\n\n' + DONE
    )
    assert UnifiedWriter(dialect).fail(ProviderTimeout(), "req_1") == told % b',"request_id":"req_1"'
    assert write(dialect, [STARTED, stream.TextDelta("4"), stream.Failed(ProviderTimeout())]).endswith(told % b"")


def test_a_part_that_has_no_place_is_no_answer() -> None:
    with pytest.raises(InvalidAnswer):
        write(CHAT, [STARTED, stream.OpaqueSeen("web_search")])


def test_what_belongs_to_the_answer_goes_with_the_first_chunk_whoever_finishes_first() -> None:
    started = stream.Started("id1", "m", 5, dialect=CHAT, extra={"x_a": 1})
    events = [started, stream.Finished("stop"), stream.TextDelta("b", 1), stream.Finished("stop", 1), stream.Ended()]
    first, last = chunks(write(CHAT, events))
    assert first["x_a"] == 1
    assert "x_a" not in last
    assert [choice["index"] for choice in last["choices"]] == [0, 1]
