"""What every dialect owes by being registered. A new one brings a file of values it can say exactly.

Reading what was written gives the same value; a stream adds up to the whole; no split of the bytes changes a frame;
every byte up to the terminator stays; every field is read, kept or named; no bytes whatever make a reader fall over.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Protocol

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate import errors
from tallygate.dialects.base import Frame, Streaming
from tallygate.dialects.registry import CLIENT_DIALECTS, STREAMING
from tallygate.errors import RequestError, StreamBroken, TallygateError, UnsupportedParameter, UpstreamError
from tallygate.genai.assemble import assemble
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Reasoning
from tallygate.genai.stream import Ended, Event, Failed, Finished
from tallygate.genai.unfold import unfold
from tests.laws import (
    anthropic_messages_values,
    openai_chat_values,
    openai_completions_values,
    openai_responses_values,
    openrouter_values,
    run_values,
)
from tests.laws.embedding_values import EmbeddingValues
from tests.laws.strategies import EXTRA_NAMES, JSON, NOT_NULL
from tests.laws.unified_values import UnifiedChatValues, UnifiedGenerateValues


class Values(Protocol):
    """What a dialect brings: values that it can say exactly, and the members whose members are the caller's own."""

    OPEN_MEMBERS: frozenset[str]

    def requests(self) -> st.SearchStrategy[Any]: ...
    def responses(self) -> st.SearchStrategy[Any]: ...


VALUES: dict[str, Values] = {
    "anthropic_messages": anthropic_messages_values,
    "openai_chat": openai_chat_values,
    "openai_completions": openai_completions_values,
    "openai_embeddings": EmbeddingValues("openai_embeddings"),
    "openai_responses": openai_responses_values,
    "openrouter_chat": openrouter_values,
    "openrouter_embeddings": EmbeddingValues("openai_embeddings"),
    "run": run_values,
    "unified_chat": UnifiedChatValues(),
    "unified_embed": EmbeddingValues("unified_embed"),
    "unified_generate": UnifiedGenerateValues(),
}

every_dialect = pytest.mark.parametrize("name", sorted(CLIENT_DIALECTS))
every_stream = pytest.mark.parametrize("name", sorted(STREAMING))
cuts = st.lists(st.integers(0, 4_000), max_size=8)


def test_every_dialect_brings_its_values() -> None:
    assert VALUES.keys() == CLIENT_DIALECTS.keys()


def stream_of(dialect: Streaming, response: ChatResponse) -> bytes:
    writer = dialect.writer(include_usage=True)
    return b"".join(writer.feed(event) for event in unfold(response))


def read(dialect: Streaming, *pieces: bytes) -> list[Frame]:
    reader = dialect.reader()
    frames = [frame for piece in pieces for frame in reader.feed(piece)]
    return frames + reader.finish()


def split(stream: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in at), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def refusal_of(attempt: Callable[[], object]) -> TallygateError | None:
    """The error of ours that `attempt` raised, if it did. Any other is a bug and comes through."""
    try:
        attempt()
    except TallygateError as error:
        return error
    return None


