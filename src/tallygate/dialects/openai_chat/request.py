"""A whole chat request, both ways (platform.openai.com/docs/api-reference/chat/create).

Members that only some providers know are read where the vocabulary has a name for them (`top_k`, `min_p`,
`repetition_penalty`, `reasoning`, and the top-level `system`). What is said to this gateway alone was heard by `peek`
and ends here; everything else is kept in the `extra` of its object.
"""

from typing import Any, Final

import msgspec

from tallygate.dialects.base import Written
from tallygate.dialects.custom_tools import carry_as_functions
from tallygate.dialects.fields import Fields, decode_body, without_none
from tallygate.dialects.losses import Losses
from tallygate.dialects.openai_chat import own
from tallygate.dialects.openai_chat.losses import NAME, open_losses
from tallygate.dialects.openai_chat.messages import read_messages, write_messages
from tallygate.dialects.openai_chat.parts import read_parts, write_content
from tallygate.dialects.openai_chat.reasoning import read_options, write_options
from tallygate.dialects.openai_chat.tools import read_choice, read_tools, write_choice, write_tools
from tallygate.genai.caching import MARK, take_mark
from tallygate.genai.chat import ChatRequest, ResponseFormat, Sampling

OUTPUT_CAP_KEY: Final = "max_tokens"
"""The key that a bound on the answer is written under: all but one vendor's newest models know it."""

