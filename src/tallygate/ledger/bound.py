"""The most that a call can cost, computed before its first byte goes upstream, over all targets that may serve it.

A fixed part, from the bytes of the request, and a price for each token of output: the fold multiplies the second by the
cap it grants. A bound is sound or it is refused; `docs/reference/prices.md` gives the reasoning. Pure: no clock, no
socket, no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Reach
from tallygate.genai.chat import ChatRequest
from tallygate.genai.items import Bound
from tallygate.genai.peek import Peek, Span
from tallygate.genai.usage import Usage
from tallygate.ledger.media_bound import Carried, bound_media
from tallygate.ledger.money import round_up
from tallygate.ledger.prices import Price, count_units
from tallygate.ledger.tool_bound import CALLER_RUNS, TOOL_PROMPT_TOKENS, Added, bound_tools

PROMPT_TOKENS: Final = 256
"""What a chat template says of its own accord: a date, a default instruction, the marks of the answer."""

OUTPUT_TOKENS_MIN: Final = 256
"""An answer that is shortened on a short balance is never cut below this, nor below this much after a thought."""

OUTPUT_TOKENS_DEFAULT: Final = 8_192
"""The cap for a caller who named none, where nobody knows how long the model's answers can become."""

# Schemas are written out for the model in words of the provider's, with more blanks or other marks than in the request.
_WRITTEN_ANEW: Final = ("tools", "functions", "response_format", "output_config", "text")

# Top-level members that bring in what is not in the request.
_HISTORY: Final = ("previous_response_id", "conversation")
_UNLIMITED: Final = ("container", "mcp_servers", "web_search_options", "search_parameters", "plugins")
_MATTERING: Final = frozenset((*_WRITTEN_ANEW, *_HISTORY, *_UNLIMITED))

# Top-level members that pass by the cap or the price. llama.cpp heeds its own names above `max_tokens` and `n`
# (github.com/ggml-org/llama.cpp, tools/server); a list of models is served by any of them.
_PASSING_BY: Final[Mapping[str, str]] = {
    "n_predict": "It is another cap than `max_tokens`, which is the one that is held for",
    "n_cmpl": "It is another count than `n`, which is the one that is held for",
    "best_of": "Answers that are made and not given are charged as well",
    "models": "Each of several models has a price of its own",
    "provider": "At a gateway behind this one it chooses who serves, and so at which price",
    "chat_template": "A template can make more of a request than its bytes",
}
# Members that ask for a dearer service than the one that has a price, and what they may say all the same.
_AT_LIST_PRICE: Final[Mapping[str, frozenset[str]]] = {
    "service_tier": frozenset({"auto", "default", "flex", "scale", "standard", "standard_only"}),
    "speed": frozenset({"standard"}),
    "inference_geo": frozenset({"global"}),
}
_CONTEXT: Final = "context_management"
_REFUSABLE: Final = frozenset((*_PASSING_BY, *_AT_LIST_PRICE, _CONTEXT, "reasoning"))
_HEEDED: Final = frozenset({
    "model", "messages", "input", "system", "stream", "stream_options", "modalities", "audio", "thinking",
    "n", "max_tokens", "max_completion_tokens", "max_output_tokens", *_REFUSABLE, *_MATTERING,
})  # fmt: skip
"""Top-level members that say what is held for, or that it may not be said. Some servers (those in Go, by
pkg.go.dev/encoding/json) heed them whatever the case of their letters, and of two the last."""
_USUAL_MODES: Final = frozenset({None, "standard"})
_COMPACTION: Final = "compact_"
"""Edits of a context that are calls of their own, with usage that the answer's totals leave out
(platform.claude.com/docs/en/build-with-claude/compaction)."""

# Types of parts that are text and nothing else. What is in a tool's result is looked at too.
_TEXTUAL: Final = frozenset({"text", "refusal", "thinking", "redacted_thinking", "tool_use", "tool_result"})
_THOUGHTS: Final = frozenset({"thinking", "reasoning"})

