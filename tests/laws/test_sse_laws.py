"""What holds for any event stream, however its bytes are split."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.sse import Parser, SseFrame, comment, encode

# Made of what matters to the parser, so that odd line ends meet in every order.
STREAMS = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"data: x", b"data:", b"data", b":", b"event: e", b"\xef\xbb\xbf", b"\xc3\xa9"]
    ),
    max_size=14,
).map(b"".join)
DATA = st.text('ab{}": \n\r\u20ac', max_size=20).map(str.encode)


def parse(*pieces: bytes) -> list[SseFrame]:
    parser = Parser()
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    return frames + parser.finish()


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def read_whole(stream: bytes) -> list[tuple[bytes, bytes]]:
    """Event and data of each block that says something, read the slow and plain way of the specification."""
    blocks: list[tuple[bytes, bytes]] = []
    event, data = b"", list[bytes]()
    for line in [*re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        name, _, value = line.partition(b":")
        if not line:
            if event or data:
                blocks.append((event, b"\n".join(data)))
            event, data = b"", []
        elif name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    return blocks


@given(STREAMS, st.lists(st.integers(0, 60), max_size=8))
def test_any_split_gives_the_same_frames(stream: bytes, cuts: list[int]) -> None:
    whole = parse(stream)
    assert parse(*split(stream, cuts)) == whole
    assert parse(*(stream[at : at + 1] for at in range(len(stream)))) == whole


@given(STREAMS)
def test_frames_join_to_the_bytes_of_the_stream(stream: bytes) -> None:
    frames = parse(stream)
    assert b"".join(frame.raw for frame in frames) == stream
    assert all(frame.raw for frame in frames)
    assert all(frame.terminated for frame in frames[:-1])


@given(STREAMS)
def test_frames_mean_what_the_specification_says(stream: bytes) -> None:
    said = [(frame.event, frame.data) for frame in parse(stream)]
    # A block of empty data says as little as none to every dialect, and the specification differs only there.
    assert [pair for pair in said if any(pair)] == [pair for pair in read_whole(stream) if any(pair)]


@given(STREAMS)
def test_a_completed_last_frame_is_a_whole_stream(stream: bytes) -> None:
    frames = parse(stream)
    if frames:
        whole = parse(stream + frames[-1].missing_end)
        assert whole[-1].terminated
        assert [(frame.event, frame.data) for frame in whole] == [(frame.event, frame.data) for frame in frames]


@given(st.lists(st.tuples(DATA, st.sampled_from([b"", b"ping"])), max_size=5), st.text("a \n\r", max_size=8))
def test_what_is_written_is_read_back(written: list[tuple[bytes, bytes]], note: str) -> None:
    stream = b"".join(comment(note) + encode(data, event) for data, event in written)
    frames = parse(stream)
    assert [frame.comment for frame in frames] == [True, False] * len(written)
    assert [(frame.data, frame.event) for frame in frames[1::2]] == [
        (re.sub(rb"\r\n|\r", b"\n", data), event) for data, event in written
    ]
