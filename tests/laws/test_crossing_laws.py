"""What holds when a call crosses from one dialect into another: requests, whole answers and streams.

Values are those that both ends can say; what one of them says in another way is evened out before comparing.
"""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tallygate.dialects.base import Streaming
from tallygate.genai import stream
from tallygate.genai.assemble import assemble
from tallygate.genai.chat import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from tallygate.genai.messages import Image, Inline, Message, Part, Reasoning, Remote, Text, ToolCall, ToolResult
from tallygate.genai.unfold import unfold
from tallygate.genai.usage import Usage
from tests.fakes.tongues import CHATS
from tests.laws.strategies import BASE64, COUNTS, IDS, JSON, SAID, SCHEMAS, TEXT, URLS, WORDS, maybe

ANY_ID = TEXT.filter(bool)
ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3).map(lambda value: msgspec.json.encode(value).decode())
PLAIN = st.builds(Text, SAID)
PICTURES = st.builds(Image, st.builds(Inline, st.just("image/png"), BASE64) | st.builds(Remote, URLS))
CALLS = st.lists(st.builds(ToolCall, ANY_ID, WORDS, ARGUMENTS), max_size=3, unique_by=lambda call: call.id)

crossings = pytest.mark.parametrize(("here", "there"), list(permutations(sorted(CHATS), 2)))

NEVER_STOPS = frozenset({"openai_responses"})
"""Dialects in which nobody can say where an answer is to stop."""