Read = Callable[[bytes], ChatRequest]


class _Tool(Struct):
    type: str | None = None


class _Part(Struct):
    type: str
    content: "str | list[_Part] | None" = None


class _Turn(Struct):
    content: str | list[_Part] | None = None
    audio: None = None


class _Mode(Struct):
    mode: str | None = None


class _ContextEdits(Struct):
    edits: list[_Tool] | None = None


_TEXT = msgspec.json.Decoder(str)
_TOOLS = msgspec.json.Decoder(list[_Tool] | None)
_MODE = msgspec.json.Decoder(_Mode | None)
_CONTEXT_EDITS = msgspec.json.Decoder(_ContextEdits | None)
_CONTENT = msgspec.json.Decoder(str | list[_Part] | None)
_TURNS = msgspec.json.Decoder(list[_Turn])


def bound_call(
    price: Price,
    peek: Peek,
    body: bytes,
    reaches: Sequence[Reach],
    read: Read,
    *,
    output_tokens_default: int = OUTPUT_TOKENS_DEFAULT,
) -> Bound:
    """The bound of a chat call at a sale price, over the targets of its plan.

    `peek` is of these bytes, `read` its dialect's reader, called only where a look at the bytes does not suffice. The
    cap is the client's, cut to what every target can give; 0 where output is free and no cap is known. Raises Unpriced,
    UnsupportedParameter with the path of what cannot be bounded, and what `read` raises.
    """
    request = read(body) if needs_reading(peek, body) else None
    wanted = peek.output_tokens_max
    if price.free:
        cap = _choose_cap(wanted, reaches, 0)
        least = None if wanted is not None else min(cap, OUTPUT_TOKENS_MIN)
        return Bound(0, 0, cap, least, _count_free(peek, body, reaches, request), peek.n)
    if not price.has_rates:
        raise Unpriced(param="model")
    refuse_passing_by(peek, body)
    most = max_usage(peek, body, reaches, request)
    if most.tool_uses and price.tool_use is None:
        raise Unpriced(
            "The price of this model does not say what the use of a provider's tool costs, so it can be offered none.",
            param="tools",
        )
    fixed_pusd, output_pusd = bound_usage(price, most)
    least = _least_output(request)
    cap = _choose_cap(wanted, reaches, max(output_tokens_default, least) if output_pusd else 0)
    return Bound(
        fixed_nusd=round_up(fixed_pusd),
        output_price_pusd=output_pusd * peek.n,
        output_tokens_max=cap,
        output_tokens_min=None if wanted is not None else min(cap, least),
        input_tokens_max=most.input_tokens,
        answers=peek.n,
    )


def _count_free(peek: Peek, body: bytes, reaches: Sequence[Reach], request: ChatRequest | None) -> int:
    """The most input of a call that costs nothing; 0 where it has no bound, which for money it need not have."""
    try:
        return max_usage(peek, body, reaches, request).input_tokens
    except UnsupportedParameter:
        return 0


def refuse_passing_by(peek: Peek, body: bytes) -> None:
    """Refuse what could make a call dearer than its bound. Raises UnsupportedParameter with the path."""
    names = "".join(peek.spans)
    if not (names.isascii() and names.islower()):  # nearly never
        _refuse_look_alikes(peek.spans)
    if _REFUSABLE.isdisjoint(peek.spans):  # nearly always
        return
    for name, why in _PASSING_BY.items():
        if _is_given(peek, body, name):
            raise UnsupportedParameter(
                f"{why}, so a call with `{name}` cannot be priced before it is made.", param=name
            )
    for name, usual in _AT_LIST_PRICE.items():
        if _is_given(peek, body, name) and _read_text(peek.spans[name], body) not in usual:
            raise UnsupportedParameter(
                f"A dearer service than the usual one has no price here; leave `{name}` out.", param=name
            )
    if "reasoning" in peek.spans and _read_mode(peek.spans["reasoning"], body) not in _USUAL_MODES:
        raise UnsupportedParameter(
            "A dearer way to think than the usual one has no price here; leave `reasoning.mode` out.",
            param="reasoning.mode",
        )
    if _is_given(peek, body, _CONTEXT):
        span = peek.spans[_CONTEXT]
        path = f"{_CONTEXT}.edits"
        try:
            edits = (_CONTEXT_EDITS.decode(body[span.value_start : span.end]) or _ContextEdits()).edits or []
        except msgspec.ValidationError:
            raise UnsupportedParameter(f"`{path}` must be a list of objects with a type.", param=path) from None
        if any((edit.type or "").startswith(_COMPACTION) for edit in edits):
            raise UnsupportedParameter(
                f"Compaction is a call of its own, so a call with it in `{path}` cannot be priced before it is made.",
                param=path,
            )


