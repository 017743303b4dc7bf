"""Heads and whole answers out of bytes: what comes of each, however they are cut, and beside another reader."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.transport.head import HeadReader, is_encoded
from tests.transport.answers import CASES, LIMITS, Case, Got, read_answer

LONG = 300
NOISE = [b"", b"0", b"1", b"\r", b"\n", b" ", b":", b";", b"\0"]

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
tokens = st.text("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20)
values = st.text([chr(c) for c in (9, *range(32, 127), *range(128, 256))], max_size=40).map(lambda x: x.strip(" \t"))


@cases
def test_an_answer_comes_to_what_it_should(case: Case) -> None:
    assert read_answer([case.said], ends=True) == case.ended
    assert read_answer([case.said], ends=False) == case.silent


@cases
def test_it_does_not_matter_where_an_answer_is_cut(case: Case) -> None:
    """At every byte; a long one at every byte of its beginning and end."""
    places = [n for n in range(len(case.said) + 1) if n < LONG or n > len(case.said) - LONG]
    for place in places:
        pieces = [case.said[:place], case.said[place:]]
        assert read_answer(pieces, ends=False) == case.silent, place


@cases
def test_an_answer_may_come_byte_by_byte(case: Case) -> None:
    step = 1 if len(case.said) < LONG else 97
    bytes_ = [case.said[n : n + step] for n in range(0, len(case.said), step)]
    assert read_answer(bytes_, ends=True) == case.ended
    assert read_answer(bytes_, ends=True, bytes_max=1) == case.ended


@cases
def test_a_part_of_an_answer_is_never_a_whole_one(case: Case) -> None:
    if case.silent.how == "whole" and case.silent.again:
        for place in range(len(case.said)):
            assert read_answer([case.said[:place]], ends=True).how in ("broken", "cut off"), place


@given(st.lists(st.tuples(tokens, values), max_size=20), st.integers(200, 599), st.integers(0, 400))
def test_headers_are_read_as_they_were_written(pairs: list[tuple[str, str]], status: int, place: int) -> None:
    pairs = [("x-" + name, value) for name, value in pairs]
    said = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs)
    data = said.encode("latin-1") + b"\r\n"
    reader = HeadReader(LIMITS)
    head = reader.feed(data[:place]) or reader.feed(data[place:])
    assert head is not None
    wanted: dict[str, str] = {}
    for name, value in pairs:
        wanted[name] = f"{wanted[name]}, {value}" if name in wanted else value
    assert (head.status, head.headers) == (status, wanted)


@given(st.data())
def test_what_is_accepted_here_is_the_same_to_another_reader(data: st.DataObject) -> None:
    """Answers with a few bytes changed: the other may refuse it, but never reads another body."""
    said = bytearray(data.draw(st.sampled_from([case.said for case in CASES.values() if len(case.said) < LONG])))
    for _ in range(data.draw(st.integers(0, 3))):
        if said:
            place = data.draw(st.integers(0, len(said) - 1))
            said[place : place + 1] = data.draw(st.sampled_from(NOISE))
    ours = read_answer([bytes(said)], ends=False)
    if ours.how == "whole" and ours.status not in (204, 304):
        assert _read_elsewhere(bytes(said)) in (None, (ours.status, ours.body))


def _read_elsewhere(said: bytes) -> tuple[int, bytes] | None:
    """By the parser that reads the requests of clients. None if it finds something wrong first."""
    done: list[tuple[int, bytes]] = []
    body: list[bytes] = []

    class Heard:
        def on_body(self, data: bytes) -> None:
            body.append(data)

        def on_message_complete(self) -> None:
            if parser.get_status_code() >= 200:
                done.append((parser.get_status_code(), b"".join(body)))

    parser = httptools.HttpResponseParser(Heard())
    # Where a reader is more lenient than the standard on purpose, the other one is asked to be.
    parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True, lenient_data_after_close=True)
    try:
        parser.feed_data(said)
    except httptools.HttpParserError:
        return done[0] if done else None  # it may be about what stands behind the answer
    return done[0] if done else (0, b"")


@pytest.mark.parametrize(
    ("headers", "encoded"),
    [
        ({}, False),
        ({"content-encoding": "identity"}, False),
        ({"content-encoding": ""}, False),
        ({"content-encoding": "gzip"}, True),
        ({"content-encoding": "BR"}, True),
        ({"content-encoding": "identity, gzip"}, True),
        ({"transfer-encoding": "Chunked"}, False),
        ({"transfer-encoding": "gzip, chunked"}, True),
        ({"transfer-encoding": "chunked, chunked"}, True),
    ],
)
def test_whether_a_body_must_be_unfolded(headers: dict[str, str], encoded: bool) -> None:
    assert is_encoded(headers) is encoded


def test_interim_answers_are_passed_over_in_number() -> None:
    hundred = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100
    said = hundred + b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"
    assert read_answer([said], ends=False) == Got("whole", 200, b"a", again=True)
