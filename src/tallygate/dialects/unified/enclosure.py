"""The envelope around a whole answer, both ways, whatever is in it: `meta` is filled when the call is settled.

What an envelope held beyond `status` and `data` stands in the answer's `extra`.
"""

from typing import Any, Final, cast

import msgspec

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat.response import decode_answer
from tallygate.dialects.unified.errors import read_failure
from tallygate.errors import InvalidAnswer
from tallygate.genai.messages import Extra

_ENVELOPE: Final = "envelope"
_USAGE: Final = "usage"
_PRICE: Final = frozenset({"cost", "cost_details"})
"""Members of usage in which a provider tells its own price (openrouter.ai/docs/use-cases/usage-accounting)."""


def open_answer(body: bytes) -> tuple[dict[str, Any], Extra]:
    """The `data` of an answer, and what its envelope held besides. Raises InvalidAnswer, or the error in it."""
    fields = Fields(decode_answer(body), "", InvalidAnswer)
    status = fields.need_text("status")
    if status == "error":
        raise read_failure(fields.take("error"))
    if status != "ok":
        raise fields.refuse("ok or error", "status")
    data = fields.object("data")
    if data is None:
        raise fields.miss("data", "an object")
    return data, {name: value for name, value in fields.rest().items() if (name, value) != ("meta", {})}


def enclose_answer(data: bytes, envelope: Extra) -> bytes:
    """The answer in an envelope."""
    body: dict[str, Any] = {"status": "ok", "data": msgspec.Raw(data), "meta": {}}
    return msgspec.json.encode(overlay(body, envelope) if envelope else body)


def keep_envelope(extra: Extra, envelope: Extra) -> Extra:
    """An answer's `extra` with what its envelope held besides."""
    return {**extra, _ENVELOPE: envelope} if envelope else extra


def take_envelope(extra: Extra) -> tuple[Extra, Extra]:
    """An answer's `extra` alone, and what its envelope held besides."""
    left = {name: value for name, value in extra.items() if name != _ENVELOPE}
    return left, cast("Extra", extra.get(_ENVELOPE, {}))


def leave_out_price(extra: Extra) -> Extra:
    """An answer's `extra` without what its provider asks for it: what the caller pays stands in `meta`."""
    usage = extra.get(_USAGE)
    if not isinstance(usage, dict) or _PRICE.isdisjoint(cast("dict[str, Any]", usage)):
        return extra
    left = {name: value for name, value in cast("dict[str, Any]", usage).items() if name not in _PRICE}
    return {**extra, _USAGE: left}
