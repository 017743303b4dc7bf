"""What all readers of event streams owe, shown by the smallest one there can be: it echoes, and one word ends it."""

import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.event_reader import EventReader
from tallygate.dialects.sse import SseFrame
from tallygate.errors import InvalidAnswer, StreamBroken
from tallygate.genai.stream import Ended, Failed, TextDelta


class Echo(EventReader):
    """Says what it reads; ``end`` ends it, and ``bad`` fails."""

    def _read(self, piece: SseFrame) -> Frame:
        if piece.data == b"end":
            self._over = True
            return Frame(piece.raw, (Ended(),))
        if piece.data == b"bad":
            return Frame(piece.raw, (Failed(InvalidAnswer()),))
        return Frame(piece.raw, (TextDelta(piece.data.decode()),))


class Patient(Echo):
    """Takes the end of the bytes for the end of the answer."""

    def _close(self) -> list[Frame]:
        return [Frame(b"data: end\n\n", (Ended(),), closing=True)]


def test_nothing_is_read_behind_the_end() -> None:
    reader = Echo()
    frames = reader.feed(b"data: a\n\ndata: end\n\ndata: b\n\n")
    assert [frame.raw for frame in frames] == [b"data: a\n\n", b"data: end\n\n"]
    assert reader.feed(b"data: c\n\n") == []
    assert reader.finish() == []


def test_bytes_that_end_too_soon_are_a_broken_stream() -> None:
    reader = Echo()
    reader.feed(b"data: a\n\n")
    with pytest.raises(StreamBroken):
        reader.finish()


def test_the_last_event_may_lack_its_end() -> None:
    reader = Echo()
    assert reader.feed(b"data: end\n") == []
    assert [frame.raw for frame in reader.finish()] == [b"data: end\n\n"]


def test_what_was_cut_off_in_the_middle_does_not_say_that_it_is_wrong() -> None:
    reader = Echo()
    reader.feed(b"data: bad")
    with pytest.raises(StreamBroken):
        reader.finish()


def test_a_dialect_may_add_the_end_that_is_missing() -> None:
    reader = Patient()
    assert [frame.raw for frame in (*reader.feed(b"data: a\n\n"), *reader.finish())] == [
        b"data: a\n\n",
        b"data: end\n\n",
    ]
