"""Values of the vocabulary, drawn by Hypothesis. What one dialect can say of them is chosen in that dialect's own file.

`extra` members are named ``x_…``, so that they never meet a member with a meaning, and are never null at the top: a
stream cannot tell null from silence.
"""

import base64
from typing import Any

from hypothesis import strategies as st

from tallygate.genai.chat import ReasoningOptions, ResponseFormat, Sampling, Tool
from tallygate.genai.messages import Audio, Document, Image, Inline, Part, Remote, Stored, Text, Video
from tallygate.genai.usage import Usage

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
SAID = TEXT.filter(bool)
WORDS = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,16}", fullmatch=True)
BASE64 = st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode())
URLS = st.from_regex(r"https?://[a-z]{1,8}\.example/[a-z0-9/]{0,8}(\?[a-z]=[0-9])?", fullmatch=True)
COUNTS = st.integers(0, 2**20)

_SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NOT_NULL = JSON.filter(lambda value: value is not None)
EXTRA_NAMES = WORDS.map("x_".__add__)
EXTRAS: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.dictionaries(EXTRA_NAMES, NOT_NULL, max_size=3)
SCHEMAS = st.dictionaries(WORDS, JSON, max_size=3)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or None."""
    return st.none() | values


def texts(extras: st.SearchStrategy[dict[str, Any]] = EXTRAS) -> st.SearchStrategy[Text]:
    """Text parts, empty ones too."""
    return st.builds(Text, TEXT, extra=extras)


def media(*, stored: bool) -> st.SearchStrategy[Part]:
    """Pictures, sounds, films and files, inline or elsewhere. `stored`: files at the provider too."""

    def inline(kinds: list[str]) -> st.SearchStrategy[Inline]:
        return st.builds(Inline, st.sampled_from(kinds), BASE64)

    remote = st.builds(Remote, URLS)
    files = inline(["application/pdf", "text/plain;charset=utf-8"]) | remote
    if stored:
        files |= st.builds(Stored, IDS)
    details = maybe(st.sampled_from(["low", "high", "auto"]))
    return st.one_of(
        st.builds(Image, inline(["image/png", "image/jpeg"]) | remote, detail=details, extra=EXTRAS),
        st.builds(Audio, inline(["audio/mpeg", "audio/wav", "audio/flac"]) | remote, extra=EXTRAS),
        st.builds(Video, inline(["video/mp4"]) | remote, extra=EXTRAS),
        st.builds(Document, files, filename=maybe(SAID), extra=EXTRAS),
    )


def functions(extras: st.SearchStrategy[dict[str, Any]] = EXTRAS) -> st.SearchStrategy[Tool]:
    """Function tools; their names begin ``fn_``."""
    return st.builds(
        Tool,
        WORDS.map("fn_".__add__),
        description=maybe(TEXT),
        parameters=maybe(SCHEMAS),
        strict=maybe(st.booleans()),
        extra=extras,
    )


FORMATS = st.builds(ResponseFormat, st.sampled_from(["text", "json_object"]), extra=EXTRAS) | st.builds(
    ResponseFormat,
    st.just("json_schema"),
    name=WORDS,
    schema=maybe(SCHEMAS),
    strict=maybe(st.booleans()),
    description=maybe(TEXT),
    extra=EXTRAS,
)

_PENALTIES = maybe(st.floats(-2, 2))
SAMPLINGS = st.builds(
    Sampling,
    temperature=maybe(st.floats(0, 2)),
    top_p=maybe(st.floats(0, 1)),
    top_k=maybe(st.integers(1, 500)),
    min_p=maybe(st.floats(0, 1)),
    frequency_penalty=_PENALTIES,
    presence_penalty=_PENALTIES,
    repetition_penalty=maybe(st.floats(0.5, 2)),
    seed=maybe(st.integers(-(2**63), 2**63 - 1)),
    logit_bias=maybe(st.dictionaries(st.integers(0, 99_999).map(str), st.floats(-100, 100), max_size=3)),
)

REASONING_OPTIONS = st.builds(
    ReasoningOptions,
    effort=maybe(st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
    tokens_max=maybe(st.integers(0, 100_000)),
    summary=maybe(st.sampled_from(["auto", "concise", "detailed"])),
    enabled=maybe(st.booleans()),
    exclude=maybe(st.booleans()),
    extra=EXTRAS,
)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts whose parts are no larger than their wholes."""
    given, made = draw(COUNTS), draw(COUNTS)
    inside = maybe(st.integers(0, given))
    outside = maybe(st.integers(0, made))
    return Usage(
        input_tokens=given,
        output_tokens=made,
        cached_input_tokens=draw(inside),
        cache_write_tokens=draw(inside),
        cache_write_1h_tokens=draw(inside),
        audio_input_tokens=draw(inside),
        audio_output_tokens=draw(outside),
        reasoning_tokens=draw(outside),
        accepted_prediction_tokens=draw(outside),
        rejected_prediction_tokens=draw(outside),
    )
