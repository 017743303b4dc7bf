"""Requests and answers that `openai_chat` can say exactly, so that writing and reading them gives the same values back.

Left out is what this wire says in one way only: a `system` beside the messages (written as the first message), several
results in one turn, words after tool calls, neighbouring texts in an answer.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.chat import ChatRequest, ChatResponse, Choice, Tool, ToolChoice
from tallygate.genai.messages import Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from tests.laws.strategies import (
    EXTRAS,
    FORMATS,
    IDS,
    NOT_NULL,
    REASONING_OPTIONS,
    SAID,
    SAMPLINGS,
    TEXT,
    WORDS,
    functions,
    maybe,
    media,
    texts,
    usages,
)

NAME = "openai_chat"

OPEN_MEMBERS = frozenset({"parameters", "schema", "metadata", "logit_bias", "logprobs"})
"""Whose members are the caller's own: an unknown name in there is not a field of the wire."""

CALLS = st.builds(ToolCall, IDS, WORDS, TEXT, st.sampled_from(["function", "custom"]), EXTRAS)

_SIGNED = st.builds(Reasoning, TEXT, signature=SAID, extra=EXTRAS)
_SEALED = st.builds(Reasoning, encrypted=SAID, extra=EXTRAS)
_SPOKEN = st.builds(Reasoning, SAID, extra=EXTRAS)
_SUMMED = st.builds(Reasoning, SAID, extra=st.just({"type": "reasoning.summary"}))
THOUGHTS = st.lists(_SIGNED | _SEALED | _SPOKEN | _SUMMED, max_size=3)


def _content() -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(texts() | media(stored=True), max_size=3).map(tuple)


@st.composite
def _assistant(draw: st.DrawFn) -> Message:
    said = draw(st.lists(texts() | st.builds(Refusal, TEXT, extra=EXTRAS), max_size=3))
    parts = (*draw(THOUGHTS), *said, *draw(st.lists(CALLS, max_size=3)))
    return Message("assistant", parts, name=draw(maybe(WORDS)), extra=draw(EXTRAS))


@st.composite
def _result(draw: st.DrawFn) -> Message:
    return Message("tool", (ToolResult(draw(IDS), draw(_content())),), name=draw(maybe(WORDS)), extra=draw(EXTRAS))


MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), _content(), name=maybe(WORDS), extra=EXTRAS),
    st.builds(
        Message,
        st.sampled_from(["system", "developer"]),
        st.lists(texts(), max_size=2).map(tuple),
        name=maybe(WORDS),
        extra=EXTRAS,
    ),
    _assistant(),
    _result(),
)

_CUSTOM = st.builds(Tool, WORDS.map("cu_".__add__), kind=st.just("custom"), description=maybe(TEXT), extra=EXTRAS)
_OWN = st.builds(lambda kind, extra: Tool(kind, kind=kind, extra=extra), WORDS.map("own_".__add__), EXTRAS)
TOOLS = functions() | _CUSTOM | _OWN
_LEGACY_TOOLS = functions(st.builds(lambda extra: {"functions": extra}, EXTRAS))


def _named(prefix: str) -> st.SearchStrategy[str]:
    return WORDS.map(prefix.__add__)


