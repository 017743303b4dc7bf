"""A chat request of this surface: OpenAI's chat request, with usage always, and with metadata of any kind.

The fields are told in docs/reference/inference.md; what they may hold is checked where that dialect's are.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tallygate.dialects.base import Written
from tallygate.dialects.fields import decode_body
from tallygate.dialects.openai_chat import peek as chat_peek
from tallygate.dialects.openai_chat import request as chat_request
from tallygate.dialects.unified.names import CARRIED, OURS
from tallygate.genai.chat import ChatRequest
from tallygate.genai.peek import Peek


class _Noted(Struct):
    metadata: dict[str, Any] | None = None


_NOTED = msgspec.json.Decoder(_Noted)


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request. Raises what OpenAI's chat raises for it."""
    look = chat_peek.peek(body, depth_max)
    return replace(look, include_usage=look.stream)


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path."""
    return read_chat(_spell_out(body))


def read_chat(body: bytes) -> ChatRequest:
    """A request whose metadata is text only. A stream of this surface always ends with its usage."""
    request = chat_request.read_request(body)
    return replace(request, include_usage=request.stream)


def _spell_out(body: bytes) -> bytes:
    """The body with its metadata as text; the very same object if it is text already, as nearly always."""
    try:
        metadata = _NOTED.decode(body).metadata
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # the reader says what is wrong
    if metadata is None or all(isinstance(value, str) for value in metadata.values()):
        return body
    return msgspec.json.encode({**decode_body(body), "metadata": spell_out(metadata)})


def spell_out(metadata: dict[str, Any]) -> dict[str, str]:
    """Metadata whose values are text: providers take no other. What was not text is its JSON."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in metadata.items()
    }


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried."""
    dialect = CARRIED if request.dialect in OURS else request.dialect
    return chat_request.write_request(replace(request, dialect=dialect, include_usage=False))
