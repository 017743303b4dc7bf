"""A whole request, both ways (developers.openai.com/api/reference/responses).

What the vocabulary has no name for is kept in the `extra` of its object. A request of another dialect is written so
that the provider keeps nothing (`store: false`): nobody could ask for it again.
"""

from typing import Any, Final

import msgspec

from tallygate.dialects.base import Written
from tallygate.dialects.fields import Fields, decode_body, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_responses.additional import split_additional
from tallygate.dialects.openai_responses.conversation import read_input, write_input
from tallygate.dialects.openai_responses.edit import OUTPUT_CAP_KEY
from tallygate.dialects.openai_responses.losses import NAME, open_losses
from tallygate.dialects.openai_responses.reasoning import read_options, write_options
from tallygate.dialects.openai_responses.tools import read_choice, read_tools, write_choice, write_tools
from tallygate.genai.chat import ChatRequest, ResponseFormat, Sampling
from tallygate.genai.messages import Extra, Text

TOKENS_MAX: Final = 2**31 - 1

_NOTHING: Final = {"background": False, "top_logprobs": 0}
"""Members whose default some clients send, though it asks for nothing."""

_USER_CHARACTERS_MAX: Final = 64

_SCHEMA_NAME: Final = "answer"
"""What a schema is called that came without a name from a dialect that asks for none."""

_VERBOSITY: Final = "verbosity"
"""A wish of this wire's `text` that the vendor's other wire has at the top."""


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path."""
    fields = Fields(decode_body(body))
    instructions = fields.text("instructions")
    stream = bool(fields.flag("stream"))
    for name, nothing in _NOTHING.items():
        if fields.has(name) and fields.look(name) == nothing:
            fields.take(name)
    wanted, beside = _read_text(fields)
    tools = read_tools(fields)
    return ChatRequest(
        model=fields.need_text("model"),
        messages=read_input(fields),
        system=() if instructions is None else (Text(instructions),),
        tools=tools,
        tool_choice=read_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output_tokens_max=fields.integer(OUTPUT_CAP_KEY, 1, TOKENS_MAX),
        sampling=Sampling(temperature=fields.number("temperature", 0, 2), top_p=fields.number("top_p", 0, 1)),
        response_format=wanted,
        reasoning=read_options(fields),
        metadata=_read_metadata(fields),
        user=fields.text("user"),
        service_tier=fields.text("service_tier"),
        stream=stream,
        # A stream of this wire always ends with its usage.
        include_usage=stream,
        dialect=NAME,
        extra={**fields.rest(), **beside},
    )


def _read_metadata(fields: Fields) -> dict[str, str] | None:
    inner = fields.apart("metadata")
    return None if inner is None else {name: inner.need_text(name) for name in inner.rest()}


def _read_text(fields: Fields) -> tuple[ResponseFormat | None, Extra]:
    """The member `text`: the shape the answer must have, and what else is said there."""
    outer = fields.apart("text")
    if outer is None:
        return None, {}
    wanted = _read_format(outer.apart("format"))
    beside: Extra = {}
    if (verbosity := outer.text(_VERBOSITY)) is not None:
        beside[_VERBOSITY] = verbosity
    if left := outer.rest():
        beside["text"] = left
    return wanted, beside


def _read_format(inner: Fields | None) -> ResponseFormat | None:
    if inner is None:
        return None
    match inner.need_text("type"):
        case "text":
            return ResponseFormat("text", extra=inner.rest())
        case "json_object":
            return ResponseFormat("json_object", extra=inner.rest())
        case "json_schema":
            return ResponseFormat(
                "json_schema",
                name=inner.text("name"),
                schema=inner.object("schema"),
                strict=inner.flag("strict"),
                description=inner.text("description"),
                extra=inner.rest(),
            )
        case _:
            raise inner.refuse("text, json_object or json_schema", "type")


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried."""
    losses = open_losses(request.dialect, trial=request.trial)
    if not losses.same:
        _account_for_rest(request, losses)
    extra = dict(request.extra)
    tools, added = split_additional(request.tools) if losses.same else (request.tools, {})
    written = {index: {**item, "tools": write_tools(inner, losses)} for index, (item, inner) in added.items()}
    members: dict[str, Any] = {
        "model": request.model,
        **write_input(request, losses, written),
        "tools": write_tools(tools, losses),
        "tool_choice": write_choice(request.tool_choice, request.tools, losses),
        "parallel_tool_calls": request.parallel_tool_calls,
        OUTPUT_CAP_KEY: request.output_tokens_max,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "text": _write_text(request.response_format, extra, losses),
        "reasoning": write_options(request.reasoning, losses),
        "metadata": request.metadata,
        "user": _write_user(request.user, losses),
        "service_tier": request.service_tier,
        "store": None if losses.same else False,
        "stream": request.stream or None,
    }
    body = losses.restore(without_none(members), extra, "")
    return Written(msgspec.json.encode(body), losses.dropped, losses.wants_inline)


def _write_user(user: str | None, losses: Losses) -> str | None:
    """Other dialects' users may be longer than the provider takes them; they serve the reports on abuse only."""
    if user is not None and len(user) > _USER_CHARACTERS_MAX and not losses.same:
        losses.drop("user")
        return None
    return user


def _write_text(wanted: ResponseFormat | None, extra: Extra, losses: Losses) -> dict[str, Any] | None:
    """The member `text`. What else belongs there is taken out of `extra`."""
    known: dict[str, Any] = {}
    if wanted is not None:
        known["format"] = _write_format(wanted, losses)
    if isinstance(extra.get(_VERBOSITY), str):
        known[_VERBOSITY] = extra.pop(_VERBOSITY)
    if losses.same:
        losses.restore(known, extra.pop("text", None) or {}, "text")
    return known or None


def _write_format(wanted: ResponseFormat, losses: Losses) -> dict[str, Any]:
    known: dict[str, Any] = {"type": wanted.kind}
    if wanted.kind == "json_schema":
        known |= without_none({
            "name": wanted.name or _SCHEMA_NAME,
            "schema": wanted.schema,
            "strict": wanted.strict,
            "description": wanted.description,
        })  # fmt: skip
    return losses.restore(known, wanted.extra, "response_format")


# What has no effect, and so needs no word: these values are the defaults of every provider.
_NEUTRAL: Final[dict[str, float]] = {
    "min_p": 0,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
}


def _account_for_rest(request: ChatRequest, losses: Losses) -> None:
    """What this wire has no member for: refused where the answer would be another, else named.

    How words are drawn is a wish about style. A bias for single tokens, and where to stop, decide the answer.
    """
    if request.sampling.logit_bias:
        raise losses.refuse("logit_bias")
    if request.stop:
        raise losses.refuse("stop", "The provider's answers end where the model ends them.")
    if (request.n or 1) > 1:
        raise losses.refuse("n", "It gives one answer to a call.")
    for name in ("logprobs", "top_logprobs"):
        if getattr(request, name):
            raise losses.refuse(name)
    if any(modality != "text" for modality in request.modalities):
        raise losses.refuse("modalities", "It answers in text.")
    for name in ("seed", "top_k"):
        if getattr(request.sampling, name) is not None:
            losses.drop(name)
    for name, neutral in _NEUTRAL.items():
        if getattr(request.sampling, name) not in (None, neutral):
            losses.drop(name)