def _refuse_look_alikes(names: Iterable[str]) -> None:
    """Refuse a second spelling of what has a meaning here."""
    for name in names:
        meant = name.casefold()
        if meant != name and meant in _HEEDED:
            raise UnsupportedParameter(
                f"Some providers take it for `{meant}`, so a call with `{name}` cannot be priced before it is made.",
                param=name,
            )


def _read_text(span: Span, body: bytes) -> str:
    """A member that should be text; empty if it is none."""
    try:
        return _TEXT.decode(body[span.value_start : span.end])
    except msgspec.ValidationError:
        return ""


def _read_mode(span: Span, body: bytes) -> str | None:
    """How the model is to think (developers.openai.com/api/reference/responses, `reasoning.mode`)."""
    try:
        return (_MODE.decode(body[span.value_start : span.end]) or _Mode()).mode
    except msgspec.ValidationError:
        return ""


def bound_usage(price: Price, most: Usage) -> tuple[int, int]:
    """Pico-USD for all that is not output, and for one token of output, where no count is above that of `most`.

    Each token is taken at the dearest rate that a call with so much input could meet, in any tier up to it.
    """
    reachable = [price.rates]
    if price.tiers:
        reachable += [tier.rates for tier in price.tiers if most.input_tokens > tier.above_input_tokens]
    fixed = most.input_tokens * max([rates.dearest_input for rates in reachable])
    fixed += sum([count * (getattr(price, kind) or 0) for kind, count in count_units(most).items()])
    return fixed, max([rates.dearest_output for rates in reachable])


def max_usage(peek: Peek, body: bytes, reaches: Sequence[Reach], request: ChatRequest | None) -> Usage:
    """The most input, and the most uses of a provider's tools, that any of the targets can report for a request.

    `request` None: the request holds text only. Raises UnsupportedParameter.
    """
    given = {name for name in _MATTERING.intersection(peek.spans) if _is_given(peek, body, name)}
    if request is None and not given:
        most = max([_cut(PROMPT_TOKENS + peek.body_bytes, reach) for reach in reaches], default=0)
        return Usage(input_tokens=most, tool_uses=0)
    used = [_max_input(peek, given, reach, request) for reach in reaches]
    return Usage(
        input_tokens=max((tokens for tokens, _ in used), default=0),
        tool_uses=max((uses for _, uses in used), default=0),
    )


def _is_given(peek: Peek, body: bytes, name: str) -> bool:
    """Whether a provider will read that member. What is said to this gateway alone goes no further."""
    span = peek.spans.get(name)
    return span is not None and name not in peek.own and body[span.value_start : span.end].strip() != b"null"


def _max_input(peek: Peek, given: set[str], reach: Reach, request: ChatRequest | None) -> tuple[int, int]:
    carried, added = Carried(), Added()
    if request is not None:
        carried = bound_media(request, reach)
        added = bound_tools(request, reach)
    tokens = PROMPT_TOKENS + peek.body_bytes - carried.inline_bytes + carried.tokens
    tokens += _bound_schemas(peek.spans, given) + added.prompt_tokens + _bound_history(given, reach)
    uses = added.uses + _bound_unlimited(given, reach)
    if uses:
        assert reach.context_tokens is not None, "a tool's use is bounded only where the context is known"
        return (1 + uses) * reach.context_tokens, uses
    return _cut(tokens, reach), 0


