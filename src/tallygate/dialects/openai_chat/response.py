"""A whole answer, both ways (platform.openai.com/docs/api-reference/chat/object).

Providers leave out, null or misplace much of it, so only `choices` must be there, and what is there must have the right
type where a wrong one would change the meaning. A choice's `extra` has what its message had beyond our names under
``message``.
"""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat.errors import read_failure
from tallygate.dialects.openai_chat.finish_reasons import read_finish_reason, write_finish_reason
from tallygate.dialects.openai_chat.losses import NAME, open_losses
from tallygate.dialects.openai_chat.reasoning import read_thoughts, write_thoughts
from tallygate.dialects.openai_chat.tools import read_calls, write_calls
from tallygate.dialects.openai_chat.usage import read_usage, write_usage
from tallygate.errors import InvalidAnswer
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Opaque, Part, Reasoning, Refusal, Text, ToolCall

_SECONDS_MAX = 1 << 40

_decode = msgspec.json.Decoder().decode

_BESIDE_WORDS = frozenset({"reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call"})


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error the provider put into an answer with status 200."""
    fields = Fields(decode_answer(body), "", InvalidAnswer)
    if fields.look("error"):
        raise read_failure(fields.take("error"))
    fields.take("error")
    fields.take("object")
    if fields.look("choices") is None:
        raise InvalidAnswer("The provider's answer has no list of choices.")
    id_ = text_of(fields.take("id"))
    choices = tuple(_read_choice(item, index, id_) for index, item in enumerate(fields.array("choices")))
    usage, left = read_usage(fields.take("usage"))
    model, created, tier = fields.take("model"), fields.take("created"), fields.take("service_tier")
    extra = fields.rest()
    if left:
        extra["usage"] = left
    return ChatResponse(
        id=id_,
        model=text_of(model),
        created_s=seconds_of(created),
        choices=choices,
        usage=usage,
        service_tier=tier if isinstance(tier, str) else None,
        dialect=NAME,
        extra=extra,
    )


def decode_answer(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidAnswer; its sentence never shows the body."""
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidAnswer("The provider's answer is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidAnswer("The provider's answer is not a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def text_of(value: Any) -> str:
    """An id or a name, which some providers send as a number or not at all."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def seconds_of(value: Any) -> int:
    """Unix seconds, which some providers send as a fraction or not at all."""
    return int(value) if type(value) in (int, float) and 0 <= value < _SECONDS_MAX else 0


def make_call_id(response_id: str, choice: int) -> str:
    """What the ids of a choice's calls begin with where the provider gave none: other answers' must not be the same."""
    return f"call_{response_id[:64]}_{choice}" if response_id else f"call_{choice}"


def _read_choice(item: Any, place: int, response_id: str) -> Choice:
    fields = Fields(item, f"choices[{place}]", InvalidAnswer)
    index = fields.integer("index", 0, 2**31)
    index = place if index is None else index
    message = fields.inside("message")
    # A choice that a filter emptied may have no message at all.
    parts = () if message is None else _read_parts(message, response_id, index)
    reason, word = read_finish_reason(fields.take("finish_reason"))
    logprobs = fields.take("logprobs")
    extra = fields.rest()
    if word is not None:
        extra["finish_reason"] = word
    return Choice(index, parts, finish_reason=reason, logprobs=logprobs, extra=extra)


def _read_parts(message: Fields, response_id: str, index: int) -> tuple[Part, ...]:
    """What a message says: thoughts, text, refusal, calls. Empty strings say nothing."""
    message.take("role")
    content, refusal = message.take("content"), message.text("refusal")
    if isinstance(content, str) and not refusal and not message.has_any(_BESIDE_WORDS):  # nearly every message
        return (Text(content),) if content else ()
    thoughts = list(read_thoughts(message))
    text = ""
    for is_thought, piece in read_said(content, message):
        if is_thought:
            thoughts.append(Reasoning(piece))
        else:
            text += piece
    said: list[Part] = [Text(text)] if text else []
    if refusal:
        said.append(Refusal(refusal))
    return (*thoughts, *said, *read_calls(message, make_call_id(response_id, index)))


def read_said(content: Any, message: Fields) -> Iterator[tuple[bool, str]]:
    """The pieces of an answer's content, each with whether it is a thought.

    A string in nearly every answer; a list of `text` and `thinking` chunks from docs.mistral.ai/capabilities/reasoning.
    Raises InvalidAnswer for anything else.
    """
    if content is None or content == "":
        return
    if isinstance(content, str):
        yield False, content
        return
    if not isinstance(content, list):
        raise message.refuse("a string or a list of parts", "content")
    items = cast(list[Any], content)
    for item in items:
        part = Fields(item, message.at("content"), InvalidAnswer)
        kind = part.look("type")
        if kind == "thinking":
            for _, piece in read_said(part.take("thinking"), message):
                yield True, piece
        elif kind == "text":
            yield False, part.text("text") or ""
        else:
            raise part.refuse("text or thinking", "type")


def write_response(response: ChatResponse) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    same = response.dialect == NAME
    body: dict[str, Any] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created_s,
        "model": response.model,
        "choices": [_write_choice(choice, same=same) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    if response.service_tier is not None:
        body["service_tier"] = response.service_tier
    return msgspec.json.encode(overlay(body, response.extra) if same else body)


def _write_choice(choice: Choice, *, same: bool) -> dict[str, Any]:
    reason = choice.extra.get("finish_reason") if same else None
    item: dict[str, Any] = {
        "index": choice.index,
        "message": _write_message(choice.parts, same=same),
        "logprobs": choice.logprobs if same else None,
        "finish_reason": reason or write_finish_reason(choice.finish_reason),
    }
    return overlay(item, choice.extra) if same else item


def _write_message(parts: tuple[Part, ...], *, same: bool) -> dict[str, Any]:
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    for part in parts:
        if not isinstance(part, Reasoning | ToolCall | Text | Refusal):
            kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
            raise InvalidAnswer(f"The provider's answer holds a part of type {kind}, which cannot be carried here.")
    bare = [call if same else msgspec.structs.replace(call, extra={}) for call in calls]
    return {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        **write_thoughts(thoughts, same=same),
        **write_calls(bare, "message", open_losses(NAME)),
    }
