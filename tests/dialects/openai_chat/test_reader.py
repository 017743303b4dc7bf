"""Streams as providers send them, in order and out of it."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat.reader import TERMINATOR, ChatReader
from tallygate.errors import InvalidAnswer, ProviderFailed, ProviderOverloaded, StreamBroken
from tallygate.genai.assemble import assemble
from tallygate.genai.messages import Reasoning, Text, ToolCall
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

COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def frame_of(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def chunk(*choices: dict[str, Any], **members: Any) -> bytes:
    return frame_of({"id": "i", "created": 5, "model": "m", "choices": list(choices), **members})


def delta(index: Any = 0, finish_reason: Any = None, **members: Any) -> dict[str, Any]:
    place = {} if index is None else {"index": index}
    return {**place, "delta": members, "finish_reason": finish_reason}


def call(index: int | None = 0, id: str | None = None, name: str | None = None, arguments: Any = "") -> dict[str, Any]:  # noqa: A002
    fragment: dict[str, Any] = {"function": {"arguments": arguments}}
    if index is not None:
        fragment["index"] = index
    if id is not None:
        fragment["id"] = id
    if name is not None:
        fragment["function"]["name"] = name
    return fragment


def read(*frames: bytes) -> list[Frame]:
    reader = ChatReader()
    return reader.feed(b"".join(frames)) + reader.finish()


def events_of(*frames: bytes) -> list[Event]:
    """The events of a stream that begins and ends as it should, without its beginning and its end."""
    read_frames = read(*frames, TERMINATOR)
    events = [event for frame in read_frames for event in frame.events]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    return events[1:-1]


def calls_of(*fragments: dict[str, Any]) -> list[ToolCall]:
    frames = [chunk(delta(tool_calls=[fragment])) for fragment in fragments]
    events = [event for frame in read(*frames, chunk(delta(finish_reason="tool_calls"))) for event in frame.events]
    return [part for part in assemble(events).choices[0].parts if isinstance(part, ToolCall)]


def test_an_ordinary_stream_event_by_event() -> None:
    frames = read(
        chunk(delta(role="assistant", content=""), system_fingerprint="fp", usage=None, service_tier="default"),
        chunk(delta(content="Hel"), system_fingerprint="fp", usage=None),
        chunk(delta(content="lo"), system_fingerprint="fp", usage=None),
        chunk(delta(finish_reason="stop"), system_fingerprint="fp", usage=None),
        chunk(usage=COUNTS, system_fingerprint="fp"),
        TERMINATOR,
    )
    assert [frame.events for frame in frames] == [
        (Started("i", "m", 5, "default", "openai_chat", {"system_fingerprint": "fp"}),),
        (TextDelta("Hel"),),
        (TextDelta("lo"),),
        (Finished("stop"),),
        (UsageSeen(Usage(1, 2)),),
        (Ended(),),
    ]
    assert [frame.closing for frame in frames] == [False, False, False, False, True, True]
    assert [frame.only_usage for frame in frames] == [False, False, False, False, True, False]


def test_usage_that_rides_on_content_is_seen_but_not_held_back() -> None:
    riding, plain = read(chunk(delta(content="x", finish_reason="stop"), usage=COUNTS), TERMINATOR)
    assert UsageSeen(Usage(1, 2)) in riding.events
    assert not riding.closing
    assert not riding.only_usage
    assert plain.events == (Ended(),)


@pytest.mark.parametrize("usage", [None, {}, 0, ""])
def test_an_empty_chunk_without_usage_says_nothing(usage: Any) -> None:
    frame = read(chunk(delta(finish_reason="stop")), chunk(usage=usage), TERMINATOR)[1]
    assert (frame.events, frame.closing, frame.only_usage) == ((), False, False)


def test_the_answer_begins_with_the_first_chunk_that_says_whose_it_is() -> None:
    filters = frame_of({"id": "", "model": "", "choices": [], "prompt_filter_results": [1]})
    first, second, *_ = read(filters, chunk(delta(content="x")), chunk(delta(finish_reason="stop")))
    assert first.events == ()
    started = second.events[0]
    assert isinstance(started, Started)
    assert (started.id, started.extra) == ("i", {"prompt_filter_results": [1]})


@pytest.mark.parametrize("repeat", [{"role": "assistant"}, {}, {"role": None, "content": None}])
def test_a_role_again_or_never_changes_nothing(repeat: dict[str, Any]) -> None:
    assert events_of(chunk(delta(**repeat)), chunk(delta(**{**repeat, "content": "x"}))) == [TextDelta("x")]


def test_several_choices_keep_apart() -> None:
    events = events_of(
        chunk(delta(1, content="b"), delta(0, content="a")),
        chunk(delta(0, content="A", finish_reason="stop")),
        chunk(delta(1, content="B", finish_reason="length")),
    )
    answer = assemble(events)
    assert [choice.parts for choice in answer.choices] == [(Text("aA"),), (Text("bB"),)]
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "length"]


def test_choices_without_an_index_count_by_place() -> None:
    assert events_of(chunk(delta(None, content="a"), delta(None, content="b"))) == [
        TextDelta("a", 0),
        TextDelta("b", 1),
    ]


def test_a_choice_ends_once() -> None:
    events = events_of(chunk(delta(finish_reason="stop")), chunk(delta(finish_reason="stop")))
    assert events == [Finished("stop")]


def test_what_has_no_name_here_comes_as_extra() -> None:
    events = events_of(
        chunk({**delta(content="x", annotations=[1]), "native_finish_reason": None}, provider="p"),
        chunk(
            {**delta(finish_reason="eos"), "native_finish_reason": "eos", "logprobs": {"content": [2]}}, provider="q"
        ),
    )
    assert events == [
        TextDelta("x"),
        ExtraDelta({"message": {"annotations": [1]}}),
        LogprobsDelta({"content": [2]}),
        Finished("stop", extra={"native_finish_reason": "eos", "finish_reason": "eos"}),
    ]


def test_members_of_the_answer_that_come_late_come_with_its_end() -> None:
    frames = read(chunk(delta(content="x"), a=1, b=1), chunk(a=1, b=2, c=3), TERMINATOR)
    assert frames[0].events[0] == Started("i", "m", 5, None, "openai_chat", {"a": 1, "b": 1})
    assert frames[-1].events == (Ended({"b": 2, "c": 3}),)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_in_either_spelling(name: str) -> None:
    events = events_of(chunk(delta(**{name: "th"})), chunk(delta(**{name: ""}, content="x")), chunk(delta(content="y")))
    assert events == [ReasoningDelta("th"), TextDelta("x"), TextDelta("y")]


def test_thoughts_in_their_finer_form_make_one_part_each() -> None:
    def detail(**members: Any) -> dict[str, Any]:
        plain = members.get("text") or members.get("summary") or ""
        return delta(reasoning=plain, reasoning_details=[members])

    answer = assemble(
        events_of(
            chunk(detail(type="reasoning.text", text="a", index=0, format="f", id=None)),
            chunk(detail(type="reasoning.text", text="b", index=0, format="f", id=None)),
            chunk(detail(type="reasoning.text", signature="s", index=0, format="f")),
            chunk(detail(type="reasoning.encrypted", data="dd", index=0, id="r")),
            chunk(detail(type="reasoning.summary", summary="c", index=1)),
            chunk(delta(content="x", finish_reason="stop")),
        )
    )
    assert answer.choices[0].parts == (
        Reasoning("ab", signature="s", extra={"format": "f"}),
        Reasoning(encrypted="dd", extra={"id": "r"}),
        Reasoning("c", extra={"type": "reasoning.summary"}),
        Text("x"),
    )


def test_content_in_a_list_is_thoughts_and_text() -> None:
    listed = [{"type": "thinking", "thinking": [{"type": "text", "text": "th"}]}, {"type": "text", "text": "x"}]
    assert events_of(chunk(delta(content=listed))) == [ReasoningDelta("th"), TextDelta("x")]


def test_refusals() -> None:
    assert events_of(chunk(delta(refusal="No", content=None)), chunk(delta(refusal="."))) == [
        RefusalDelta("No"),
        RefusalDelta("."),
    ]


F, G = ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", '{"y":2}')


@pytest.mark.parametrize(
    ("fragments", "calls"),
    [
        pytest.param(
            [call(0, "a", "f"), call(0, arguments='{"x"'), call(0, arguments=":1}"), call(1, "b", "g", '{"y":2}')],
            [F, G],
            id="as the reference has it",
        ),
        pytest.param(
            [
                call(0, "a", "f"),
                call(1, "b", "g"),
                call(0, arguments='{"x"'),
                call(1, arguments='{"y":2}'),
                call(0, arguments=":1}"),
            ],
            [F, G],
            id="interleaved",
        ),
        pytest.param([call(1, "b", "g", '{"y":2}'), call(0, "a", "f", '{"x":1}')], [G, F], id="in another order"),
        pytest.param([call(0, "a", "f", '{"x":1}'), call(0, "b", "g", '{"y":2}')], [F, G], id="all under index 0"),
        pytest.param([call(None, "a", "f", '{"x":1}'), call(None, "b", "g", '{"y":2}')], [F, G], id="no index"),
        pytest.param(
            [call(None, "a", "f", '{"x"'), call(None, arguments=":1}"), call(None, "b", "g", '{"y":2}')],
            [F, G],
            id="no index, fragments follow",
        ),
        pytest.param(
            [call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}"), call(1, "b", "g", '{"y":'), call(1, "b", "g", "2}")],
            [F, G],
            id="id and name on each",
        ),
        pytest.param(
            [call(None, "a", "f", '{"x"'), call(None, "b", "g", '{"y":2}'), call(None, "a", arguments=":1}")],
            [F, G],
            id="no index, told apart by id",
        ),
        pytest.param(
            [call(0, "a", arguments='{"x"'), call(0, name="f", arguments=":1}"), call(1, "b", "g", '{"y":2}')],
            [F, G],
            id="arguments before the name",
        ),
        pytest.param([call(0, "a", "f", {"x": 1}), call(1, "b", "g", {"y": 2})], [F, G], id="arguments as an object"),
        pytest.param(
            [call(None, None, "f", "{}"), call(None, None, "f", "[]")],
            [ToolCall("call_i_0_0", "f", "{}"), ToolCall("call_i_0_1", "f", "[]")],
            id="no id at all",
        ),
        pytest.param([call(0, "a", arguments="x")], [ToolCall("a", "", "x")], id="no name at all"),
        pytest.param([call(-1, "a", "f", None)], [ToolCall("a", "f")], id="an index that is none"),
    ],
)
def test_tool_calls_come_whole_however_they_were_cut(fragments: list[dict[str, Any]], calls: list[ToolCall]) -> None:
    assert calls_of(*fragments) == calls


def test_id_and_name_are_told_once() -> None:
    events = events_of(
        chunk(delta(tool_calls=[{**call(0, "a", "f", "{"), "extra_content": {"g": 1}}])),
        chunk(delta(tool_calls=[call(0, "a", "f", "}")])),
    )
    assert events == [
        ToolCallStarted(0, "a", "f", extra={"extra_content": {"g": 1}}),
        ToolArgumentsDelta(0, "{"),
        ToolArgumentsDelta(0, "}"),
    ]


def test_custom_tools_and_the_older_call() -> None:
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
    more = {"index": 0, "custom": {"input": "y"}}
    assert calls_of(custom, more) == [ToolCall("a", "f", "xy", "custom")]
    events = events_of(
        chunk(delta(function_call={"name": "f", "arguments": ""})),
        chunk(delta(function_call={"arguments": "{}"})),
        chunk(delta(finish_reason="function_call")),
    )
    assert events == [
        ToolCallStarted(0, "call_i_0_0", "f", extra={"function_call": {}}),
        ToolArgumentsDelta(0, "{}"),
        Finished("tool_calls", extra={"finish_reason": "function_call"}),
    ]


@pytest.mark.parametrize(
    "sign", [b": keep-alive\n\n", b":\n\n", b"\n\n", b"retry: 5\n\n", b"event: ping\n\n", b"data:\n\n"]
)
def test_signs_of_life_are_pings_and_keep_their_bytes(sign: bytes) -> None:
    frame = read(sign, chunk(delta(finish_reason="stop")))[0]
    assert frame == Frame(sign, (Ping(),))


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (frame_of({"error": {"message": "x", "type": "server_error"}}), ProviderFailed),
        (frame_of({"error": "x"}), ProviderFailed),
        (chunk(delta(content="", finish_reason="error"), error={"code": 503, "message": "x"}), ProviderOverloaded),
        (b"event: error\n" + frame_of({"message": "x", "type": "overloaded_error"}), ProviderOverloaded),
        (b"data: {\n\n", InvalidAnswer),
        (b"data: hello\n\n", InvalidAnswer),
        (b"data: []\n\n", InvalidAnswer),
        (b"data: \xff\n\n", InvalidAnswer),
        (b"data: " + b'{"a":' * 10_000 + b"\n\n", InvalidAnswer),
        (frame_of({"choices": "x"}), InvalidAnswer),
        (frame_of({"choices": [5]}), InvalidAnswer),
        (chunk(delta(content=5)), InvalidAnswer),
        (chunk({"index": 0, "delta": "x"}), InvalidAnswer),
        (chunk(delta(tool_calls="x")), InvalidAnswer),
        (chunk(delta(tool_calls=[5])), InvalidAnswer),
        (chunk(delta(reasoning_details=[{"index": []}, 5])), InvalidAnswer),
    ],
)
def test_a_failure_in_the_stream_is_told_once_and_nothing_follows(frame: bytes, kind: type[Exception]) -> None:
    frames = read(chunk(delta(content="x")), frame, chunk(delta(finish_reason="stop")), TERMINATOR)
    assert len(frames) == 2
    (failed,) = frames[1].events
    assert isinstance(failed, Failed)
    assert type(failed.error) is kind
    assert frames[1].closing
    assert frames[1].raw == frame


@pytest.mark.parametrize("after", [TERMINATOR, chunk(delta(content="more")), b"junk", b": comment\n\n"])
def test_what_follows_the_end_is_dropped(after: bytes) -> None:
    reader = ChatReader()
    stream = chunk(delta(finish_reason="stop")) + TERMINATOR
    frames = reader.feed(stream + after) + reader.feed(after) + reader.finish()
    assert b"".join(frame.raw for frame in frames) == stream


@pytest.mark.parametrize(
    "end",
    [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n\r\n", b"data: [DONE] \n\n", b"\xef\xbb\xbfdata: [DONE]"],
)
def test_the_terminator_in_every_spelling(end: bytes) -> None:
    stream = [end] if end.startswith(b"\xef") else [chunk(delta(content="x")), end]
    frames = read(*stream)
    assert frames[-1].events == (Ended(),)
    assert frames[-1].closing
    assert frames[-1].raw.startswith(end)
    assert frames[-1].raw.endswith((b"\n\n", b"\r\n\r\n"))


def test_a_stream_without_terminator_whose_choices_ended_gets_one() -> None:
    frames = read(chunk(delta(0, finish_reason="stop"), delta(1, finish_reason="length")))
    assert frames[-1] == Frame(TERMINATOR, (Ended(),), closing=True)


def test_a_last_chunk_without_its_blank_line_counts_and_gets_it() -> None:
    last = chunk(delta(finish_reason="stop"))
    frames = read(chunk(delta(content="x")), last[:-2])
    assert [frame.raw for frame in frames[1:]] == [last, TERMINATOR]


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b": only\n\n: comments\n\n",
        b"<html>502</html>",
        b'{"id":"x","choices":[]}',
        chunk(delta(content="x")),
        chunk(delta(0, finish_reason="stop"), delta(1, content="x")),
        chunk(usage=COUNTS),
        chunk(delta(content="x")) + b'data: {"choices',
        chunk(delta(finish_reason="stop")) + b'data: {"choices":[{"delta":{"conte',
        b"data: [DON",
    ],
)
def test_a_stream_that_broke_off_is_broken(stream: bytes) -> None:
    reader = ChatReader()
    reader.feed(stream)
    with pytest.raises(StreamBroken):
        reader.finish()
