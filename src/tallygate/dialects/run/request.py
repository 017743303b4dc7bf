"""A run as a request: which model, what is said to it, under which policy. What is said is a chat, in OpenAI's words.

The fields are told in docs/reference/run.md. `peek` refuses every other by name; a reader keeps it, as in any dialect.
"""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Written
from tallygate.dialects.fields import decode_body
from tallygate.dialects.openai_chat import peek as chat_peek
from tallygate.dialects.openai_chat import request as chat_request
from tallygate.dialects.openai_chat.own import TRACE_CHARACTERS_MAX
from tallygate.dialects.policy import FIELD, read_policy
from tallygate.dialects.run.names import CARRIED, NAME, PASSPORT
from tallygate.dialects.scan import outline
from tallygate.errors import InvalidValue, MissingField, UnsupportedParameter
from tallygate.genai.chat import ChatRequest
from tallygate.genai.peek import Peek, Span
from tallygate.genai.routing import Routing

MODELS: Final = ("model_passport_id", "model")
PIN: Final = "compute_passport_id"
ECHOED: Final = ("request_id", "trace_id")
_PROMPT: Final = "prompt"
_MESSAGES: Final = "messages"

OWN: Final = frozenset({*MODELS, _PROMPT, PIN, FIELD, *ECHOED})
"""Fields that a chat does not have."""
SHARED: Final = frozenset({
    _MESSAGES, "system", "max_tokens", "temperature", "top_p", "top_k", "min_p", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "seed", "logit_bias", "stop", "stream", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "reasoning", "reasoning_effort", "metadata", "user", "service_tier",
})  # fmt: skip
"""Fields that mean what they mean in a chat."""
_LEFT: Final = frozenset({"n", "logprobs", "top_logprobs", "modalities", "functions", "function_call"})
"""Fields of a chat for which an answer here has no place."""

_NAME_CHARACTERS_MAX: Final = 256
_DEEPER: Final = 2
"""By how much a message nests deeper than a prompt."""


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a run. Raises MissingField, InvalidValue, and what a chat raises."""
    shape = outline(body, depth_max)
    members: dict[str, Any] = decode_body(body)
    for name in shape.spans:
        if name not in OWN and name not in SHARED:
            raise InvalidValue(f"`{name[:64]}` is not a field of a run.", param=name[:64])
    for name in (PIN, *ECHOED):
        _check_text(members, name)
    look = chat_peek.peek(msgspec.json.encode(_converse(members)), depth_max + _DEEPER)
    return replace(
        look,
        include_usage=look.stream,
        has_system=False,  # nothing is edited in place here
        depth=shape.depth,
        body_bytes=len(body),
        spans=shape.spans,
        routing=_read_routing(body, shape.spans, members),
        tells_run=True,
    )


def _read_routing(body: bytes, spans: dict[str, Span], members: dict[str, Any]) -> Routing | None:
    """What the policy says, and the pin: nobody else then."""
    routing: Routing | None = None
    if members.get(FIELD) is not None:
        span = spans[FIELD]
        routing = read_policy(body[span.value_start : span.end])
    if (pin := members.get(PIN)) is not None:
        routing = replace(routing or Routing(), only=(strip_passport(pin),))
    return routing


def read_request(body: bytes) -> ChatRequest:
    """The run in `body` as a chat. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the
    path.
    """
    members = decode_body(body)
    if isinstance(members, dict):
        body = msgspec.json.encode(_converse(cast(dict[str, Any], members)))
    request = chat_request.read_request(body)
    return replace(request, include_usage=request.stream)


def find_model(members: dict[str, Any]) -> str:
    """The name that is called. Raises MissingField, InvalidValue."""
    found = {name: _check_text(members, name) for name in MODELS}
    names = {strip_passport(value) for value in found.values() if value is not None}
    if not names:
        raise MissingField("`model_passport_id` or `model` is missing; it names a model.", param=MODELS[0])
    if len(names) > 1:
        raise InvalidValue("`model_passport_id` and `model` name two models; give one of them.", param=MODELS[0])
    return names.pop()


def strip_passport(name: str) -> str:
    """The plain name."""
    return name.removeprefix(PASSPORT)


def _check_text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    most = TRACE_CHARACTERS_MAX if name in ECHOED else _NAME_CHARACTERS_MAX
    if value is None or (isinstance(value, str) and 1 <= len(strip_passport(value)) <= most):
        return value
    raise InvalidValue(f"`{name}` must be a string of 1 to {most} characters.", param=name)


def _converse(members: dict[str, Any]) -> dict[str, Any]:
    """The chat that a run asks for."""
    chat = {name: value for name, value in members.items() if name not in OWN}
    chat["model"] = find_model(members)
    prompt, messages = members.get(_PROMPT), members.get(_MESSAGES)
    if prompt is None and messages is None:
        raise MissingField("`prompt` or `messages` is missing; one of them says what is asked.", param=_MESSAGES)
    if prompt is None:
        return chat
    if messages is not None:
        raise InvalidValue("Give `prompt` or `messages`, not both.", param=_PROMPT)
    if not isinstance(prompt, str) or not prompt:
        raise InvalidValue("`prompt` must be a string of at least one character.", param=_PROMPT)
    return {**chat, _MESSAGES: [{"role": "user", "content": prompt}]}


def write_request(request: ChatRequest) -> Written:
    """A chat as a run. Raises UnsupportedParameter with the path of what cannot be carried."""
    dialect = CARRIED if request.dialect == NAME else request.dialect
    written = chat_request.write_request(replace(request, dialect=dialect, include_usage=False))
    members = msgspec.json.decode(written.body)
    if left := sorted(_LEFT.intersection(members)):
        raise UnsupportedParameter(f"`{left[0]}` cannot be carried: a run has no such field.", param=left[0])
    return written
