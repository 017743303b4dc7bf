"""Streams of runs, read: frames keep their bytes, and what is no frame fails."""

import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.run.reader import RunReader
from tallygate.errors import ProviderOverloaded, StreamBroken, TallygateError
from tallygate.genai.stream import Ended, Failed, Finished, Ping, TextDelta, UsageSeen
from tallygate.genai.usage import Usage

TEXT = b'data: {"run_id":"r","text":"hi","is_first":true,"is_last":false,"finish_reason":null}\n\n'
LAST = b'data: {"run_id":"r","text":"","is_first":false,"is_last":true,"finish_reason":"stop"}\n\n'
SUMMARY = b'data: {"run_id":"r","done":true,"tokens_in":3,"tokens_out":4}\n\n'
DONE = b"data: [DONE]\n\n"


def read(*pieces: bytes) -> list[Frame]:
    reader = RunReader()
    return [frame for piece in pieces for frame in reader.feed(piece)] + reader.finish()


def test_a_whole_stream() -> None:
    frames = read(b": a comment\n\n" + TEXT + LAST + SUMMARY + DONE + TEXT)
    assert [frame.raw for frame in frames] == [b": a comment\n\n", TEXT, LAST, SUMMARY, DONE]
    assert [frame.closing for frame in frames] == [False, False, True, True, True]
    events = [event for frame in frames for event in frame.events]
    assert events[0] == Ping()
    assert TextDelta("hi") in events
    assert Finished("stop") in events
    assert UsageSeen(Usage(3, 4)) in events
    assert events[-1] == Ended()


def test_an_error_in_it() -> None:
    (_, failed) = read(TEXT + b'data: {"error":"busy","error_code":"RATE_LIMIT"}\n\n' + DONE)
    (event,) = failed.events
    assert isinstance(event, Failed)
    assert isinstance(event.error, ProviderOverloaded)


@pytest.mark.parametrize("junk", [b"data: 7\n\n", b"data: {\n\n", b'data: {"reported":7}\n\n'])
def test_what_is_no_frame(junk: bytes) -> None:
    (frame,) = read(junk + TEXT)
    (event,) = frame.events
    assert isinstance(event, Failed)
    assert isinstance(event.error, TallygateError)


def test_a_stream_without_its_end() -> None:
    with pytest.raises(StreamBroken):
        read(TEXT)
