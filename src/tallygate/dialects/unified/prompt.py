"""A request without a conversation: a `prompt` in the place of messages, every other field as in a chat.

It is read as a chat with one message of the user, because that is what today's models take. Its answers are told in
`text_form`.
"""

from typing import Any, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Written
from tallygate.dialects.fields import decode_body
from tallygate.dialects.openai_chat import peek as chat_peek
from tallygate.dialects.openai_completions.prompt import take_prompt
from tallygate.dialects.scan import outline
from tallygate.dialects.unified import request as chat
from tallygate.errors import InvalidValue, MissingField
from tallygate.genai.chat import ChatRequest
from tallygate.genai.peek import Peek

_PROMPT = "a string of at least one character"
_DEEPER = 2
"""By how much a message nests deeper than a prompt."""


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request. Raises MissingField and InvalidValue for its prompt, else what a chat raises."""
    shape = outline(body, depth_max)
    look = chat_peek.peek(_converse(body), depth_max + _DEEPER)
    return replace(
        look,
        include_usage=look.stream,
        has_system=False,  # there are no messages that it could be moved to
        depth=shape.depth,
        body_bytes=len(body),
        spans=shape.spans,
    )


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField with the path."""
    return chat.read_chat(_converse(body))


def _converse(body: bytes) -> bytes:
    """The chat that a prompt stands for."""
    value = decode_body(body)
    if not isinstance(value, dict):
        return body  # the reader says what is wrong
    members = cast(dict[str, Any], value)
    prompt = members.pop("prompt", None)
    if members.get("messages") is not None:
        raise InvalidValue("`messages` are taken by `/v1/inference/chat`; here is only a `prompt`.", param="messages")
    if prompt is None:
        raise MissingField(f"`prompt` is missing; it must be {_PROMPT}.", param="prompt")
    if not isinstance(prompt, str) or not prompt:
        raise InvalidValue(f"`prompt` must be {_PROMPT}.", param="prompt")
    if isinstance(metadata := members.get("metadata"), dict):
        members["metadata"] = chat.spell_out(cast(dict[str, Any], metadata))
    members["messages"] = [{"role": "user", "content": prompt}]
    return msgspec.json.encode(members)


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried: every
    conversation but a user's one text, with an instruction before it or without.
    """
    written = chat.write_request(request)
    return replace(written, body=msgspec.json.encode(take_prompt(msgspec.json.decode(written.body))))
