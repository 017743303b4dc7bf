"""A whole answer in its envelope, both ways: `data` is OpenAI's chat object, or the text form of one; `meta` is filled
when the call is settled.
"""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.unified.errors import read_failure
from tallygate.dialects.unified.names import CARRIED, GENERATE, OURS
from tallygate.dialects.unified.text_form import to_chat, to_text
from tallygate.errors import InvalidAnswer
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Extra

_ENVELOPE: Final = "envelope"
"""Where an answer's `extra` has what the envelope held beyond `status` and `data`."""
_USAGE: Final = "usage"
_PRICE: Final = frozenset({"cost", "cost_details"})
"""Members of usage in which a provider tells its own price (openrouter.ai/docs/use-cases/usage-accounting)."""


def read_response(body: bytes, dialect: str) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error that the envelope holds."""
    fields = Fields(chat.decode_answer(body), "", InvalidAnswer)
    status = fields.need_text("status")
    if status == "error":
        raise read_failure(fields.take("error"))
    if status != "ok":
        raise fields.refuse("ok or error", "status")
    data: Any = fields.object("data")
    if data is None:
        raise fields.miss("data", "an object")
    if dialect == GENERATE:
        data = to_chat(data, "message")
    response = chat.read_response(msgspec.json.encode(data))
    envelope = {name: value for name, value in fields.rest().items() if (name, value) != ("meta", {})}
    extra = {**response.extra, _ENVELOPE: envelope} if envelope else response.extra
    return replace(response, dialect=dialect, extra=extra)


def leave_out_price(extra: Extra) -> Extra:
    """An answer's `extra` without what its provider asks for it: what the caller pays stands in `meta`."""
    usage = extra.get(_USAGE)
    if not isinstance(usage, dict) or _PRICE.isdisjoint(cast(dict[str, Any], usage)):
        return extra
    left = {name: value for name, value in cast(dict[str, Any], usage).items() if name not in _PRICE}
    return {**extra, _USAGE: left}


def write_response(response: ChatResponse, dialect: str) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    extra = dict(leave_out_price(response.extra))
    envelope: dict[str, Any] = {}
    carried = response.dialect
    if carried in OURS:
        envelope = extra.pop(_ENVELOPE, {})
        carried = CARRIED
    data = chat.write_response(replace(response, dialect=carried, extra=extra))
    if dialect == GENERATE:
        data = msgspec.json.encode(to_text(msgspec.json.decode(data)))
    body: dict[str, Any] = {"status": "ok", "data": msgspec.Raw(data), "meta": {}}
    return msgspec.json.encode(overlay(body, envelope) if envelope else body)
