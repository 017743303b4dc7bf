"""A whole answer in its envelope, both ways: `data` is OpenAI's chat object, or the text form of one; `meta` is filled
when the call is settled.
"""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.unified.errors import read_failure
from tallygate.dialects.unified.names import CARRIED, GENERATE, OURS
from tallygate.dialects.unified.text_form import to_chat, to_text
from tallygate.errors import InvalidAnswer
from tallygate.genai.chat import ChatResponse

_ENVELOPE: Final = "envelope"
"""Where an answer's `extra` has what the envelope held beyond `status` and `data`."""


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


def write_response(response: ChatResponse, dialect: str) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    envelope: dict[str, Any] = {}
    if response.dialect in OURS:
        extra = dict(response.extra)
        envelope = extra.pop(_ENVELOPE, {})
        response = replace(response, dialect=CARRIED, extra=extra)
    data = chat.write_response(response)
    if dialect == GENERATE:
        data = msgspec.json.encode(to_text(msgspec.json.decode(data)))
    body: dict[str, Any] = {"status": "ok", "data": msgspec.Raw(data), "meta": {}}
    return msgspec.json.encode(overlay(body, envelope) if envelope else body)
