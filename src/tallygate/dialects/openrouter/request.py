"""A chat request of this wire: OpenAI's, with wishes about who serves it, and with usage always.

Wishes are read into the outline, where the router finds them; what is left of the request is OpenAI's and is read as
such.
"""

from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Written
from tallygate.dialects.fields import decode_body
from tallygate.dialects.openai_chat import peek as chat_peek
from tallygate.dialects.openai_chat import request as chat_request
from tallygate.dialects.openrouter.members import OURS, list_dropped, take_out
from tallygate.dialects.openrouter.names import CARRIED, NAME
from tallygate.dialects.openrouter.preferences import read_wishes
from tallygate.dialects.patches import apply
from tallygate.dialects.patches import replace as patch
from tallygate.dialects.scan import STRUCTURE_MAX, Outline, outline
from tallygate.genai.chat import ChatRequest
from tallygate.genai.peek import Peek
from tallygate.genai.routing import Routing

Look = Callable[[bytes, int], Peek]
"""The outline of a body by the dialect that is carried."""


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request. Raises what OpenAI's chat raises for it, and UnsupportedParameter for a wish that cannot be
    honoured.
    """
    look = peek_wishes(body, depth_max, chat_peek.peek, STRUCTURE_MAX)
    return replace(look, include_usage=look.stream)


def peek_wishes(body: bytes, depth_max: int, look_at: Look, structure_max: int) -> Peek:
    """The outline that a dialect makes of a body, with the wishes of this wire besides."""
    shape = outline(body, depth_max, structure_max)
    wishes = read_wishes(body)
    dropped = wishes.dropped
    if ours := OURS & shape.spans.keys():
        spans = {name: shape.spans[name] for name in ours}
        members = {name: msgspec.json.decode(body[span.value_start : span.end]) for name, span in spans.items()}
        # Told in a header and on record, so what is said a thousand times is told once.
        dropped = tuple(dict.fromkeys((*dropped, *list_dropped(members))))
    look = look_at(_name_model(body, shape, wishes.model), depth_max)
    return replace(
        look,
        model=wishes.model or look.model,
        body_bytes=len(body),
        spans=shape.spans,
        routing=_join(wishes.routing, look.routing),
        own=(*ours, *look.own),
        dropped=dropped,
    )


def _join(wished: Routing, policy: Routing | None) -> Routing | None:
    """What a call wishes and what its policy says: both hold, and of two highest prices the lower one."""
    if policy is None:
        return None if wished == Routing() else wished
    return replace(
        policy,
        models=wished.models,
        order=wished.order,
        only=wished.only,
        ignore=wished.ignore,
        allow_fallbacks=wished.allow_fallbacks,
        require_parameters=wished.require_parameters,
        sort=wished.sort,
        input_pusd_max=_find_lower(wished.input_pusd_max, policy.input_pusd_max),
        output_pusd_max=_find_lower(wished.output_pusd_max, policy.output_pusd_max),
        call_pusd_max=wished.call_pusd_max,
        image_pusd_max=wished.image_pusd_max,
        private=wished.private or policy.private,
    )


def _find_lower(one: int | None, other: int | None) -> int | None:
    return min((price for price in (one, other) if price is not None), default=None)


def _name_model(body: bytes, shape: Outline, model: str | None) -> bytes:
    """The body with the first of its `models` as the one that is called, if it names none itself."""
    span = shape.spans.get("model")
    if model is None or (span is not None and body[span.value_start : span.end] != b"null"):
        return body
    if span is not None:
        return apply(body, [patch(span, msgspec.json.encode(model))])
    start = min(span.start for span in shape.spans.values())
    return apply(body, [(start, start, b'"model":%b,' % msgspec.json.encode(model))])


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path,
    UnsupportedParameter.
    """
    request = chat_request.read_request(take_wishes(body))
    return replace(request, include_usage=request.stream)


def take_wishes(body: bytes) -> bytes:
    """The body without what is this wire's own; the very same object if it has nothing of that. Raises as
    `read_request`.
    """
    value = decode_body(body)
    if not isinstance(value, dict):
        return body  # the reader says what is wrong
    members = cast(dict[str, Any], value)
    model = read_wishes(body).model
    list(list_dropped(members))
    if model in (None, members.get("model")) and OURS.isdisjoint(members):
        return body
    return msgspec.json.encode({**take_out(members), **({} if model is None else {"model": model})})


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried."""
    dialect = CARRIED if request.dialect == NAME else request.dialect
    return chat_request.write_request(replace(request, dialect=dialect, include_usage=False))
