"""Requests cut out of a connection's bytes: the same ones however the bytes come, within every limit."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.api.framing import EXTENSIONS_BYTES_MAX, TRAILER_BYTES_MAX, Chunks, RequestReader
from tallygate.errors import PayloadTooLarge, RequestError, TallygateError

BODY_MAX = 1000
Read = tuple[list[tuple[str, str, bytes]], str]


def read_all(pieces: Iterable[bytes]) -> Read:
    """The requests, and what became of the rest: nothing, refused, or more is wanted."""
    reader, found = RequestReader(BODY_MAX), list[tuple[str, str, bytes]]()
    head = None
    try:
        for piece in pieces:
            reader.feed(piece)
            while True:
                head = head or reader.read_head()
                if head is None:
                    break
                body = reader.read_body()
                if body is None:
                    break
                found.append((head.method, head.path, body))
                head = None
    except TallygateError:
        return found, "refused"
    return found, "wanted" if head or reader.buffered else ""


def cut(raw: bytes, places: Iterable[int]) -> list[bytes]:
    """The bytes in pieces that end at these places."""
    ends = [*sorted({place % (len(raw) + 1) for place in places}), len(raw)]
    return [raw[start:end] for start, end in zip([0, *ends], ends, strict=False)]


BODIES = st.binary(max_size=60)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[str, str, bytes]]:
    """A request, and what is to be read of it."""
    body, path = draw(BODIES), "/" + draw(st.text("ab/%.?", max_size=5))
    start = b"POST " + path.encode() + b" HTTP/1.1\r\nHost: a\r\n"
    found = ("POST", path.partition("?")[0], body)
    if draw(st.booleans()):
        return start + b"Content-Length: %d\r\n\r\n" % len(body) + body, found
    raw = start + b"Transfer-Encoding: chunked\r\n\r\n"
    for piece in cut(body, draw(st.lists(st.integers(0, 60), max_size=4))):
        if piece:
            raw += (
                b"%x" % len(piece)
                + draw(st.sampled_from([b"", b";", b";a=b", b';a="; 5"']))
                + b"\r\n"
                + piece
                + b"\r\n"
            )
    return raw + b"000\r\n" + draw(st.sampled_from([b"", b"A: b\r\n", b"A: b\r\nHost: c\r\n"])) + b"\r\n", found


@given(st.lists(requests(), max_size=4), st.lists(st.integers(0, 2000), max_size=12))
def test_sound_requests_are_read_however_they_are_cut(
    made: list[tuple[bytes, tuple[str, str, bytes]]], places: list[int]
) -> None:
    raw = b"".join(raw for raw, _ in made)
    assert read_all(cut(raw, places)) == ([found for _, found in made], "")


@given(
    st.lists(requests(), min_size=1, max_size=2),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.sampled_from(
                [b"", b"\r\n", b"\n", b"\r", b" ", b"0", b":", b";", b"\x00", b"f", b"x" * 40, b"A: b\r\n"]
            ),
            st.integers(0, 3),
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 2000), max_size=30),
)
def test_spoilt_requests_come_to_the_same_however_they_are_cut(
    made: list[tuple[bytes, object]], spoilt: list[tuple[int, bytes, int]], places: list[int]
) -> None:
    raw = b"".join(raw for raw, _ in made)
    for place, piece, gone in spoilt:
        at = place % (len(raw) + 1)
        raw = raw[:at] + piece + raw[at + gone :]
    whole = read_all([raw])
    assert read_all(cut(raw, places)) == whole
    assert read_all(raw[at : at + 1] for at in range(len(raw))) == whole


@given(st.integers(0, 2 * BODY_MAX), st.integers(1, 300), st.lists(st.integers(0, 4000), max_size=12))
def test_a_body_is_bounded_however_it_comes(size: int, step: int, places: list[int]) -> None:
    body = b"x" * size
    start = b"POST / HTTP/1.1\r\nHost: a\r\n"
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + step]), body[at : at + step]) for at in range(0, size, step)
    )
    for raw in (
        start + b"Content-Length: %d\r\n\r\n" % size + body,
        start + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n",
    ):
        wanted: Read = ([], "refused") if size > BODY_MAX else ([("POST", "/", body)], "")
        assert read_all(cut(raw, places)) == wanted


def test_a_body_that_is_too_long_is_refused_before_it_comes() -> None:
    reader = RequestReader(BODY_MAX)
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    assert reader.read_head() is not None
    with pytest.raises(PayloadTooLarge):
        reader.read_body()
    with pytest.raises(PayloadTooLarge):
        Chunks(BODY_MAX).feed(b"3e9\r\n")


def test_what_came_of_a_body_is_counted() -> None:
    reader = RequestReader(BODY_MAX)
    for rest in (b"Content-Length: 8\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n8\r\nabc"):
        reader = RequestReader(BODY_MAX)
        reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\n" + rest)
        assert reader.read_head() is not None
        assert reader.read_body() is None
        assert reader.received == 3


def test_what_nobody_needs_in_chunks_is_bounded() -> None:
    for raw in (
        b"1;" + b"a" * 2000 + b"\r\n",
        b"1;" + b"a" * 2000,
        b"".join(b"1;" + b"a" * 1000 + b"\r\nx\r\n" for _ in range(EXTENSIONS_BYTES_MAX // 1000 + 1)),
        b"0\r\n" + b"A: b\r\n" * TRAILER_BYTES_MAX,
        b"0\r\nA: " + b"b" * TRAILER_BYTES_MAX,
    ):
        with pytest.raises(RequestError):
            Chunks(1 << 20).feed(raw)


def test_nothing_is_left_behind_when_a_reader_is_cleared() -> None:
    reader = RequestReader(BODY_MAX)
    reader.feed(b"GET / HTTP/1.1\r\n")
    reader.clear()
    assert reader.buffered == 0
