"""Streams: OpenAI's chunks, ends and thoughts as this wire names them, usage last and always, failures as chunks."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openrouter.reader import OpenRouterReader
from tallygate.dialects.openrouter.writer import OpenRouterWriter
from tallygate.errors import InvalidAnswer, ProviderTimeout
from tallygate.genai import stream
from tallygate.genai.usage import Usage

DONE = b"data: [DONE]\n\n"
STARTED = stream.Started("gen-1", "m", 5, dialect="openai_chat")
HEAD = {"id": "gen-1", "object": "chat.completion.chunk", "created": 5, "model": "m"}


def write(*events: stream.Event) -> bytes:
    writer = OpenRouterWriter()
    return b"".join(map(writer.feed, events))


def chunks(written: bytes) -> list[Any]:
    assert written.endswith(DONE)
    return [msgspec.json.decode(frame[6:]) for frame in written.removesuffix(DONE).split(b"\n\n")[:-1]]


def test_the_chunks_of_an_answer() -> None:
    used = stream.UsageSeen(Usage(3, 2), extra={"usage": {"cost": 9, "x_more": 1}})
    told = chunks(write(STARTED, stream.TextDelta("4"), stream.Finished("stop"), used, stream.Ended()))
    said = {"index": 0, "delta": {"role": "assistant", "content": "4"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "x_more": 1}
    assert told == [
        {**HEAD, "choices": [said]},
        {**HEAD, "choices": [end]},
        {**HEAD, "choices": [], "usage": usage},
    ]


@pytest.mark.parametrize(
    "events",
    [
        [stream.Ended()],
        [STARTED, stream.Ended()],
        [STARTED, stream.TextDelta("4"), stream.Finished("stop"), stream.Ended()],
        [STARTED, stream.Finished("stop"), stream.Ended({"x_late": 1})],
        [STARTED, stream.UsageSeen(Usage(1, 1)), stream.Ended()],
    ],
)
def test_the_last_chunk_has_room_for_usage_and_no_choice(events: list[stream.Event]) -> None:
    *before, last = chunks(write(*events))
    assert last["choices"] == []
    assert all(chunk["choices"] and "usage" not in chunk for chunk in before)


def test_the_providers_word_for_the_end() -> None:
    word = {"finish_reason": "max_tokens"}
    _, end, _ = chunks(write(STARTED, stream.TextDelta("4"), stream.Finished("length", extra=word), stream.Ended()))
    assert end["choices"][0]["finish_reason"] == "length"
    assert end["choices"][0]["native_finish_reason"] == "max_tokens"
    foreign = stream.Started("gen-1", "m", 5, dialect="anthropic_messages")
    end, _ = chunks(write(foreign, stream.Finished("length", extra={"stop_reason": "max_tokens"}), stream.Ended()))
    assert end["choices"][0] == {"index": 0, "delta": {"role": "assistant"}, "finish_reason": "length",
                                 "native_finish_reason": None}  # fmt: skip


def test_thoughts() -> None:
    thought, *_ = chunks(write(STARTED, stream.ReasoningDelta("hm"), stream.Ended()))
    assert thought["choices"][0]["delta"] == {
        "role": "assistant",
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}],
    }


def test_a_failure_is_a_chunk_and_no_end_follows() -> None:
    written = write(STARTED, stream.TextDelta("4"), stream.Failed(ProviderTimeout()))
    last = written.split(b"\n\n")[-2]
    assert not written.endswith(DONE)
    assert msgspec.json.decode(last[6:]) == {
        **HEAD,
        "error": {
            "code": 524,
            "message": ProviderTimeout().message,
            "metadata": {"error_type": "timeout", "reason": "timeout"},
        },
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error", "native_finish_reason": None}],
    }
    frames = OpenRouterReader().feed(written)
    (event,) = frames[-1].events
    assert isinstance(event, stream.Failed)
    assert isinstance(event.error, ProviderTimeout)


def test_a_part_that_has_no_place_here() -> None:
    with pytest.raises(InvalidAnswer):
        write(STARTED, stream.OpaqueSeen("web_search_tool_result"))
