"""Streams that real providers send a little differently, and those that break."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_responses.reader import ResponsesReader
from tallygate.dialects.sse import encode
from tallygate.errors import InvalidAnswer, ProviderFailed, ProviderOverloaded, StreamBroken
from tallygate.genai.assemble import assemble
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Opaque, Reasoning, Text, ToolCall
from tallygate.genai.stream import Ended, Event, Failed, Ping, Started

ANSWER = {"id": "r", "model": "m", "created_at": 5, "object": "response", "output": [], "status": "in_progress"}
BEGUN = {"type": "response.created", "response": ANSWER}
DONE = {"type": "response.completed", "response": {**ANSWER, "status": "completed"}}


def stream_of(*events: dict[str, Any] | bytes) -> bytes:
    return b"".join(event if isinstance(event, bytes) else encode(msgspec.json.encode(event)) for event in events)


def read(*events: dict[str, Any] | bytes) -> list[Frame]:
    reader = ResponsesReader()
    return reader.feed(stream_of(*events)) + reader.finish()


def told(*events: dict[str, Any] | bytes) -> list[Event]:
    return [event for frame in read(*events) for event in frame.events]


def answer(*events: dict[str, Any] | bytes) -> ChatResponse:
    return assemble(told(BEGUN, *events, DONE))


def about(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": 0, "item_id": "i", **members}


def test_events_need_no_name_of_their_own() -> None:
    message = {"type": "message", "id": "i", "role": "assistant", "content": []}
    response = answer(
        about("output_item.added", item=message),
        about("output_text.delta", content_index=0, delta="Hel"),
        about("output_text.delta", content_index=0, delta="lo"),
        about("output_item.done", item={**message, "content": [{"type": "output_text", "text": "Hello!"}]}),
    )
    assert response.choices[0].parts == (Text("Hello!", {"item": {"id": "i"}}),)


def test_an_answer_that_comes_in_one_event() -> None:
    call = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": "{}"}
    whole = {**ANSWER, "status": "completed", "output": [call, {"type": "web_search_call", "id": "w"}]}
    response = assemble(told({"type": "response.completed", "response": whole}))
    assert response.choices[0].parts == (
        ToolCall("c", "f", "{}", extra={"item": {"id": "i"}}),
        Opaque("web_search_call", {"id": "w"}),
    )
    assert response.choices[0].finish_reason == "tool_calls"


def test_a_call_whose_name_comes_late() -> None:
    call = {"type": "function_call", "id": "i", "call_id": "c"}
    response = answer(
        about("output_item.added", item=call),
        about("function_call_arguments.delta", delta='{"a"'),
        about("output_item.done", item={**call, "name": "f", "arguments": '{"a":1}'}),
    )
    assert response.choices[0].parts == (ToolCall("c", "f", '{"a":1}', extra={"item": {"id": "i"}}),)


def test_paragraphs_of_a_thought_are_kept_apart() -> None:
    thought = {"type": "reasoning", "id": "i", "summary": []}
    response = answer(
        about("output_item.added", item=thought),
        about("reasoning_summary_text.delta", summary_index=0, delta="One."),
        about("reasoning_summary_text.delta", summary_index=1, delta="Two."),
        about("output_item.done", item=thought),
    )
    assert response.choices[0].parts == (Reasoning("One.\n\nTwo.", extra={"id": "i"}),)


def test_a_message_with_a_part_of_tomorrow_is_kept_whole() -> None:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_smell", "smell": "rose"}]}
    response = answer(
        about("output_item.added", item={**message, "content": []}),
        about("content_part.done", content_index=0, part=message["content"][0]),
        about("output_item.done", item=message),
    )
    assert response.choices[0].parts == (Opaque("message", {name: message[name] for name in ("role", "content")}),)


def test_what_only_repeats_or_is_new_says_nothing() -> None:
    events = told(
        BEGUN, {**BEGUN, "type": "response.in_progress"}, about("web_search_call.searching"), {"type": "x"}, DONE
    )
    assert [type(event) for event in events if not isinstance(event, Ended)][:1] == [Started]
    assert len([event for event in events if isinstance(event, Started)]) == 1


def test_comments_are_signs_of_life_and_done_means_nothing() -> None:
    frames = read(b": hi\n\n", BEGUN, b"data: [DONE]\n\n", DONE)
    assert frames[0].events == (Ping(),)
    assert frames[2].events == ()
    assert [frame.closing for frame in frames] == [False, False, False, True]


@pytest.mark.parametrize(
    ("event", "cls"),
    [
        (
            {"type": "response.failed", "response": {**ANSWER, "error": {"code": "server_error", "message": "x"}}},
            ProviderFailed,
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "x"}}},
            ProviderOverloaded,
        ),
        ({"type": "response.failed"}, ProviderFailed),
        ({"type": "response.cancelled", "response": ANSWER}, ProviderFailed),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "x"}, ProviderOverloaded),
        ({"type": "error", "error": {"type": "server_error", "message": "x"}}, ProviderFailed),
        ({"type": "response.completed", "response": {**ANSWER, "status": "failed"}}, ProviderFailed),
        ({"type": "response.completed", "response": ANSWER}, InvalidAnswer),
        ({"type": "response.completed"}, InvalidAnswer),
        ({"no": "type"}, InvalidAnswer),
        (about("output_item.added"), InvalidAnswer),
        (about("output_text.delta", delta="a"), InvalidAnswer),
        (about("output_item.done", item={"type": "message", "content": [1]}), InvalidAnswer),
        ({"type": "response.output_item.added", "item": {}}, InvalidAnswer),
        (b"data: {\n\n", InvalidAnswer),
        (b"data: []\n\n", InvalidAnswer),
    ],
)
def test_a_stream_that_fails_ends_there(event: Any, cls: type) -> None:
    frames = read(BEGUN, event, DONE)
    failed = frames[-1].events[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, cls)
    assert len(frames) == 2


def test_nothing_may_come_before_the_beginning() -> None:
    (frame,) = read(about("output_text.delta", delta="a"))
    assert isinstance(frame.events[0], Failed)


@pytest.mark.parametrize("events", [(), (BEGUN,), (BEGUN, b"data: [DONE]\n\n"), (BEGUN, b'data: {"type":"respon')])
def test_a_stream_without_its_end_is_broken(events: Any) -> None:
    with pytest.raises(StreamBroken):
        read(*events)
