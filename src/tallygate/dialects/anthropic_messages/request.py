"""A whole messages request, both ways (platform.claude.com/docs/en/api/messages).

What the vocabulary has no name for (`container`, `context_management`, `mcp_servers`, …) is kept in the `extra` of its
object. What came in another dialect is written for the API version 2023-06-01.
"""

from typing import Any, Final

import msgspec

from tallygate.dialects.anthropic_messages.harmless import NAME, open_losses
from tallygate.dialects.anthropic_messages.messages import read_messages, read_system, write_conversation
from tallygate.dialects.anthropic_messages.peek import STOPS_MAX, TOKENS_MAX
from tallygate.dialects.anthropic_messages.thinking import read_options, write_options
from tallygate.dialects.anthropic_messages.tools import read_choice, read_tools, write_choice, write_tools
from tallygate.dialects.base import Written
from tallygate.dialects.custom_tools import carry_as_functions
from tallygate.dialects.fields import Fields, decode_body, without_none
from tallygate.dialects.losses import Losses
from tallygate.errors import MissingField
from tallygate.genai.chat import ChatRequest, ResponseFormat, Sampling

# The vocabulary's words for tiers are those of the other large vendor.
_TIERS_READ: Final = {"standard_only": "default"}
_TIERS_WRITTEN: Final = {"default": "standard_only", "auto": "auto"}


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`, also one to count tokens, which has no `max_tokens`.

    Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue or MissingField with the path.
    """
    fields = Fields(decode_body(body))
    choice, parallel = read_choice(fields)
    config = fields.inside("output_config")
    metadata = fields.inside("metadata")
    stream = bool(fields.flag("stream"))
    tier = fields.text("service_tier")
    return ChatRequest(
        model=fields.need_text("model"),
        messages=read_messages(fields),
        system=read_system(fields),
        tools=read_tools(fields),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output_tokens_max=fields.integer("max_tokens", 0, TOKENS_MAX),
        stop=_read_stops(fields),
        sampling=Sampling(
            temperature=fields.number("temperature", 0, 1),
            top_p=fields.number("top_p", 0, 1),
            top_k=fields.integer("top_k", 0, TOKENS_MAX),
        ),
        response_format=_read_format(config),
        reasoning=read_options(fields, config),
        user=metadata.text("user_id") if metadata is not None else None,
        service_tier=_TIERS_READ.get(tier, tier) if tier is not None else None,
        stream=stream,
        # A stream of this wire always ends with its usage.
        include_usage=stream,
        dialect=NAME,
        extra=fields.rest(),
    )


def _read_stops(fields: Fields) -> tuple[str, ...]:
    stops = fields.texts("stop_sequences")
    if len(stops) > STOPS_MAX:
        raise fields.refuse(f"a list of at most {STOPS_MAX} strings", "stop_sequences")
    return stops


def _read_format(config: Fields | None) -> ResponseFormat | None:
    look = config.look("format") if config is not None else None
    if config is None or not isinstance(look, dict) or look.get("type") != "json_schema":  # pyright: ignore[reportUnknownMemberType]
        return None
    inner = config.apart("format")
    assert inner is not None, "it was just looked at"
    inner.take("type")
    return ResponseFormat("json_schema", schema=inner.object("schema"), extra=inner.rest())


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes.

    Raises UnsupportedParameter with the path of what cannot be carried, and MissingField if no cap on the answer was
    given: this wire asks for one, and what it should be is not a codec's to say.
    """
    if request.output_tokens_max is None:
        raise MissingField("`max_tokens` is missing; the provider of this model needs it.", param="max_tokens")
    losses = open_losses(request.dialect, trial=request.trial)
    request = carry_as_functions(request, losses)
    thinking, effort = write_options(request, losses)
    tools = write_tools(request.tools, request.tool_choice, losses)
    choice = write_choice(request.tool_choice, request.parallel_tool_calls, losses, any_tools=bool(tools))
    config = without_none({"effort": effort, "format": _write_format(request.response_format, losses)})
    members: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.output_tokens_max,
        **write_conversation(request, losses),
        "tools": tools,
        "tool_choice": choice,
        "stop_sequences": list(request.stop) or None,
        **_write_sampling(request.sampling, losses, thinks=_thinks(thinking)),
        "thinking": thinking,
        "output_config": config or None,
        "metadata": {"user_id": request.user} if request.user is not None else None,
        "service_tier": _write_tier(request.service_tier, losses),
        "stream": request.stream or None,
    }
    if not losses.same:
        _account_for_rest(request, losses)
    body = losses.restore(without_none(members), request.extra, "")
    return Written(msgspec.json.encode(body), losses.dropped, losses.wants_inline)


def _thinks(thinking: dict[str, Any] | None) -> bool:
    return thinking is not None and thinking["type"] != "disabled"


def _write_format(wanted: ResponseFormat | None, losses: Losses) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.kind == "text":
        losses.restore({}, wanted.extra, "response_format")
        return None
    if wanted.kind == "json_object" or (wanted.schema is None and not losses.same):
        raise losses.refuse("response_format", "It gives no JSON without a schema; send a `json_schema`.")
    for name in ("name", "description"):
        if getattr(wanted, name) is not None:
            losses.drop(f"response_format.{name}")
    known = without_none({"type": "json_schema", "schema": wanted.schema})
    return losses.restore(known, wanted.extra, "response_format")


def _write_tier(tier: str | None, losses: Losses) -> str | None:
    """Another dialect's tier changes price and haste, not the answer: one that has no counterpart is left out."""
    if tier is None:
        return None
    if losses.same:
        return _TIERS_WRITTEN.get(tier, tier)
    if tier not in _TIERS_WRITTEN:
        losses.drop("service_tier")
    return _TIERS_WRITTEN.get(tier)


# What has no effect, and so needs no word: these values are the defaults of every provider.
_NEUTRAL: Final[dict[str, float]] = {
    "min_p": 0,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
}


def _write_sampling(sampling: Sampling, losses: Losses, *, thinks: bool) -> dict[str, Any]:
    """Another dialect's sampling, as far as this wire has it.

    How words are drawn is a wish about style, so what cannot be said is named and left out: a temperature over 1
    becomes 1, as in the vendor's own layer for that dialect; beside thinking only `top_p` is taken; defaults are not
    sent, for newer models refuse even those. A bias for single tokens decides the answer, and is refused.
    """
    given = {name: getattr(sampling, name) for name in ("temperature", "top_p", "top_k")}
    if losses.same:
        return given
    if sampling.logit_bias:
        raise losses.refuse("logit_bias")
    if sampling.seed is not None:
        losses.drop("seed")
    for name, neutral in _NEUTRAL.items():
        if getattr(sampling, name) not in (None, neutral):
            losses.drop(name)
    wanted = {
        "temperature": None if sampling.temperature == 1 else sampling.temperature,
        "top_p": None if sampling.top_p == 1 else sampling.top_p,
        "top_k": sampling.top_k if (sampling.top_k or 0) > 0 else None,
    }
    for name, value in wanted.items():
        if value is not None and thinks and name != "top_p":
            losses.drop(name)
            wanted[name] = None
    if (wanted["temperature"] or 0) > 1:
        losses.drop("temperature")
        wanted["temperature"] = None
    return wanted


def _account_for_rest(request: ChatRequest, losses: Losses) -> None:
    """What this wire has no member for: refused where the answer would be another, else named."""
    if (request.n or 1) > 1:
        raise losses.refuse("n", "It gives one answer to a call.")
    for name in ("logprobs", "top_logprobs"):
        if getattr(request, name):
            raise losses.refuse(name)
    if any(modality != "text" for modality in request.modalities):
        raise losses.refuse("modalities", "It answers in text.")
    if request.metadata:
        losses.drop("metadata")
