"""Event streams as providers send them, and as they should not."""

import pytest

from tallygate.dialects.sse import OWN, Parser, SseFrame, comment, encode, is_own_comment
from tallygate.errors import InvalidAnswer


def parse(*pieces: bytes) -> list[SseFrame]:
    parser = Parser()
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    return frames + parser.finish()


def test_usual_frames() -> None:
    assert parse(b'data: {"a":1}\n\ndata: [DONE]\n\n') == [
        SseFrame(b'data: {"a":1}\n\n', b"", b'{"a":1}'),
        SseFrame(b"data: [DONE]\n\n", b"", b"[DONE]"),
    ]


@pytest.mark.parametrize(
    ("raw", "event", "data"),
    [
        (b"data:x\n\n", b"", b"x"),
        (b"data:  x \n\n", b"", b" x "),
        (b"data: a\ndata: b\ndata:\n\n", b"", b"a\nb\n"),
        (b"data: a\r\ndata: b\r\n\r\n", b"", b"a\nb"),
        (b"data: a\rdata: b\r\r", b"", b"a\nb"),
        (b"data: a\r\ndata: b\ndata: c\r\r", b"", b"a\nb\nc"),
        (b"event: error\ndata: {}\n\n", b"error", b"{}"),
        (b"data: {}\nevent:ping\n\n", b"ping", b"{}"),
        (b"id: 7\nretry: 10\ndata: x\n\n", b"", b"x"),
        (b": note\ndata: x\n\n", b"", b"x"),
        (b"data: a:b: c\n\n", b"", b"a:b: c"),
        (b"data\n\n", b"", b""),
        (b"datas: x\n data: y\n\n", b"", b""),
        (b"\ndata: x\n\n", b"", b"x"),
        (b"\xef\xbb\xbfdata: x\n\n", b"", b"x"),
        (b"data: \xe2\x82\xac\xff\n\n", b"", b"\xe2\x82\xac\xff"),
    ],
)
def test_one_frame(raw: bytes, event: bytes, data: bytes) -> None:
    assert parse(raw) == [SseFrame(raw, event, data)]
    assert parse(*(raw[at : at + 1] for at in range(len(raw)))) == [SseFrame(raw, event, data)]