CHOICES = st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
    st.builds(lambda name, extra: ToolChoice("tool", (name,), extra=extra), _named("fn_"), EXTRAS),
    st.builds(lambda name, extra: ToolChoice("tool", (name,), "custom", extra), _named("cu_"), EXTRAS),
    st.builds(
        ToolChoice,
        st.sampled_from(["allowed_auto", "allowed_required"]),
        st.lists(_named("fn_"), max_size=3).map(tuple),
        extra=EXTRAS,
    ),
    st.builds(
        ToolChoice,
        st.sampled_from(["allowed_auto", "allowed_required"]),
        st.lists(_named("cu_"), min_size=1, max_size=3).map(tuple),
        st.just("custom"),
        EXTRAS,
    ),
)
_LEGACY_CHOICES = st.builds(ToolChoice, st.sampled_from(["auto", "none"])) | st.builds(
    lambda name, extra: ToolChoice("tool", (name,), extra={"function_call": extra}), WORDS, EXTRAS
)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request as this dialect's reader would make it."""
    stream = draw(st.booleans())
    older = draw(st.booleans())
    tools = draw(st.lists(_LEGACY_TOOLS if older else TOOLS, max_size=3).map(tuple))
    return ChatRequest(
        model=draw(SAID),
        messages=tuple(draw(st.lists(MESSAGES, min_size=1, max_size=4))),
        tools=tools,
        tool_choice=draw(maybe(_LEGACY_CHOICES if older and tools else CHOICES)),
        parallel_tool_calls=draw(maybe(st.booleans())),
        output_tokens_max=draw(maybe(st.integers(1, 2**31 - 1))),
        stop=tuple(draw(st.lists(SAID, max_size=4))),
        sampling=draw(SAMPLINGS),
        response_format=draw(maybe(FORMATS)),
        reasoning=draw(maybe(REASONING_OPTIONS.filter(lambda options: options != type(options)()))),
        n=draw(maybe(st.integers(1, 128))),
        logprobs=draw(maybe(st.booleans())),
        top_logprobs=draw(maybe(st.integers(0, 20))),
        metadata=draw(maybe(st.dictionaries(SAID, TEXT, max_size=3))),
        user=draw(maybe(TEXT)),
        service_tier=draw(maybe(WORDS)),
        modalities=draw(st.sampled_from([(), ("text",), ("text", "audio")])),
        stream=stream,
        include_usage=stream and draw(st.booleans()),
        dialect=NAME,
        extra=draw(EXTRAS),
    )


@st.composite
def _choice(draw: st.DrawFn, index: int) -> Choice:
    said: list[Part] = []
    if text := draw(TEXT):
        said.append(Text(text))
    if refusal := draw(st.just("") | TEXT):
        said.append(Refusal(refusal))
    calls = draw(st.lists(CALLS, max_size=3))
    if calls and draw(st.booleans()):
        # One call of the older kind: its id is made from where it stands.
        older = structs.replace(calls[-1], id=f"call_ID_{index}_{len(calls) - 1}", kind="function")
        calls[-1] = structs.replace(older, extra={"function_call": {}})
    reason = draw(maybe(st.sampled_from(["stop", "length", "tool_calls", "content_filter", "error"])))
    extra: dict[str, Any] = {**draw(EXTRAS)} if reason else {}
    if inner := draw(EXTRAS):
        extra["message"] = inner
    if reason == "stop" and draw(st.booleans()):
        extra["finish_reason"] = "eos"
    logprobs = draw(maybe(st.dictionaries(WORDS, NOT_NULL, min_size=1, max_size=2)))
    parts = (*draw(THOUGHTS), *said, *calls)
    if not (parts or extra or logprobs):
        # A choice that says nothing at all is not there in a stream.
        reason = "stop"
    return Choice(index, parts, finish_reason=reason, logprobs=logprobs, extra=extra)


@st.composite
def responses(draw: st.DrawFn) -> ChatResponse:
    """A whole answer as this dialect's reader would make it."""
    places = sorted(draw(st.sets(st.integers(0, 5), max_size=3)))
    usage = draw(maybe(usages()))
    extra: dict[str, Any] = {**draw(EXTRAS)}
    if usage is not None and (counted := draw(EXTRAS)):
        extra["usage"] = counted
    return ChatResponse(
        id="ID",
        model=draw(SAID),
        created_s=draw(st.integers(0, 2**32)),
        choices=tuple(draw(_choice(place)) for place in places),
        usage=usage,
        service_tier=draw(maybe(WORDS)),
        dialect=NAME,
        extra=extra,
    )
