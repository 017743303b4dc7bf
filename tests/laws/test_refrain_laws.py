"""What a reader takes for a repetition means what it would have meant, read whole."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat.reader import REFRAINS_MAX, ChatReader
from tallygate.errors import TallygateError

# One place for the words in each, and everything else in which events may differ, or only seem to be alike.
SHAPES = st.sampled_from(
    [
        b'data: {"id":"i","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n',
        b'data: {"id":"i","choices":[{"index":1,"delta":{"content": "%b"}}]}\n\n',
        b'data: {"id":"i","x":1,"choices":[{"delta":{"content":"%b"},"finish_reason":null}]}\n\n',
        b'data: {"id":"i","x":2,"choices":[{"delta":{"content":"%b"},"finish_reason":null}]}\n\n',
        b'data: {"x":{"content":"%b"},"choices":[{"index":0,"delta":{"content":"b"}}]}\n\n',
        b'data: {"x":"\\"content\\":\\"","choices":[{"y":{"content":"a"},"delta":{"content":"%b"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b","content":"b"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b","refusal":null}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\r\n\r\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\r',
        b'data: {"choices":[{"index":0,"delta":\ndata: {"content":"%b"}}]}\n\n',
        b'event: x\ndata: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}],"usage":{"prompt_tokens":1}}\n\n',
        b': "content":"%b"\n\n',
        b"data: [DONE]\n\n",
    ]
)
WORDS = st.sampled_from(
    [
        b"a",
        b"b",
        b"\xc3\xa9",
        b"\\n",
        b'\\"',
        b"\\u00e9",
        b"\\ud800",
        b"",
        b'a","content":"b',
        b"a\nb",
        b"\r",
        b"\xff",
        b"\\",
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Runs of events of one shape: a refrain is learnt from the first of a run."""
    runs = draw(st.lists(st.tuples(SHAPES, st.lists(WORDS, min_size=1, max_size=4)), max_size=5))
    return b"".join(shape.replace(b"%b", words) for shape, said in runs for words in said)


def read(stream: bytes, cuts: Sequence[int], refrains_max: int) -> tuple[list[Frame], str]:
    reader = ChatReader(refrains_max=refrains_max)
    frames: list[Frame] = []
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    try:
        for at, start in enumerate(edges[:-1]):
            frames += reader.feed(stream[start : edges[at + 1]])
        frames += reader.finish()
    except TallygateError as error:
        return frames, error.code
    return frames, ""


def tell(frames: list[Frame]) -> list[str]:
    """Frames as text, for errors are only equal to themselves."""
    return [repr(frame) for frame in frames]


# What changed in between and back again is told at the end.
TURNED = b'data: {"id":"i","x":1,"choices":[{"delta":{"content":"a"}}]}\n\n'
BETWEEN = b'data: {"id":"i","x":2,"choices":[]}\n\n'


@given(streams(), st.lists(st.integers(0, 900), max_size=8))
@example(TURNED * 3 + BETWEEN + TURNED + b"data: [DONE]\n\n", [])
def test_repetitions_mean_what_they_say(stream: bytes, cuts: list[int]) -> None:
    plain, why = read(stream, cuts, 0)
    learnt, why_too = read(stream, cuts, REFRAINS_MAX)
    assert (tell(learnt), why_too) == (tell(plain), why)


@given(st.lists(WORDS, min_size=2, max_size=6), SHAPES)
def test_events_read_one_by_one_mean_what_they_say(said: list[bytes], shape: bytes) -> None:
    events = [shape.replace(b"%b", words) for words in said]
    cuts = [len(b"".join(events[:count])) for count in range(1, len(events))]
    plain, why = read(b"".join(events), cuts, 0)
    learnt, why_too = read(b"".join(events), cuts, REFRAINS_MAX)
    assert (tell(learnt), why_too) == (tell(plain), why)
