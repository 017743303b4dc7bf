"""Bodies out of bytes: any cut gives the same, a stream is what the whole is, and no part of one looks like a whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.errors import StreamBroken
from tallygate.transport.body import Body, ChunkedBody, EndlessBody, SizedBody

TRAILER_BYTES_MAX = 16_384

chunk_lists = st.lists(st.binary(min_size=1, max_size=60), max_size=12)
cuts = st.lists(st.integers(0, 2_000), max_size=12)
reads = st.integers(1, 100)


def chunked(chunks: list[bytes], trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def drain(body: Body, pieces: list[bytes], bytes_max: int) -> bytes:
    got = b""
    for piece in pieces:
        body.feed(piece)
        while data := body.read(bytes_max):
            assert len(data) <= bytes_max
            got += data
    return got


@given(chunk_lists, cuts, reads, st.sampled_from([b"", b"x: y\r\n", b"x: y\r\nz:\r\n"]), st.binary(max_size=10))
def test_chunks_are_read_however_they_are_cut(
    chunks: list[bytes], places: list[int], bytes_max: int, trailers: bytes, behind: bytes
) -> None:
    body = ChunkedBody(TRAILER_BYTES_MAX)
    assert drain(body, cut(chunked(chunks, trailers) + behind, places), bytes_max) == b"".join(chunks)
    assert body.done
    assert body.unread_bytes == len(behind)
    body.finish(clean=False)


@given(st.binary(max_size=300), cuts, reads, st.binary(max_size=10))
def test_a_sized_body_is_read_however_it_is_cut(whole: bytes, places: list[int], bytes_max: int, behind: bytes) -> None:
    body = SizedBody(len(whole))
    assert drain(body, cut(whole + behind, places), bytes_max) == whole
    assert body.done
    assert body.unread_bytes == len(behind)


@given(chunk_lists, st.data())
def test_a_part_of_chunks_is_never_the_whole(chunks: list[bytes], data: st.DataObject) -> None:
    said = chunked(chunks)
    body = ChunkedBody(TRAILER_BYTES_MAX)
    got = drain(body, [said[: data.draw(st.integers(0, len(said) - 1))]], 100)
    assert b"".join(chunks).startswith(got)
    assert not body.done
    with pytest.raises(StreamBroken):
        body.finish(clean=True)


@given(st.binary(max_size=400), cuts, reads)
def test_any_bytes_for_chunks_end_in_an_answer_or_a_break(noise: bytes, places: list[int], bytes_max: int) -> None:
    """And in the same one, wherever they are cut."""
    seen: list[tuple[bytes, bool, bool]] = []
    for pieces in ([noise], cut(noise, places)):
        body, got, broken = ChunkedBody(TRAILER_BYTES_MAX), b"", False
        for piece in pieces:
            body.feed(piece)
            try:
                while data := body.read(bytes_max):
                    got += data
            except StreamBroken:
                broken = True
                break
        seen.append((got, body.done, broken))
    assert seen[0] == seen[1]


def test_what_stands_before_a_mistake_is_read_and_then_the_mistake_stays() -> None:
    body = ChunkedBody(TRAILER_BYTES_MAX)
    body.feed(b"2\r\nab\r\nzz\r\n")
    assert body.read(100) == b"ab"
    for _ in range(2):
        with pytest.raises(StreamBroken):
            body.read(100)


def test_an_endless_body_ends_only_where_the_other_side_says_so() -> None:
    body = EndlessBody()
    body.feed(b"abc")
    assert body.read(100) == b"abc"
    assert not body.done
    with pytest.raises(StreamBroken):
        body.finish(clean=False)
    body.finish(clean=True)
    assert body.done


def test_many_small_chunks_are_not_all_read_at_once() -> None:
    """They are as much work as large ones: other calls would wait for it."""
    body = ChunkedBody(TRAILER_BYTES_MAX)
    body.feed(chunked([b"x"] * 10_000))
    assert len(body.read(16_384)) < 2_000
