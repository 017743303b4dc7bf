"""Streams of text, read as a chat's. The laws of readers are in tests/laws; here is what this wire has of its own."""

from tallygate.dialects.openai_completions.reader import CompletionsReader
from tallygate.errors import InvalidAnswer
from tallygate.genai.stream import Ended, Failed, Finished, Started, TextDelta

CHUNKS = (
    b'data: {"id":"a1","object":"text_completion","model":"m","choices":[{"text":"h","index":0,"finish_reason":null}]}'
    b'\n\ndata: {"choices":[{"text":"i","index":0,"finish_reason":"stop"}]}\n\n: here\n\ndata: [DONE]\n\n'
)


def test_text_is_read_and_no_byte_is_lost() -> None:
    frames = CompletionsReader().feed(CHUNKS)
    assert b"".join(frame.raw for frame in frames) == CHUNKS
    events = [event for frame in frames for event in frame.events]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["h", "i"]
    assert [event.dialect for event in events if isinstance(event, Started)] == ["openai_completions"]
    assert [event.reason for event in events if isinstance(event, Finished)] == ["stop"]
    assert isinstance(events[-1], Ended)


def test_what_is_no_json_fails_and_nothing_follows() -> None:
    reader = CompletionsReader()
    (frame,) = reader.feed(b"data: nonsense\n\ndata: [DONE]\n\n")
    (event,) = frame.events
    assert isinstance(event, Failed)
    assert isinstance(event.error, InvalidAnswer)
    assert reader.feed(b"data: [DONE]\n\n") == []
