"""Requests and answers that `anthropic_messages` can say exactly, so that writing and reading them gives them back.

Left out is what this wire says in one way only: refusals (ordinary text), developer turns, several answers to a call,
and that a tool is `custom`, which says no more than leaving it out.
"""

import base64
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from tallygate.genai.chat import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from tallygate.genai.messages import (
    Document,
    Image,
    Inline,
    Message,
    Opaque,
    Part,
    Reasoning,
    Remote,
    Stored,
    ToolCall,
    ToolResult,
)
from tallygate.genai.usage import Usage
from tests.laws.strategies import (
    BASE64,
    COUNTS,
    EXTRAS,
    IDS,
    JSON,
    SAID,
    SCHEMAS,
    TEXT,
    URLS,
    WORDS,
    functions,
    maybe,
    texts,
)

NAME = "anthropic_messages"

OPEN_MEMBERS = frozenset({"input_schema", "schema", "input"})
"""Whose members are the caller's own: an unknown name in there is not a field of the wire."""

ARGUMENTS = st.dictionaries(TEXT, JSON, max_size=3).map(lambda value: msgspec.json.encode(value).decode())
CALLS = st.builds(ToolCall, TEXT, WORDS, ARGUMENTS, extra=EXTRAS)
OPAQUES = st.builds(Opaque, WORDS.map("web_".__add__), EXTRAS)
THOUGHTS = st.one_of(
    st.builds(Reasoning, TEXT, signature=maybe(SAID), extra=EXTRAS),
    st.builds(Reasoning, encrypted=SAID, extra=EXTRAS),
)

_LETTERS = st.builds(lambda text: Inline("text/plain", base64.b64encode(text.encode()).decode()), TEXT)
_ELSEWHERE = st.builds(Remote, URLS) | st.builds(Stored, IDS)
_PICTURES = st.builds(Image, st.builds(Inline, st.just("image/png"), BASE64) | _ELSEWHERE, extra=EXTRAS)
_PAPERS = st.builds(
    Document,
    st.builds(Inline, st.just("application/pdf"), BASE64) | _LETTERS | _ELSEWHERE,
    filename=maybe(TEXT),
    extra=EXTRAS,
)


def _content() -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(texts() | _PICTURES | _PAPERS | OPAQUES, max_size=3).map(tuple)


_RESULTS = st.builds(ToolResult, TEXT, _content(), st.booleans(), EXTRAS)
MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), _content(), extra=EXTRAS),
    st.builds(Message, st.just("system"), st.lists(texts(), max_size=2).map(tuple), extra=EXTRAS),
    st.builds(
        Message,
        st.just("assistant"),
        st.lists(texts() | THOUGHTS | CALLS | OPAQUES, max_size=4).map(tuple),
        extra=EXTRAS,
    ),
    st.builds(Message, st.just("tool"), st.lists(_RESULTS, min_size=1, max_size=3).map(tuple), extra=EXTRAS),
)

_OWN = st.builds(
    lambda kind, extra: Tool(kind, kind=kind, extra={"name": kind, **extra}), WORDS.map("web_".__add__), EXTRAS
)
CHOICES = st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]), extra=EXTRAS),
    st.builds(lambda name, extra: ToolChoice("tool", (name,), extra=extra), WORDS, EXTRAS),
)

_EFFORTS = maybe(st.sampled_from(["low", "medium", "high", "xhigh", "max"]))
_THINKING = st.one_of(
    st.builds(ReasoningOptions, _EFFORTS, st.integers(0, 99_999), enabled=st.just(True), exclude=maybe(st.booleans())),
    st.builds(ReasoningOptions, _EFFORTS, enabled=st.booleans(), exclude=maybe(st.booleans()), extra=EXTRAS),
    st.builds(ReasoningOptions, _EFFORTS, extra=EXTRAS.map(lambda extra: {"type": "between_tools", **extra})),
    st.builds(ReasoningOptions, st.sampled_from(["low", "max"])),
)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request as this dialect's reader would make it."""
    stream = draw(st.booleans())
    choice = draw(maybe(CHOICES))
    return ChatRequest(
        model=draw(SAID),
        messages=tuple(draw(st.lists(MESSAGES, min_size=1, max_size=4))),
        system=draw(st.lists(texts(), max_size=2).map(tuple)),
        tools=draw(st.lists(functions() | _OWN, max_size=3).map(tuple)),
        tool_choice=choice,
        parallel_tool_calls=draw(maybe(st.booleans())) if choice else None,
        output_tokens_max=draw(st.integers(0, 2**31 - 1)),
        stop=tuple(draw(st.lists(TEXT, max_size=4))),
        sampling=Sampling(
            temperature=draw(maybe(st.floats(0, 1))),
            top_p=draw(maybe(st.floats(0, 1))),
            top_k=draw(maybe(st.integers(0, 500))),
        ),
        response_format=draw(
            maybe(st.builds(ResponseFormat, st.just("json_schema"), schema=maybe(SCHEMAS), extra=EXTRAS))
        ),
        reasoning=draw(maybe(_THINKING)),
        user=draw(maybe(TEXT)),
        service_tier=draw(maybe(st.sampled_from(["auto", "default", "flex"]))),
        stream=stream,
        include_usage=stream,
        dialect=NAME,
        extra=draw(EXTRAS),
    )


@st.composite
def _usages(draw: st.DrawFn) -> Usage:
    fresh, read, written, made = draw(COUNTS), draw(maybe(COUNTS)), draw(maybe(COUNTS)), draw(COUNTS)
    return Usage(
        input_tokens=fresh + (read or 0) + (written or 0),
        output_tokens=made,
        cached_input_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=draw(maybe(st.integers(0, written))) if written is not None else None,
        reasoning_tokens=draw(maybe(st.integers(0, made))),
        tool_uses=draw(maybe(COUNTS)),
    )


_REASONS: Final[st.SearchStrategy[FinishReason]] = st.sampled_from(["stop", "length", "tool_calls", "refusal", "pause"])


@st.composite
def responses(draw: st.DrawFn) -> ChatResponse:
    """A whole answer as this dialect's reader would make it."""
    parts = tuple(draw(st.lists(texts() | THOUGHTS | CALLS | OPAQUES, max_size=5)))
    # An answer that says nothing at all, not even why it ended, is not there in a stream.
    reason = draw(maybe(_REASONS) if parts else _REASONS)
    sequence = draw(maybe(TEXT)) if reason == "stop" else None
    kept = {"stop_reason": "model_context_window_exceeded"} if reason == "length" and draw(st.booleans()) else {}
    extra: dict[str, Any] = {**draw(EXTRAS)}
    if counted := draw(EXTRAS):
        extra["usage"] = counted
    return ChatResponse(
        id=draw(IDS),
        model=draw(SAID),
        choices=(Choice(0, parts, finish_reason=reason, stop_sequence=sequence, extra=kept),),
        usage=draw(_usages()),
        service_tier=draw(maybe(st.sampled_from(["default", "priority", "batch", "else"]))),
        dialect=NAME,
        extra=extra,
    )
