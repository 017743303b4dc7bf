"""The receipt's id before the terminator: a block of its own, and every other byte as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_chat.receipt import tell_receipt
from tallygate.dialects.sse import Parser, is_own_comment

ID = "call_0123"
TOLD = b": tallygate-receipt call_0123\n\n"

ENDS = [
    (b"", b"data: [DONE]\n\n"),
    (b'data: {"usage":{}}\n\n', b"data: [DONE]\n\n"),
    (b'data: {"usage":{}}\r\n\r\n', b"data: [DONE]\r\n\r\n"),
    (b'data: {"usage":{}}\r\n\r\n', b"data: [DONE]\n\n"),
    (b"data: {}\n\n", b"data:[DONE]\n\n"),
    (b"data: {}\n\n", b"data:  [DONE] \n\n"),
    # The terminator's line is not the event's first one.
    (b"data: {}\n\n", b"event: end\ndata: [DONE]\n\n"),
    (b'data: "data: [DONE]"\n\n', b"id: 7\ndata: [DONE]\n\n"),
]


@pytest.mark.parametrize(("before", "end"), ENDS)
def test_the_comment_stands_directly_before_the_terminator(before: bytes, end: bytes) -> None:
    assert tell_receipt(before + end, ID) == before + TOLD + end


@pytest.mark.parametrize("closing", [b"", b'data: {"error":{}}\n\n', b"data: [DONE", b"data: x\ndata: [DONE]\n\n"])
def test_where_there_is_no_terminator_nothing_changes(closing: bytes) -> None:
    assert tell_receipt(closing, ID) == closing


@given(st.lists(st.sampled_from([b"data: {}", b": c", b"event: e\ndata: 1", b"id: 1"]), max_size=4), st.data())
def test_no_event_changes(blocks: list[bytes], data: st.DataObject) -> None:
    ends = st.sampled_from([b"\n\n", b"\r\n\r\n"])
    closing = b"".join(block + data.draw(ends) for block in [*blocks, b"data: [DONE]"])

    def events(stream: bytes) -> list[tuple[bytes, bytes]]:
        frames = Parser().feed(stream)
        assert b"".join(frame.raw for frame in frames) == stream
        return [(frame.event, frame.data) for frame in frames if frame.data]

    told = tell_receipt(closing, ID)
    assert events(told) == events(closing)
    assert told.replace(TOLD, b"") == closing
    assert [is_own_comment(frame.raw) for frame in Parser().feed(told)].count(True) == 1