ENDS_IN_CALLS = frozenset({"openai_responses"})
"""Dialects in which an answer that has calls ended in them, and no other did."""


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in which turns alternate, and every call has its result."""
    messages: list[Message] = []
    for _ in range(draw(st.integers(0, 2))):
        messages.append(Message("user", tuple(draw(st.lists(PLAIN | PICTURES, min_size=1, max_size=3)))))
        calls = draw(CALLS)
        said = draw(st.lists(PLAIN, min_size=0 if calls else 1, max_size=2))
        messages.append(Message("assistant", (*said, *calls)))
        if calls:
            results = [ToolResult(call.id, tuple(draw(st.lists(PLAIN, min_size=1, max_size=2)))) for call in calls]
            messages.append(Message("tool", tuple(results)))
    messages.append(Message("user", tuple(draw(st.lists(PLAIN, min_size=1, max_size=2)))))
    return tuple(messages)


@st.composite
def requests(draw: st.DrawFn, *ends: str) -> ChatRequest:
    schema = SCHEMAS.map(lambda members: {**members, "type": "object"})
    tools = tuple(draw(st.lists(st.builds(Tool, WORDS, description=maybe(TEXT), parameters=schema), max_size=2)))
    choices = st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])) | st.builds(
        lambda name: ToolChoice("tool", (name,)), WORDS
    )
    below_one = st.floats(0, 1, exclude_max=True)
    return ChatRequest(
        model=draw(SAID),
        messages=draw(turns()),
        system=tuple(draw(st.lists(PLAIN, max_size=2))),
        tools=tools,
        tool_choice=draw(maybe(choices)) if tools else None,
        output_tokens_max=draw(st.integers(1, 2**20)),
        stop=tuple(draw(st.lists(SAID, max_size=0 if NEVER_STOPS.intersection(ends) else 3))),
        sampling=Sampling(temperature=draw(maybe(below_one)), top_p=draw(maybe(below_one))),
        response_format=draw(maybe(st.builds(ResponseFormat, st.just("json_schema"), schema=SCHEMAS))),
        user=draw(maybe(TEXT)),
        service_tier=draw(maybe(st.sampled_from(["auto", "default"]))),
        stream=draw(st.booleans()),
    )


def even(request: ChatRequest) -> ChatRequest:
    """The request without what the dialects say differently: whose it is, where a first instruction stands, names."""
    system = list(request.system)
    messages = list(request.messages)
    while messages and messages[0].role == "system":
        system += messages.pop(0).parts
    merged: list[Message] = []
    for message in messages:
        if merged and message.role == "tool" and merged[-1].role == "tool":
            merged[-1] = replace(message, parts=(*merged[-1].parts, *message.parts))
        else:
            merged.append(message)
    wanted = request.response_format
    return replace(
        request,
        messages=tuple(merged),
        system=tuple(system),
        response_format=replace(wanted, name=None) if wanted else None,
        include_usage=False,
        dialect="",
        # One dialect must say that nothing is to be kept; in the others nothing ever is.
        extra={name: value for name, value in request.extra.items() if (name, value) != ("store", False)},
    )


@crossings
@given(data=st.data())
def test_a_request_means_the_same_on_the_other_side(here: str, there: str, data: st.DataObject) -> None:
    request = data.draw(requests(here, there))
    arrived = CHATS[here].read_request(CHATS[here].write_request(replace(request, dialect=here)).body)
    written = CHATS[there].write_request(arrived)
    assert even(CHATS[there].read_request(written.body)) == even(request)
    assert set(written.dropped) <= {"response_format.name"}
    CHATS[there].peek(written.body, 128)


@st.composite
def responses(draw: st.DrawFn, *ends: str) -> ChatResponse:
    """An answer in the order in which both dialects have it: thoughts, words, calls."""
    fresh, read, written, made = draw(COUNTS), draw(COUNTS), draw(COUNTS), draw(COUNTS)
    thoughts = st.builds(Reasoning, SAID, signature=maybe(SAID)) | st.builds(Reasoning, encrypted=SAID)
    parts: list[Part] = [*draw(st.lists(thoughts, max_size=2))]
    if text := draw(TEXT):
        parts.append(Text(text))
    calls = draw(CALLS)
    reasons: list[FinishReason] = ["stop", "length", "tool_calls"]
    if ENDS_IN_CALLS.intersection(ends):
        reasons = ["length", "tool_calls" if calls else "stop"]
    return ChatResponse(
        id=draw(IDS),
        model=draw(SAID),
        choices=(Choice(0, (*parts, *calls), draw(st.sampled_from(reasons))),),
        usage=Usage(
            fresh + read + written,
            made,
            cached_input_tokens=read,
            cache_write_tokens=written,
            cache_write_1h_tokens=draw(maybe(st.integers(0, written))),
            reasoning_tokens=draw(st.integers(0, made)),
        ),
        service_tier=draw(maybe(st.just("default"))),
    )


@crossings
@given(data=st.data())
def test_an_answer_means_the_same_on_the_other_side(here: str, there: str, data: st.DataObject) -> None:
    response = data.draw(responses(here, there))
    arrived = CHATS[here].read_response(CHATS[here].write_response(replace(response, dialect=here)))
    crossed = CHATS[there].read_response(CHATS[there].write_response(arrived))
    assert replace(crossed, dialect="") == response


def events_of(dialect: Streaming, data: bytes) -> list[stream.Event]:
    reader = dialect.reader()
    return [event for frame in reader.feed(data) + reader.finish() for event in frame.events]


def write(dialect: Streaming, events: list[stream.Event]) -> bytes:
    writer = dialect.writer(include_usage=True)
    return b"".join(writer.feed(event) for event in events)


@crossings
@given(data=st.data())
def test_a_stream_adds_up_to_the_same_on_the_other_side(here: str, there: str, data: st.DataObject) -> None:
    response = data.draw(responses(here, there))
    first = write(CHATS[here], unfold(replace(response, dialect=here)))
    second = write(CHATS[there], events_of(CHATS[here], first))
    assert replace(assemble(events_of(CHATS[there], second)), dialect="") == response


@crossings
@given(data=st.data())
def test_arguments_that_come_by_turns_reach_their_calls(here: str, there: str, data: st.DataObject) -> None:
    calls = data.draw(CALLS)
    pieces = [(index, letter) for index, call in enumerate(calls) for letter in call.arguments]
    # Every call keeps the order of its own pieces, whoever's turn it is.
    order = data.draw(st.permutations(range(len(pieces)))) if pieces else []
    turns_of = [pieces[place][0] for place in order]
    left = {index: iter(call.arguments) for index, call in enumerate(calls)}
    events: list[stream.Event] = [stream.Started("id", "m", dialect=here)]
    begun: set[int] = set()
    for index in turns_of:
        if index not in begun:
            begun.add(index)
            events.append(stream.ToolCallStarted(index, calls[index].id, calls[index].name))
        events.append(stream.ToolArgumentsDelta(index, next(left[index])))
    events += [stream.Finished("tool_calls"), stream.Ended()]
    told = assemble(events_of(CHATS[there], write(CHATS[there], events)))
    parts: tuple[Any, ...] = told.choices[0].parts
    assert sorted(parts, key=lambda part: part.id) == sorted(calls, key=lambda call: call.id)
