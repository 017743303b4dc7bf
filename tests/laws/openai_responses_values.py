"""Requests and answers that `openai_responses` can say exactly, so that writing and reading them gives them back.

Left out is what this wire says in one way only: several results in one turn, a system of several texts, an answer
without a reason for its end, counts that are not known, notes on a refusal.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from tallygate.dialects.openai_responses.reasoning import FORMAT
from tallygate.genai.chat import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    ReasoningOptions,
    Sampling,
    Tool,
    ToolChoice,
)
from tallygate.genai.messages import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Remote,
    Stored,
    Text,
    ToolCall,
    ToolResult,
)
from tallygate.genai.usage import Usage
from tests.laws.strategies import (
    BASE64,
    COUNTS,
    EXTRAS,
    FORMATS,
    IDS,
    SAID,
    TEXT,
    URLS,
    WORDS,
    functions,
    maybe,
    texts,
)

NAME = "openai_responses"

OPEN_MEMBERS = frozenset({"parameters", "schema", "metadata"})
"""Whose members are the caller's own: an unknown name in there is not a field of the wire."""


def _noted(extras: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The extra of a part, with the id of its item now and then."""
    ids = IDS.map(lambda id_: {"item": {"id": id_}})
    return st.builds(lambda notes, extra: {**notes, **extra}, st.just({}) | ids, extras)


CALLS = st.builds(ToolCall, IDS, WORDS, TEXT, st.sampled_from(["function", "custom"]), _noted(EXTRAS)) | st.builds(
    lambda id_, name, text, namespace, extra: ToolCall(
        id_, f"{namespace}__{name}", text, extra={"namespace": namespace, **extra}
    ),
    IDS,
    WORDS,
    TEXT,
    WORDS.filter(lambda word: not word.endswith("__")),
    EXTRAS,
)
OPAQUES = st.builds(Opaque, WORDS.map("web_".__add__), EXTRAS)
THOUGHTS = st.one_of(
    st.builds(Reasoning, TEXT, signature=maybe(SAID), extra=EXTRAS),
    st.builds(Reasoning, TEXT, encrypted=SAID, extra=EXTRAS),
    st.builds(Reasoning, TEXT, encrypted=SAID, extra=EXTRAS.map(lambda extra: {"format": FORMAT, **extra})),
    st.builds(
        lambda first, second: Reasoning(
            f"{first}\n\n{second}",
            extra={"summary": [{"type": "summary_text", "text": text} for text in (first, second)]},
        ),
        SAID,
        SAID,
    ),
    st.builds(lambda text: Reasoning(text, extra={"content": [{"type": "reasoning_text", "text": text}]}), SAID),
)

_ELSEWHERE = st.builds(Remote, URLS) | st.builds(Stored, IDS)
_DETAILS = maybe(st.sampled_from(["low", "high", "auto", "original"]))
_PICTURES = st.builds(
    Image, st.builds(Inline, st.just("image/png"), BASE64) | _ELSEWHERE, detail=_DETAILS, extra=EXTRAS
)
_PAPERS = st.builds(
    Document,
    st.builds(Inline, st.sampled_from(["application/pdf", "text/plain;charset=utf-8"]), BASE64) | _ELSEWHERE,
    filename=maybe(SAID),
    extra=EXTRAS,
)
_SOUNDS = st.builds(
    Audio, st.builds(Inline, st.sampled_from(["audio/mpeg", "audio/wav", "audio/flac"]), BASE64), extra=EXTRAS
)


def _content(*more: st.SearchStrategy[Part]) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(st.one_of(texts(), _PICTURES, _PAPERS, *more), max_size=3).map(tuple)


def _separate(parts: list[Part]) -> tuple[Part, ...]:
    """Only what begins a message keeps anything of it; a text after another is another message if it has a mark."""
    kept: list[Part] = []
    for part in parts:
        first = not kept or not isinstance(kept[-1], Text | Refusal)
        idle = isinstance(part, Text) and first and part.extra == {"item": None}
        kept.append(Text(part.text) if idle and isinstance(part, Text) else part)
    return tuple(kept)


_SAID = st.builds(Text, TEXT, extra=_noted(EXTRAS))
_REFUSALS = st.builds(Refusal, TEXT, extra=EXTRAS)


@st.composite
def _result(draw: st.DrawFn) -> Message:
    extra = draw(_noted(EXTRAS))
    if draw(st.booleans()):
        extra["type"] = "custom_tool_call_output"
    return Message("tool", (ToolResult(draw(IDS.map("other_".__add__)), draw(_content()), extra=extra),))


def _given() -> st.SearchStrategy[Message]:
    return st.one_of(
        st.builds(Message, st.just("user"), _content(_SOUNDS, OPAQUES), extra=_noted(EXTRAS)),
        st.builds(
            Message,
            st.sampled_from(["system", "developer"]),
            st.lists(texts(), max_size=2).map(tuple),
            extra=_noted(EXTRAS),
        ),
        _result(),
        st.builds(lambda extra: Message("tool", (Opaque("computer_call_output", extra=extra),)), EXTRAS),
    )


_TURNS = st.builds(
    lambda parts: Message("assistant", _separate(parts)),
    st.lists(_SAID | _REFUSALS | THOUGHTS | CALLS | OPAQUES, min_size=1, max_size=4),
)


@st.composite
def _messages(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns, of which no two of the assistant's stand beside each other: they would be one."""
    turns: list[Message] = []
    for turn in draw(st.lists(_given() | _TURNS, min_size=1, max_size=4)):
        if not (turns and turns[-1].role == turn.role == "assistant"):
            turns.append(turn)
    return tuple(turns)


_CUSTOM = st.builds(Tool, WORDS.map("cu_".__add__), kind=st.just("custom"), description=maybe(TEXT), extra=EXTRAS)
_OWN = st.builds(lambda kind, extra: Tool(kind, kind=kind, extra=extra), WORDS.map("own_".__add__), EXTRAS)
_FUNCTIONS = functions().map(lambda tool: structs.replace(tool, strict=tool.strict or None))


@st.composite
def _tools(draw: st.DrawFn) -> tuple[Tool, ...]:
    tools = draw(st.lists(_FUNCTIONS | _CUSTOM | _OWN, max_size=3))
    name = draw(maybe(WORDS.filter(lambda word: not word.endswith("__"))))
    if name is not None:
        shared = {"name": name, **draw(EXTRAS)}
        inner = draw(st.lists(_FUNCTIONS | _CUSTOM, min_size=1, max_size=2))
        tools += [
            structs.replace(tool, name=f"{name}__{tool.name}", extra={**tool.extra, "namespace": shared})
            for tool in inner
        ]
    return tuple(tools)


CHOICES = st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
    st.builds(
        lambda name, kind, extra: ToolChoice("tool", (name,), kind, extra),
        WORDS,
        st.sampled_from(["function", "custom"]),
        EXTRAS,
    ),
    st.builds(lambda kind, extra: ToolChoice("tool", (kind,), kind, extra), WORDS.map("own_".__add__), EXTRAS),
    st.builds(
        ToolChoice,
        st.sampled_from(["allowed_auto", "allowed_required"]),
        st.lists(WORDS.map("fn_".__add__), max_size=3).map(tuple),
        extra=EXTRAS,
    ),
)
_THINKING = st.builds(
    ReasoningOptions,
    effort=maybe(st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"])),
    summary=maybe(st.sampled_from(["auto", "concise", "detailed"])),
    extra=EXTRAS,
).filter(lambda options: options != ReasoningOptions())


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request as this dialect's reader would make it."""
    stream = draw(st.booleans())
    return ChatRequest(
        model=draw(SAID),
        messages=draw(_messages()),
        system=draw(st.just(()) | st.builds(lambda text: (Text(text),), TEXT)),
        tools=draw(_tools()),
        tool_choice=draw(maybe(CHOICES)),
        parallel_tool_calls=draw(maybe(st.booleans())),
        output_tokens_max=draw(maybe(st.integers(1, 2**31 - 1))),
        sampling=Sampling(temperature=draw(maybe(st.floats(0, 2))), top_p=draw(maybe(st.floats(0, 1)))),
        response_format=draw(maybe(FORMATS)),
        reasoning=draw(maybe(_THINKING)),
        metadata=draw(maybe(st.dictionaries(SAID, TEXT, max_size=3))),
        user=draw(maybe(TEXT)),
        service_tier=draw(maybe(WORDS)),
        stream=stream,
        include_usage=stream,
        dialect=NAME,
        extra=draw(EXTRAS),
    )


@st.composite
def _usages(draw: st.DrawFn) -> Usage:
    given, made = draw(COUNTS), draw(COUNTS)
    return Usage(
        input_tokens=given,
        output_tokens=made,
        cached_input_tokens=draw(st.integers(0, given)),
        cache_write_tokens=draw(st.integers(0, given)),
        cache_write_1h_tokens=draw(st.none() | st.integers(0, given)),
        reasoning_tokens=draw(st.integers(0, made)),
    )


@st.composite
def responses(draw: st.DrawFn) -> ChatResponse:
    """A whole answer as this dialect's reader would make it."""
    noted = st.builds(Text, TEXT, extra=_noted(EXTRAS) | st.just({"item": None}))
    drawn = draw(st.lists(noted | st.builds(Refusal, SAID) | THOUGHTS | CALLS | OPAQUES, max_size=5))
    parts: list[Part] = []
    for part in drawn:
        # Neighbouring refusals join in a stream.
        if not (isinstance(part, Refusal) and parts and isinstance(parts[-1], Refusal)):
            parts.append(part)
    called = any(isinstance(part, ToolCall) for part in parts)
    reasons: list[FinishReason] = ["tool_calls" if called else "stop", "length", "content_filter"]
    reason = draw(st.sampled_from(reasons))
    kept = {"incomplete_reason": "max_messages"} if reason == "length" and draw(st.booleans()) else {}
    extra: dict[str, Any] = {**draw(EXTRAS)}
    if counted := draw(EXTRAS):
        extra["usage"] = counted
    return ChatResponse(
        id=draw(IDS),
        model=draw(SAID),
        created_s=draw(st.integers(0, 2**32)),
        choices=(Choice(0, _separate(parts), finish_reason=reason, extra=kept),),
        usage=draw(_usages()),
        service_tier=draw(maybe(WORDS)),
        dialect=NAME,
        extra=extra,
    )