_TOKENS_MAX: Final = 2**31 - 1
_N_MAX: Final = 128
_TOP_LOGPROBS_MAX: Final = 20
_INT64_MAX: Final = 2**63 - 1
_STOPS_MAX: Final = 16
_STOP_CHARACTERS_MAX: Final = 1_024
_NUMBER_MAX: Final = 1e9
_USER_CHARACTERS_MAX: Final = 64
_SCHEMA_NAME: Final = "answer"
"""What a schema is called that came without a name from a dialect that asks for none."""


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path."""
    fields = Fields(decode_body(body))
    for name in own.NAMES:
        fields.take(name)
    tools = read_tools(fields)
    stream = bool(fields.flag("stream"))
    options = fields.inside("stream_options")
    return ChatRequest(
        model=fields.need_text("model"),
        messages=read_messages(fields),
        system=() if (system := fields.take("system")) is None else read_parts(fields, "system", system),
        tools=tools,
        tool_choice=read_choice(fields),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        output_tokens_max=_read_cap(fields),
        stop=_read_stop(fields),
        sampling=_read_sampling(fields),
        response_format=_read_format(fields),
        reasoning=read_options(fields),
        n=fields.integer("n", 1, _N_MAX),
        logprobs=fields.flag("logprobs"),
        top_logprobs=fields.integer("top_logprobs", 0, _TOP_LOGPROBS_MAX),
        metadata=_read_metadata(fields),
        user=fields.text("user"),
        service_tier=fields.text("service_tier"),
        modalities=fields.texts("modalities"),
        stream=stream,
        include_usage=bool(options.flag("include_usage")) if options else False,
        dialect=NAME,
        extra=fields.rest(),
    )


def _read_cap(fields: Fields) -> int | None:
    older = fields.integer("max_tokens", 1, _TOKENS_MAX)
    newer = fields.integer("max_completion_tokens", 1, _TOKENS_MAX)
    if older is not None and newer is not None and older != newer:
        raise fields.wrong("`max_tokens` and `max_completion_tokens` differ; give one of them.", param="max_tokens")
    return older if newer is None else newer


def _read_stop(fields: Fields) -> tuple[str, ...]:
    value = fields.look("stop")
    stops = (fields.need_text("stop"),) if isinstance(value, str) else fields.texts("stop")
    if len(stops) > _STOPS_MAX or any(not 1 <= len(stop) <= _STOP_CHARACTERS_MAX for stop in stops):
        raise fields.refuse(f"at most {_STOPS_MAX} strings of 1 to {_STOP_CHARACTERS_MAX} characters", "stop")
    return stops


def _read_sampling(fields: Fields) -> Sampling:
    return Sampling(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        top_k=fields.integer("top_k", -1, _TOKENS_MAX),
        min_p=fields.number("min_p", 0, 1),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        repetition_penalty=fields.number("repetition_penalty", 0, _NUMBER_MAX),
        seed=fields.integer("seed", -_INT64_MAX - 1, _INT64_MAX),
        logit_bias=_read_bias(fields),
    )


def _read_bias(fields: Fields) -> dict[str, float] | None:
    inner = fields.apart("logit_bias")
    if inner is None:
        return None
    return {token: inner.number(token, -_NUMBER_MAX, _NUMBER_MAX) or 0 for token in inner.rest()}


def _read_metadata(fields: Fields) -> dict[str, str] | None:
    inner = fields.apart("metadata")
    return None if inner is None else {name: inner.need_text(name) for name in inner.rest()}


def _read_format(fields: Fields) -> ResponseFormat | None:
    outer = fields.apart("response_format")
    if outer is None:
        return None
    match outer.need_text("type"):
        case "text":
            return ResponseFormat("text", extra=outer.rest())
        case "json_object":
            return ResponseFormat("json_object", extra=outer.rest())
        case "json_schema":
            inner = outer.need_inside("json_schema")
            return ResponseFormat(
                "json_schema",
                name=inner.text("name"),
                schema=inner.object("schema"),
                strict=inner.flag("strict"),
                description=inner.text("description"),
                extra=outer.rest(),
            )
        case _:
            raise outer.refuse("text, json_object or json_schema", "type")


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried.

    A `system` beside the messages becomes the first message: few providers know it elsewhere.
    """
    losses = open_losses(request.dialect, trial=request.trial, cache_hints=request.cache_hints)
    request = carry_as_functions(request, losses)
    messages = write_messages(request.messages, losses)
    if request.system:
        messages.insert(0, {"role": "system", "content": write_content(request.system, "system", losses)})
    sampling = request.sampling
    tools = write_tools(request.tools, request.tool_choice, losses)
    # A choice among tools that are all left out says nothing, and providers refuse it.
    choice = request.tool_choice if tools or losses.same or not request.tools else None
    members: dict[str, Any] = {
        "model": request.model,
        "messages": messages,
        **tools,
        **write_choice(choice, request.tools, losses),
        "parallel_tool_calls": request.parallel_tool_calls,
        OUTPUT_CAP_KEY: request.output_tokens_max,
        "stop": list(request.stop) or None,
        **{name: getattr(sampling, name) for name in sampling.__struct_fields__},
        "response_format": _write_format(request.response_format, losses),
        **write_options(request.reasoning, losses),
        "n": request.n,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "metadata": request.metadata,
        "user": _write_user(request.user, losses),
        "service_tier": request.service_tier,
        "modalities": list(request.modalities) or None,
        "stream": request.stream or None,
        # Providers refuse these options on a request that does not stream.
        "stream_options": {"include_usage": True} if request.stream and request.include_usage else None,
    }
    extra = request.extra
    if losses.marks and not losses.same:
        members[MARK], extra = take_mark(extra)
    body = losses.restore(without_none(members), extra, "")
    return Written(msgspec.json.encode(body), losses.dropped, losses.wants_inline)


def _write_user(user: str | None, losses: Losses) -> str | None:
    """Other dialects' users may be longer than providers here take them; they serve the reports on abuse only."""
    if user is not None and len(user) > _USER_CHARACTERS_MAX and not losses.same:
        losses.drop("user")
        return None
    return user


def _write_format(wanted: ResponseFormat | None, losses: Losses) -> dict[str, Any] | None:
    if wanted is None:
        return None
    known: dict[str, Any] = {"type": wanted.kind}
    if wanted.kind == "json_schema":
        known["json_schema"] = without_none({
            "name": wanted.name or _SCHEMA_NAME,
            "schema": wanted.schema,
            "strict": wanted.strict,
            "description": wanted.description,
        })  # fmt: skip
    return losses.restore(known, wanted.extra, "response_format")