def _cut(tokens: int, reach: Reach) -> int:
    """No input is longer than a target's context window."""
    return tokens if reach.context_tokens is None else min(tokens, reach.context_tokens)


def _bound_schemas(spans: Mapping[str, Span], given: set[str]) -> int:
    """What schemas add: their bytes once more, for other words, and a sentence or two on what to do with them."""
    lengths = [spans[name].end - spans[name].start for name in _WRITTEN_ANEW if name in given]
    return sum(lengths) + TOOL_PROMPT_TOKENS * len(lengths)


def _bound_history(given: set[str], reach: Reach) -> int:
    for name in _HISTORY:
        if name in given:
            if reach.ceilings.history_tokens is None:
                raise _unseen(name, "An earlier conversation that lies at a provider")
            return reach.ceilings.history_tokens
    return 0


def _bound_unlimited(given: set[str], reach: Reach) -> int:
    """Uses of what the provider does by itself when one of these members asks for it."""
    uses = 0
    for name in _UNLIMITED:
        if name in given:
            if reach.ceilings.server_tool_uses is None or reach.context_tokens is None:
                raise _unseen(name, "What the provider does by itself")
            uses += reach.ceilings.server_tool_uses
    return uses


def _unseen(name: str, what: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"{what} cannot be seen here, so `{name}` cannot be priced before the call.", param=name
    )


def find_output_limit(reaches: Sequence[Reach]) -> int | None:
    """The longest answer that every target can give; a target's context window where nothing nearer is known."""
    limits = [reach.context_tokens if reach.output_tokens_max is None else reach.output_tokens_max for reach in reaches]
    return min((limit for limit in limits if limit is not None), default=None)


def _choose_cap(wanted: int | None, reaches: Sequence[Reach], default: int) -> int:
    """The client's cap, else the longest answer, else `default`, where nobody states how long answers can become: a
    cap of a whole context window leaves no room for a prompt, and providers refuse it.
    """
    limit = find_output_limit(reaches)
    if wanted is None:
        is_stated = bool(reaches) and all(reach.output_tokens_max is not None for reach in reaches)
        wanted = limit if is_stated and limit is not None else default
    return wanted if limit is None else min(wanted, limit)


def _least_output(request: ChatRequest | None) -> int:
    thought = request.reasoning.tokens_max if request is not None and request.reasoning is not None else None
    return OUTPUT_TOKENS_MIN + (thought or 0)


def needs_reading(peek: Peek, body: bytes) -> bool:
    """Whether the request must be read whole to be bounded: it may hold media, a provider's tools, or a thought's size.

    False only if it certainly does not: a plain conversation, with tools that the caller runs, is bounded by its bytes.
    """
    if peek.output_tokens_max is None and not _THOUGHTS.isdisjoint(peek.spans):
        return True
    spans = peek.spans
    if "messages" not in spans:
        return True
    try:
        turns = _TURNS.decode(_cut_out(body, spans["messages"]))
        tools = (_TOOLS.decode(_cut_out(body, spans["tools"])) if "tools" in spans else None) or ()
        system = _CONTENT.decode(_cut_out(body, spans["system"])) if "system" in spans else None
    except msgspec.ValidationError:
        return True
    plain = _is_text(system) and all(_is_text(turn.content) for turn in turns)
    return not (plain and all(tool.type in CALLER_RUNS for tool in tools))


def _cut_out(body: bytes, span: Span) -> memoryview:
    """A member's value, not copied: it may hold a picture."""
    return memoryview(body)[span.value_start : span.end]


def _is_text(content: str | list[_Part] | None) -> bool:
    if not isinstance(content, list):
        return True
    return all(part.type in _TEXTUAL and _is_text(part.content) for part in content)
