"""Streams as they are read: what is held, what ends them, what a failure means, and what other gateways may send."""

import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.unified.names import CHAT, GENERATE
from tallygate.dialects.unified.reader import UnifiedReader
from tallygate.errors import InvalidAnswer, ProviderOverloaded, ProviderTimeout, StreamBroken, TallygateError
from tallygate.genai.assemble import assemble
from tallygate.genai.messages import Text
from tallygate.genai.stream import Ended, Failed, Finished, Ping, TextDelta, UsageSeen

DONE = b"data: [DONE]\n\n"
SAID = b'data: {"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"4"}}]}\n\n'
END = (
    b'data: {"id":"i","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2},"meta":{"request_id":"r"}}\n\n'
)
TEXT = b'data: {"id":"i","model":"m","choices":[{"index":0,"text":"4"}]}\n\n'
TEXT_END = b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'


def read(dialect: str, *pieces: bytes) -> list[Frame]:
    reader = UnifiedReader(dialect)
    return [frame for piece in pieces for frame in reader.feed(piece)] + reader.finish()


def failure(dialect: str, *pieces: bytes) -> TallygateError:
    (event,) = read(dialect, *pieces)[-1].events
    assert isinstance(event, Failed)
    return event.error


def test_the_last_chunk_is_held_with_the_terminator() -> None:
    said, end, done = read(CHAT, SAID + END + DONE)
    assert [said.closing, end.closing, done.closing] == [False, True, True]
    assert [type(event) for event in end.events] == [Finished, UsageSeen]
    (ended,) = done.events
    # What other gateways tell of an answer is kept like everything that has no name here.
    assert ended == Ended({"meta": {"request_id": "r"}})


@pytest.mark.parametrize(("dialect", "said", "end"), [(CHAT, SAID, END), (GENERATE, TEXT, TEXT_END)])
def test_a_stream_adds_up(dialect: str, said: bytes, end: bytes) -> None:
    frames = read(dialect, said, b": still here\n\n", end, DONE, b"data: more\n\n")
    answer = assemble(event for frame in frames for event in frame.events)
    assert answer.dialect == dialect
    assert answer.choices[0].parts == (Text("4"),)
    assert answer.choices[0].finish_reason == "stop"
    assert frames[1].events == (Ping(),)
    assert b"".join(frame.raw for frame in frames) == said + b": still here\n\n" + end + DONE


@pytest.mark.parametrize(("dialect", "said", "end"), [(CHAT, SAID, END), (GENERATE, TEXT, TEXT_END)])
def test_a_terminator_that_is_missing_is_added(dialect: str, said: bytes, end: bytes) -> None:
    frames = read(dialect, said + end.removesuffix(b"\n\n"))
    assert b"".join(frame.raw for frame in frames) == said + end + DONE
    with pytest.raises(StreamBroken):
        read(dialect, said)
    with pytest.raises(StreamBroken):
        read(dialect, said + end[:30])


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
def test_an_error_event_is_the_end_whatever_follows(dialect: str) -> None:
    late = b'event: error\ndata: {"code":"BACKEND_TIMEOUT","message":"Late."}\n\n'
    frames = read(dialect, late + DONE)
    assert [frame.raw for frame in frames] == [late]
    assert isinstance(failure(dialect, late), ProviderTimeout)
    busy = b'event: error\ndata: {"code":"RATE_LIMITED","message":"Busy."}\n\n'
    assert isinstance(failure(dialect, busy, DONE), ProviderOverloaded)


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
@pytest.mark.parametrize("data", [b"{", b"7", b"[]", b'{"choices":7}', b'{"choices":[7]}'])
def test_what_is_no_chunk_is_a_failure(dialect: str, data: bytes) -> None:
    assert isinstance(failure(dialect, b"data: " + data + b"\n\n"), InvalidAnswer)


def test_data_on_several_lines_is_read() -> None:
    (said, *_) = read(CHAT, SAID.replace(b',"choices"', b'\ndata: ,"choices"') + END + DONE)
    assert said.events[1:] == (TextDelta("4"),)