def test_a_byte_order_mark_counts_at_the_start_only() -> None:
    assert [frame.data for frame in parse(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n")] == [b"a", b""]


@pytest.mark.parametrize("raw", [b": keep-alive\n\n", b":\n\n", b":a\n:b\r\n\r\n"])
def test_comments_are_marked(raw: bytes) -> None:
    assert parse(raw) == [SseFrame(raw, comment=True)]


def test_a_comment_beside_a_field_is_no_comment_frame() -> None:
    assert [frame.comment for frame in parse(b": x\nid: 1\n\n")] == [False]


def test_blank_lines_alone_are_frames_without_meaning() -> None:
    frames = parse(b"data: a\n\n\n\n\ndata: b\n\n")
    assert [(frame.raw, frame.data, frame.comment) for frame in frames] == [
        (b"data: a\n\n", b"a", False),
        (b"\n\n", b"", False),
        (b"\ndata: b\n\n", b"b", False),
    ]


def test_a_frame_is_handed_out_as_soon_as_its_end_is_sure() -> None:
    assert [frame.data for frame in Parser().feed(b"data: a\r\r")] == [b"a"]
    parser = Parser()
    assert parser.feed(b"data: a\r\n\r") == []
    assert [frame.raw for frame in parser.feed(b"\n")] == [b"data: a\r\n\r\n"]


@pytest.mark.parametrize(
    ("raw", "missing_end"),
    [(b"data: x", b"\n\n"), (b"data: x\n", b"\n"), (b"data: x\r\n", b"\n"), (b"data: x\r", b"\n\n")],
)
def test_a_last_frame_without_its_end_is_flagged(raw: bytes, missing_end: bytes) -> None:
    [frame] = parse(raw)
    assert (frame.raw, frame.data, frame.terminated, frame.missing_end) == (raw, b"x", False, missing_end)
    [whole] = parse(raw + missing_end)
    assert (whole.data, whole.terminated, whole.missing_end) == (b"x", True, b"")


def test_an_end_that_waited_for_its_next_byte_is_whole_at_the_end() -> None:
    assert parse(b"data: x\n\r") == [SseFrame(b"data: x\n\r", b"", b"x")]


def test_an_ended_parser_has_nothing_left() -> None:
    parser = Parser()
    parser.feed(b"data: x")
    assert len(parser.finish()) == 1
    assert parser.finish() == []


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_large_events_in_small_pieces(ending: bytes) -> None:
    # Reading everything again at each piece would not end within the test's time limit.
    raw = b'data: "' + b"A" * (5 << 20) + b'"' + ending
    frames = parse(*(raw[at : at + 100] for at in range(0, len(raw), 100)))
    assert [frame.raw for frame in frames] == [raw]


def test_many_one_byte_pieces() -> None:
    raw = b"data: " + b"A" * 100_000 + b"\n\n"
    assert [frame.raw for frame in parse(*(raw[at : at + 1] for at in range(len(raw))))] == [raw]


def test_the_frame_limit_is_exact() -> None:
    fits = b"data: 789012345678\n\n"
    assert len(fits) == 20
    assert [frame.raw for frame in Parser(frame_bytes_max=20).feed(fits)] == [fits]
    with pytest.raises(InvalidAnswer, match="more than 20 bytes"):
        Parser(frame_bytes_max=20).feed(b"data: 7890123456789\n\n")


def test_frames_before_one_over_the_limit_are_handed_out_first() -> None:
    parser = Parser(frame_bytes_max=20)
    frames = parser.feed(b"data: x\n\ndata: 7890123456789\n\ndata: y\n\n")
    assert [frame.data for frame in frames] == [b"x"]
    for _ in range(2):
        with pytest.raises(InvalidAnswer):
            parser.feed(b"data: z\n\n")


def test_an_event_over_the_limit_is_refused_before_its_end() -> None:
    parser = Parser(frame_bytes_max=20)
    assert parser.feed(b"data: 78901234567890") == []
    with pytest.raises(InvalidAnswer):
        parser.feed(b"1")


def test_an_endless_event_is_refused_at_the_end_too() -> None:
    parser = Parser(frame_bytes_max=20)
    assert len(parser.feed(b"data: x\n\n" + b"x" * 21)) == 1
    with pytest.raises(InvalidAnswer):
        parser.finish()


def test_written_frames() -> None:
    assert encode(b'{"a":1}') == b'data: {"a":1}\n\n'
    assert encode(b"{}", b"ping") == b"event: ping\ndata: {}\n\n"
    assert encode(b"a\nb\r\nc\r") == b"data: a\ndata: b\ndata: c\ndata: \n\n"


def test_written_comments() -> None:
    assert comment("still here") == b": still here\n\n"
    assert comment("a\n\ndata: b") == b": a\n: \n: data: b\n\n"
    assert comment("") == b": \n\n"


OWN_COMMENTS = [
    (comment(f"{OWN}: waiting"), True),
    (comment(f"{OWN}-receipt call_1"), True),
    (b": tallygate: waiting\r\n\r\n", True),
    (comment("waiting for tallygate"), False),
    (b": OPENROUTER PROCESSING\n\n", False),
    # Something else rides along.
    (b": tallygate\ndata: {}\n\n", False),
    (b": tallygate\rdata: {}\r\r", False),
    (b"data: {}\n: tallygate\n\n", False),
    (b"data: : tallygate\n\n", False),
]


@pytest.mark.parametrize(("raw", "own"), OWN_COMMENTS)
def test_a_gateway_knows_the_comments_of_its_kind(raw: bytes, own: bool) -> None:
    assert is_own_comment(raw) == own
