"""A chat call and its whole answer, in the words every dialect can read and write.

Requests keep their dialect's unnamed fields in `extra` together with the name of that dialect, so a same-dialect write
restores them and any other must account for them. Stream events live in `stream.py`; what they add up to is
`ChatResponse`.
"""

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from tallygate.genai.caching import CacheHint
from tallygate.genai.inlining import inline_messages, inline_parts
from tallygate.genai.messages import Extra, Message, Part, Reasoning, Refusal, Text, ToolCall
from tallygate.genai.operation import Aim, Gist
from tallygate.genai.usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error"]
"""Why a model stopped. `pause`: the provider wants the turn continued; `error`: it broke off."""


class Tool(Struct, frozen=True):
    """A tool the model may call. `kind` is `function`, `custom`, or a provider's own built-in type (then `extra` holds
    all of it).

    `parameters` is a JSON schema as decoded JSON, None when the caller gave none.
    """

    name: str
    kind: str = "function"
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    extra: Extra = {}


class ToolChoice(Struct, frozen=True):
    """Which tools the model may or must use. `tool` and `allowed` name them in `names`; `kind` tells their type."""

    mode: Literal["auto", "none", "required", "tool", "allowed_auto", "allowed_required"]
    names: tuple[str, ...] = ()
    kind: str = "function"
    extra: Extra = {}


class ResponseFormat(Struct, frozen=True):
    """The shape the answer must have. `schema` is a JSON schema as decoded JSON."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None
    extra: Extra = {}


class Sampling(Struct, frozen=True):
    """How tokens are drawn. None means the model's default."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    logit_bias: dict[str, float] | None = None


class ReasoningOptions(Struct, frozen=True):
    """How much the model should think. `effort` is none, minimal, low, medium, high, xhigh, max; `tokens_max` a
    budget.
    """

    effort: str | None = None
    tokens_max: int | None = None
    summary: str | None = None
    enabled: bool | None = None
    exclude: bool | None = None
    extra: Extra = {}


class ChatRequest(Struct, frozen=True):
    """One chat call. `system` is the instruction given beside the messages; `dialect` names who wrote every `extra`
    inside.

    `output_tokens_max` bounds the answer, reasoning included. `include_usage` asks for usage at the end of a stream.
    `trial`: the caller switched on features in trial; top-level fields nobody has a name for may belong to them.
    `cache_hints`: those that the one who will serve it knows, beside what its dialect has of its own.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Part, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output_tokens_max: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    response_format: ResponseFormat | None = None
    reasoning: ReasoningOptions | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    service_tier: str | None = None
    modalities: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    trial: bool = False
    cache_hints: frozenset[CacheHint] = frozenset()
    dialect: str = ""
    extra: Extra = {}

    def aimed(self, aim: Aim) -> "ChatRequest":
        """The same call for one target."""
        return replace(
            self,
            model=aim.model,
            messages=inline_messages(self.messages, aim.media) if aim.media else self.messages,
            system=inline_parts(self.system, "system", aim.media) if aim.media else self.system,
            output_tokens_max=aim.output_tokens_max,
            include_usage=aim.include_usage,
            trial=aim.trial,
            cache_hints=aim.cache_hints,
        )


class Choice(Struct, frozen=True):
    """One answer among `n`. `parts` in the order the model made them; `logprobs` as the provider sent them."""

    index: int
    parts: tuple[Part, ...] = ()
    finish_reason: FinishReason | None = None
    stop_sequence: str | None = None
    logprobs: Any = None
    extra: Extra = {}


class ChatResponse(Struct, frozen=True):
    """A whole answer. `created_s` is Unix seconds. `dialect` names who wrote every `extra` inside."""

    id: str
    model: str
    created_s: int = 0
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    service_tier: str | None = None
    dialect: str = ""
    extra: Extra = {}

    def gist(self) -> Gist:
        """A piece for each text that says something and for each part without text."""
        texts = [text for choice in self.choices for part in choice.parts for text in _list_texts(part)]
        return Gist(
            self.model,
            self.usage,
            pieces=sum(text != "" for text in texts),
            text_bytes=sum(count_bytes(text) for text in texts if text),
            finish_reasons={choice.index: choice.finish_reason for choice in self.choices if choice.finish_reason},
        )


def count_bytes(text: str) -> int:
    """How many bytes a text has in UTF-8. Most text is ASCII, and counting its bytes needs no copy."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _list_texts(part: Part) -> tuple[str | None, ...]:
    """The words of a part; None for a part that has none."""
    match part:
        case Text() | Reasoning() | Refusal():
            return (part.text,)
        case ToolCall():
            return part.name, part.arguments
        case _:
            return (None,)
