"""The events of a stream past its guardrails: each choice keeps its order, text waits only while it must, and nothing
that spells it once more runs ahead of it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tallygate.access.guardrails.answers import StreamGuard
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.guardrails.settings import GuardrailSettings
from tallygate.errors import GuardrailBlocked
from tallygate.genai import stream
from tallygate.genai.stream import (
    Ended,
    Event,
    ExtraDelta,
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

WORD = "nightjar"
START = Started("a", "m")
STOP = Finished("stop")


def open_stream(**settings: Any) -> StreamGuard:
    own = {"kind": "regex", "deny": [WORD], "action": "redact", "replacement": "-", "look_back": 16, **settings}
    guard = Guardrails({"words": msgspec.convert(own, GuardrailSettings)}).choose("ws", "key", ("m",))
    assert guard is not None
    return guard.open_stream()


def pass_all(guard: StreamGuard, events: Iterable[Event]) -> list[Event]:
    return [told for event in events for told in guard.feed([event])]


def test_text_waits_only_at_its_end() -> None:
    guard = open_stream()
    assert guard.feed([START, TextDelta("a" * 20)]) == [START, TextDelta("aaaa")]
    assert guard.feed([Ping(), UsageSeen(Usage())]) == [Ping(), UsageSeen(Usage())]
    assert guard.feed([TextDelta("b")]) == [TextDelta("a")]
    assert guard.feed([STOP]) == [TextDelta("a" * 15 + "b"), STOP]
    assert guard.feed([Ended()]) == [Ended()]


def test_what_follows_a_text_comes_behind_it() -> None:
    told = pass_all(
        open_stream(),
        [
            ReasoningDelta("a night"),
            ReasoningDelta("jar?"),
            ReasoningDelta(signature="sealed"),
            TextDelta("one"),
            ToolCallStarted(0, "c", "find"),
            ToolArgumentsDelta(0, '{"bird":"nigh'),
            ToolArgumentsDelta(0, 'tjar","n":1}'),
            OpaqueSeen("citation"),
            RefusalDelta("no nightjar"),
            Ended(),
        ],
    )
    assert told == [
        ReasoningDelta("a -?", signature="sealed"),
        TextDelta("one"),
        ToolCallStarted(0, "c", "find"),
        ToolArgumentsDelta(0, '{"bird":"'),
        ToolArgumentsDelta(0, '-","n":1}'),
        OpaqueSeen("citation"),
        RefusalDelta("no -"),
        Ended(),
    ]


def test_choices_do_not_wait_for_each_other() -> None:
    guard = open_stream()
    assert guard.feed([TextDelta("night", 0), TextDelta("jar", 1), TextDelta("jar", 0)]) == []
    assert guard.feed([Finished("stop", 0)]) == [TextDelta("-", 0), Finished("stop", 0)]
    assert guard.feed([Finished("stop", 1)]) == [TextDelta("jar", 1), Finished("stop", 1)]


def test_two_parts_are_two_texts() -> None:
    told = pass_all(open_stream(), [TextDelta("night", part=0), TextDelta("jar", part=1), Ended()])
    assert told == [TextDelta("night", part=0), TextDelta("jar", part=1), Ended()]


def test_an_empty_delta_in_between_parts_no_text() -> None:
    told = pass_all(open_stream(), [ReasoningDelta("night"), TextDelta(""), ReasoningDelta("jar"), Ended()])
    assert told == [ReasoningDelta("-"), Ended()]


def test_log_probabilities_are_left_out_where_text_is_held() -> None:
    spelt = LogprobsDelta({"content": [{"token": WORD}]})
    assert open_stream().feed([spelt]) == []
    assert open_stream(action="note").feed([spelt]) == [spelt]


def test_unnamed_members_are_looked_through() -> None:
    guard = open_stream()
    said = {"audio": {"transcript": f"a {WORD}", "data": WORD}, "list": [WORD, 1]}
    assert guard.feed([ExtraDelta(said)]) == [
        ExtraDelta({"audio": {"transcript": "a -", "data": WORD}, "list": ["-", 1]})
    ]


def test_noting_holds_nothing_back() -> None:
    guard = open_stream(action="note")
    events = [START, TextDelta("night"), TextDelta("jar"), STOP, Ended()]
    assert [guard.feed([event]) for event in events] == [[event] for event in events]


@pytest.mark.parametrize(
    "events",
    [
        [TextDelta("night"), TextDelta("jar"), STOP],
        [ReasoningDelta("nightjar"), TextDelta("")],
        [ToolCallStarted(0, "c", "f"), ToolArgumentsDelta(0, WORD), ToolCallStarted(1, "d", "f")],
        [ExtraDelta({"a": WORD})],
        [RefusalDelta(WORD), Ended()],
    ],
)
def test_a_block_comes_before_what_is_blocked(events: list[stream.Event]) -> None:
    guard = open_stream(action="block")
    told: list[Event] = []
    with pytest.raises(GuardrailBlocked):
        told.extend(event for said in [*events, Ended()] for event in guard.feed([said]))
    assert "night" not in repr(told)


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({"kind": "tools", "deny": ["shell*"]}, [ToolCallStarted(0, "c", "shell_exec")]),
        ({"kind": "tools", "allow": ["find"]}, [OpaqueSeen("server_tool_use", extra={"name": "search"})]),
        ({"kind": "size", "characters_max": 5}, [TextDelta("abc"), ReasoningDelta("def")]),
    ],
)
def test_names_and_sizes_are_judged_as_they_come(settings: dict[str, Any], events: list[stream.Event]) -> None:
    guard = Guardrails({"limit": msgspec.convert(settings, GuardrailSettings)}).choose("ws", "key", ("m",))
    assert guard is not None
    passing = guard.open_stream()
    passing.feed([START, ToolCallStarted(0, "c", "find"), TextDelta("abc")])
    with pytest.raises(GuardrailBlocked):
        passing.feed(events)
