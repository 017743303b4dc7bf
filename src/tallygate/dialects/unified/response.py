"""A whole answer in its envelope, both ways: `data` is OpenAI's chat object, or the text form of one."""

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.openai_completions.text_form import to_chat, to_text
from tallygate.dialects.unified.enclosure import (
    enclose_answer,
    keep_envelope,
    leave_out_price,
    open_answer,
    take_envelope,
)
from tallygate.dialects.unified.names import CARRIED, GENERATE, OURS
from tallygate.genai.chat import ChatResponse
from tallygate.genai.messages import Extra


def read_response(body: bytes, dialect: str) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error that the envelope holds."""
    data, envelope = open_answer(body)
    response = chat.read_response(msgspec.json.encode(to_chat(data, "message") if dialect == GENERATE else data))
    return replace(response, dialect=dialect, extra=keep_envelope(response.extra, envelope))


def write_response(response: ChatResponse, dialect: str) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    carried, extra, envelope = response.dialect, response.extra, Extra()
    if carried in OURS:
        carried = CARRIED
        extra, envelope = take_envelope(extra)
    data = chat.write_response(replace(response, dialect=carried, extra=leave_out_price(extra)))
    if dialect == GENERATE:
        data = msgspec.json.encode(to_text(msgspec.json.decode(data)))
    return enclose_answer(data, envelope)
