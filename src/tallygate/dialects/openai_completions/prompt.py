"""A request for a completion, both ways: a prompt in the place of a conversation, else a chat's members
(platform.openai.com/docs/api-reference/completions/create).

What a chat cannot do is refused here, by name: several prompts at once, tokens in the place of text, text behind the
answer (`suffix`), the prompt said again (`echo`), and answers made and thrown away (`best_of`).
"""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.base import Written
from tallygate.dialects.fields import decode_body
from tallygate.dialects.openai_chat import peek as chat_peek
from tallygate.dialects.openai_chat import request as chat
from tallygate.dialects.openai_completions.names import CARRIED, NAME
from tallygate.dialects.scan import outline
from tallygate.errors import InvalidValue, MissingField, UnsupportedParameter
from tallygate.genai.chat import ChatRequest
from tallygate.genai.peek import Peek

OUTPUT_TOKENS_DEFAULT: Final = 16
"""This wire's own bound on an answer, for who names none."""

_LOGPROBS_MAX: Final = 5
_PROMPT: Final = "a string of at least one character, or a list of one such string"
_DEEPER: Final = 2
"""By how much a message nests deeper than a prompt."""
_TOP: Final = "top_logprobs"

# What says no more than what happens anyway.
_IDLE: Final[dict[str, tuple[Any, ...]]] = {"suffix": ("",), "echo": (False,), "best_of": (1,)}
_WHY: Final = {
    "suffix": "A chat's answer ends where it ends; no text can be put behind it",
    "echo": "A chat's answer does not say the prompt again; leave it out and put both together yourself",
    "best_of": "Answers that are made and not given would be charged as well; ask for `n` and choose yourself",
    "max_completion_tokens": "It is a chat's; here the bound is called `max_tokens`",
}


def peek(body: bytes, depth_max: int) -> Peek:
    """Outline a request. Raises MissingField, InvalidValue and UnsupportedParameter for what is this wire's own, else
    what a chat raises.
    """
    shape = outline(body, depth_max)
    look = chat_peek.peek(_converse(body), depth_max + _DEEPER)
    return replace(look, has_system=False, depth=shape.depth, body_bytes=len(body), spans=shape.spans)


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises InvalidJson, InvalidEncoding, TooDeep, InvalidValue, MissingField,
    UnsupportedParameter with the path.
    """
    return chat.read_request(_converse(body))


def _converse(body: bytes) -> bytes:
    """The chat that a request stands for."""
    value = decode_body(body)
    if not isinstance(value, dict):
        return body  # the reader says what is wrong
    members = cast(dict[str, Any], value)
    if members.get("messages") is not None:
        raise InvalidValue("`messages` are taken by `/v1/chat/completions`; here is only a `prompt`.", param="messages")
    prompt = _read_prompt(members.pop("prompt", None))
    for name, why in _WHY.items():
        given = members.pop(name, None)
        if given is not None and not any(given is idle or given == idle for idle in _IDLE.get(name, ())):
            raise UnsupportedParameter(f"`{name}` cannot be carried. {why}.", param=name)
    members |= _read_logprobs(members.pop("logprobs", None))
    if members.get("max_tokens") is None:
        members["max_tokens"] = OUTPUT_TOKENS_DEFAULT
    members["messages"] = [{"role": "user", "content": prompt}]
    return msgspec.json.encode(members)


def _read_prompt(prompt: Any) -> str:
    if prompt is None:
        raise MissingField(f"`prompt` is missing; it must be {_PROMPT}.", param="prompt")
    items = cast(list[Any], prompt) if isinstance(prompt, list) else [prompt]
    if len(items) > 1 and all(isinstance(item, str | list) for item in items):
        raise UnsupportedParameter("`prompt` holds several prompts; send one request for each.", param="prompt")
    first = cast(list[Any], items[0]) if items and isinstance(items[0], list) else items
    if first and all(isinstance(item, int) for item in first):
        raise UnsupportedParameter("`prompt` holds tokens, which mean something to one model only.", param="prompt")
    if len(items) != 1 or not isinstance(items[0], str) or not items[0]:
        raise InvalidValue(f"`prompt` must be {_PROMPT}.", param="prompt")
    return items[0]


def _read_logprobs(count: Any) -> dict[str, Any]:
    """How many alternatives of each token are wanted, as a chat says it."""
    if count is None:
        return {}
    if type(count) is not int or not 0 <= count <= _LOGPROBS_MAX:
        raise InvalidValue(f"`logprobs` must be a whole number from 0 to {_LOGPROBS_MAX}.", param="logprobs")
    return {"logprobs": True, _TOP: count}


def write_request(request: ChatRequest) -> Written:
    """The request in this wire's bytes. Raises UnsupportedParameter with the path of what cannot be carried: every
    conversation but a user's one text, with an instruction before it or without.
    """
    written = chat.write_request(replace(request, dialect=CARRIED if request.dialect == NAME else request.dialect))
    members = take_prompt(msgspec.json.decode(written.body))
    if members.pop("logprobs", None):
        members["logprobs"] = members.pop(_TOP, 0)
    return replace(written, body=msgspec.json.encode(members))


def take_prompt(members: dict[str, Any]) -> dict[str, Any]:
    """A chat's members with a `prompt` in the place of its messages. Raises UnsupportedParameter for a conversation."""
    *before, last = members.pop("messages")
    prompt = last.get("content")
    plain = isinstance(prompt, str) and prompt and last.keys() == {"role", "content"} and last["role"] == "user"
    instructed = [message["content"] for message in before if message.keys() == last.keys() and _instructs(message)]
    if not plain or len(before) > 1 or len(instructed) < len(before):
        raise UnsupportedParameter("`messages` cannot be carried: a prompt is one text of a user.", param="messages")
    system = {"system": instructed[0]} if instructed else {}
    return {**members, **system, "prompt": prompt}


def _instructs(message: dict[str, Any]) -> bool:
    return message["role"] == "system"