def events_of(frames: list[Frame]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


@every_dialect
@given(data=st.data())
def test_a_request_survives_writing_and_reading(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    request = data.draw(VALUES[name].requests())
    written = dialect.write_request(request)
    assert dialect.read_request(written.body) == request
    assert written.dropped == ()
    assert written.wants_inline == ()


@every_dialect
@given(data=st.data())
def test_the_look_and_the_reading_agree(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    request = data.draw(VALUES[name].requests().filter(lambda request: len(request.model) <= 256))
    look = dialect.peek(dialect.write_request(request).body, 128)
    assert look.model == request.model
    if name in STREAMING:
        assert (look.stream, look.n) == (request.stream, request.n or 1)
        assert (look.output_tokens_max, look.include_usage) == (request.output_tokens_max, request.include_usage)


@every_dialect
@given(data=st.data())
def test_an_answer_survives_writing_and_reading(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    response = data.draw(VALUES[name].responses())
    assert dialect.read_response(dialect.write_response(response)) == response


@every_stream
@given(data=st.data())
def test_events_add_up_to_the_answer_they_came_from(name: str, data: st.DataObject) -> None:
    response = data.draw(VALUES[name].responses())
    assert assemble(unfold(response)) == response


@every_stream
@given(data=st.data())
def test_a_stream_adds_up_to_the_whole(name: str, data: st.DataObject) -> None:
    dialect = STREAMING[name]
    response = data.draw(VALUES[name].responses())
    assert assemble(events_of(read(dialect, stream_of(dialect, response)))) == response


@every_stream
@given(data=st.data())
def test_no_split_of_the_bytes_changes_the_frames(name: str, data: st.DataObject) -> None:
    dialect = STREAMING[name]
    stream = stream_of(dialect, data.draw(VALUES[name].responses()))
    frames = read(dialect, stream)
    assert read(dialect, *split(stream, data.draw(cuts))) == frames
    assert read(dialect, *(stream[i : i + 1] for i in range(len(stream)))) == frames


@every_stream
@given(data=st.data())
def test_frames_keep_every_byte_to_the_terminator_and_none_after_it(name: str, data: st.DataObject) -> None:
    dialect = STREAMING[name]
    stream = stream_of(dialect, data.draw(VALUES[name].responses()))
    after = data.draw(st.sampled_from([b"", stream, b"data: {}\n\n", b"garbage", b"\n\n\n"]))
    frames = read(dialect, *split(stream + after, data.draw(cuts)))
    assert b"".join(frame.raw for frame in frames) == stream
    assert [Ended() in frame.events for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert frames[-1].closing


@every_stream
@given(data=st.data())
def test_a_stream_cut_short_never_looks_finished(name: str, data: st.DataObject) -> None:
    dialect = STREAMING[name]
    response = data.draw(VALUES[name].responses())
    stream = stream_of(dialect, response)
    # Not within the last blank line: a terminator that only lacks its own end is one all the same.
    cut = data.draw(st.integers(0, len(stream) - len(read(dialect, stream)[-1].raw) // 2))
    reader = dialect.reader()
    frames = reader.feed(stream[:cut])
    try:
        frames += reader.finish()
    except StreamBroken:
        return
    events = events_of(frames)
    assert sum(isinstance(event, Ended) for event in events) == 1
    assert not any(isinstance(event, Failed) for event in events)
    finished = {event.choice for event in events if isinstance(event, Finished)}
    assert finished
    assert finished == {getattr(event, "choice", None) for event in events} - {None}


def objects_in(value: Any, open_members: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Every object of the wire in `value`, but for those whose members are the caller's own."""
    if isinstance(value, list):
        for item in value:
            yield from objects_in(item, open_members)
    elif isinstance(value, dict):
        yield value
        for name, item in value.items():
            if name not in open_members:
                yield from objects_in(item, open_members)


def plant(data: st.DataObject, value: Any, open_members: frozenset[str]) -> None:
    """Put unknown members into some objects of `value`."""
    places = list(objects_in(value, open_members))
    for place in data.draw(st.sets(st.integers(0, len(places) - 1), min_size=1, max_size=4)):
        name, member = data.draw(st.tuples(EXTRA_NAMES.map("x_".__add__), NOT_NULL))
        places[place][name] = member


@every_dialect
@given(data=st.data())
def test_unknown_members_of_a_request_are_kept_wherever_they_stand(name: str, data: st.DataObject) -> None:
    dialect, values = CLIENT_DIALECTS[name], VALUES[name]
    body = msgspec.json.decode(dialect.write_request(data.draw(values.requests())).body)
    plant(data, body, values.OPEN_MEMBERS)
    again = dialect.write_request(dialect.read_request(msgspec.json.encode(body)))
    assert msgspec.json.decode(again.body) == body


@every_dialect
@given(data=st.data())
def test_unknown_members_of_an_answer_are_kept_wherever_they_stand(name: str, data: st.DataObject) -> None:
    dialect, values = CLIENT_DIALECTS[name], VALUES[name]
    body = msgspec.json.decode(dialect.write_response(data.draw(values.responses())))
    plant(data, body, values.OPEN_MEMBERS)
    again = dialect.write_response(dialect.read_response(msgspec.json.encode(body)))
    assert msgspec.json.decode(again) == body


def extras_of(value: Any) -> set[str]:
    """The names in every `extra` of a value of the vocabulary, thoughts apart: those may be left out as a whole."""
    if isinstance(value, list | tuple):
        return {name for item in value for name in extras_of(item)}
    if not isinstance(value, msgspec.Struct) or isinstance(value, Reasoning):
        return set()
    inside = {name for field in value.__struct_fields__ for name in extras_of(getattr(value, field))}
    return inside | set(getattr(value, "extra", {}))


@every_dialect
@given(data=st.data())
def test_what_another_dialect_meant_is_never_lost_in_silence(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    request = msgspec.structs.replace(data.draw(VALUES[name].requests()), dialect="elsewhere")
    refusal = refusal_of(lambda: dialect.write_request(request))
    if refusal is None:
        # What could be written had nothing that only its own dialect understands.
        assert not extras_of(request)
    else:
        assert isinstance(refusal, UnsupportedParameter)
        assert refusal.param


def wreck(data: st.DataObject, value: Any) -> Any:
    """`value` with one thing in it replaced by anything."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 3)) == 0:
        return data.draw(JSON)
    if isinstance(value, list):
        place = data.draw(st.integers(0, len(value) - 1))
        return [wreck(data, item) if index == place else item for index, item in enumerate(value)]
    name = data.draw(st.sampled_from(sorted(value)))
    if data.draw(st.integers(0, 5)) == 0:
        return {key: item for key, item in value.items() if key != name}
    return {key: wreck(data, item) if key == name else item for key, item in value.items()}


@every_dialect
@given(data=st.data())
def test_a_wrecked_request_is_read_or_refused_with_a_path(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    body = msgspec.json.decode(dialect.write_request(data.draw(VALUES[name].requests())).body)
    refusal = refusal_of(lambda: dialect.read_request(msgspec.json.encode(wreck(data, body))))
    assert refusal is None or (isinstance(refusal, RequestError) and refusal.message)


@every_dialect
@given(data=st.data())
def test_a_wrecked_answer_is_read_or_refused(name: str, data: st.DataObject) -> None:
    dialect = CLIENT_DIALECTS[name]
    body = msgspec.json.decode(dialect.write_response(data.draw(VALUES[name].responses())))
    wrecked = msgspec.json.encode(wreck(data, body))
    if refusal_of(lambda: dialect.read_response(wrecked)) is None:
        # Whatever was understood can be said again, whole and streamed.
        response = dialect.read_response(wrecked)
        dialect.write_response(response)
        if isinstance(response, ChatResponse):
            read(STREAMING[name], stream_of(STREAMING[name], response))


@every_stream
@given(data=st.data())
def test_a_wrecked_stream_ends_in_frames_or_in_our_own_error(name: str, data: st.DataObject) -> None:
    dialect = STREAMING[name]
    frames = read(dialect, stream_of(dialect, data.draw(VALUES[name].responses())))
    place = data.draw(st.integers(0, len(frames) - 1))
    raws = [frame.raw for frame in frames]
    head, brace, rest = raws[place].partition(b"{")
    if brace:
        raws[place] = head + msgspec.json.encode(wreck(data, msgspec.json.decode(brace + rest.strip()))) + b"\n\n"
    pieces = split(b"".join(raws), data.draw(cuts))
    refusal = refusal_of(lambda: read(dialect, *pieces))
    assert refusal is None or refusal.message


@every_dialect
@given(junk=st.binary(max_size=60), status=st.integers(300, 599), retry_after=st.none() | st.text(max_size=12))
def test_no_bytes_make_a_reader_fall_over(name: str, junk: bytes, status: int, retry_after: str | None) -> None:
    dialect = CLIENT_DIALECTS[name]
    assert isinstance(refusal_of(lambda: dialect.read_request(junk)), RequestError)
    assert isinstance(refusal_of(lambda: dialect.read_response(junk)), UpstreamError)
    refusal = refusal_of(lambda: read(STREAMING[name], junk)) if name in STREAMING else None
    assert refusal is None or isinstance(refusal, UpstreamError)
    error = dialect.read_error(status, junk, retry_after)
    assert error.retry_after_s is None or 1 <= error.retry_after_s <= 60


@every_dialect
@pytest.mark.parametrize("cls", [cls for cls in vars(errors).values() if isinstance(cls, type)])
def test_every_error_has_a_body(name: str, cls: type[TallygateError]) -> None:
    if not issubclass(cls, TallygateError):
        return
    rendered = CLIENT_DIALECTS[name].write_error(cls(), "req_1")
    assert rendered.status >= 400
    assert cls().message in str(msgspec.json.decode(rendered.body))


@every_stream
@pytest.mark.parametrize("cls", [cls for cls in vars(errors).values() if isinstance(cls, type)])
def test_every_error_has_a_place_in_a_stream(name: str, cls: type[TallygateError]) -> None:
    if not issubclass(cls, TallygateError):
        return
    dialect = STREAMING[name]
    failure = dialect.writer(include_usage=True).fail(cls())
    events = events_of(read(dialect, failure))
    assert len(events) == 1
    assert isinstance(events[0], Failed)
