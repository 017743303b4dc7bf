"""What is noted of an answer while it passes: counts that never shrink, and what was handed on."""

from pathlib import Path

import pytest

from tallygate.errors import StreamBroken
from tallygate.genai import stream
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Image, Inline, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.plan import Target
from tallygate.genai.usage import Usage
from tallygate.pipeline.watch import Watch
from tests.fakes.hallway import Stage


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    made = Watch(Stage(tmp_path).open())
    made.begin(Target("lab", "m"))
    return made


SAID: list[tuple[stream.Event, int]] = [
    (stream.TextDelta("abc"), 3),
    (stream.TextDelta("äß€"), 7),
    (stream.ReasoningDelta("thought"), 7),
    (stream.RefusalDelta("no"), 2),
    (stream.ToolCallStarted(0, "id", "look_up"), 7),
    (stream.ToolArgumentsDelta(0, '{"a":1}'), 7),
    (stream.OpaqueSeen("search", extra={"a": 1}), 0),
    (stream.ExtraDelta({"message": {"audio": {}}}), 0),
]


@pytest.mark.parametrize(("event", "size"), SAID)
def test_everything_a_model_says_counts(watch: Watch, event: stream.Event, size: int) -> None:
    watch.see([event])
    outcome = watch.outcome("ok")
    assert (outcome.produced, outcome.output_bytes) == (True, size)


SILENT: list[stream.Event] = [
    stream.Started("id", "m"),
    stream.TextDelta(""),
    stream.ReasoningDelta("", signature="s"),
    stream.ExtraDelta({}),
    stream.LogprobsDelta([]),
    stream.Finished("stop"),
    stream.UsageSeen(Usage(1, 1)),
    stream.Ping(),
    stream.Ended(),
]


@pytest.mark.parametrize("event", SILENT)
def test_what_surrounds_it_does_not(watch: Watch, event: stream.Event) -> None:
    watch.see([event])
    outcome = watch.outcome("ok")
    assert (outcome.produced, outcome.output_bytes) == (False, 0)


PARTS: list[tuple[Part, int]] = [
    (Text("abc"), 3),
    (Reasoning("thought"), 7),
    (Refusal("no"), 2),
    (ToolCall("id", "look_up", "{}"), 9),
    (Opaque("search"), 0),
    (Image(Inline("image/png", "...")), 0),
]


@pytest.mark.parametrize(("part", "size"), PARTS)
def test_a_whole_answer_counts_like_a_stream(watch: Watch, part: Part, size: int) -> None:
    watch.see_whole(ChatResponse("id", "m", choices=(Choice(0, (part,), finish_reason="stop"),)))
    outcome = watch.outcome("ok")
    assert (outcome.produced, outcome.output_bytes, outcome.finish_reasons) == (True, size, ("stop",))


def test_a_whole_answer_of_nothing_is_nothing(watch: Watch) -> None:
    watch.see_whole(ChatResponse("id", "m", choices=(Choice(0, (Text(""),)),)))
    assert not watch.outcome("ok").produced


def test_what_was_seen_but_not_handed_on_counts_only_in_an_answer_that_ended(watch: Watch) -> None:
    watch.see([stream.TextDelta("abc")])
    watch.count_chunk()
    watch.see([stream.TextDelta("defg")])
    assert watch.outcome("cancelled").output_bytes == 3
    assert watch.outcome("partial", "stream_broken").output_bytes == 3
    assert watch.outcome("ok").output_bytes == 7


COUNTS: list[tuple[list[Usage], Usage]] = [
    ([Usage(7, 1), Usage(7, 9, cached_input_tokens=3)], Usage(7, 9, cached_input_tokens=3)),
    ([Usage(7, 9), Usage(7, 2)], Usage(7, 9)),
    ([Usage(7, 9), Usage(0, 0)], Usage(7, 9)),
    ([Usage(7, 1), Usage(5, 9), Usage(6, 3)], Usage(7, 9)),
    ([Usage(0, 0)], Usage(0, 0)),
]


@pytest.mark.parametrize(("said", "kept"), COUNTS)
def test_no_total_shrinks(watch: Watch, said: list[Usage], kept: Usage) -> None:
    watch.see([stream.UsageSeen(usage) for usage in said])
    assert watch.outcome("ok").usage == kept


def test_another_attempt_begins_with_nothing_but_what_the_first_reported(watch: Watch) -> None:
    watch.see([stream.UsageSeen(Usage(7, 1)), stream.TextDelta("abc")])
    watch.fail(StreamBroken())
    watch.begin(Target("den", "m"))
    outcome = watch.outcome("failed")
    assert [(str(tried.target), tried.status, tried.error_code, tried.usage) for tried in outcome.attempts] == [
        ("lab/m", 502, "stream_broken", Usage(7, 1)),
        ("den/m", 0, "", None),
    ]
    assert (outcome.usage, outcome.output_bytes, outcome.served) == (None, 0, None)
