"""A whole answer, both ways (platform.claude.com/docs/en/api/messages), and the answer to a count of tokens.

Clients of this wire rely on every member being there, so an answer that came without usage gets one of zeros.
"""

from typing import Any, Final

import msgspec
from msgspec import structs

from tallygate.dialects.anthropic_messages.errors import read_failure
from tallygate.dialects.anthropic_messages.harmless import NAME
from tallygate.dialects.anthropic_messages.parts import (
    call_block,
    read_arguments,
    read_blocks,
    read_said,
    thinking_block,
)
from tallygate.dialects.anthropic_messages.stop_reasons import read_stop_reason, write_stop_reason
from tallygate.dialects.anthropic_messages.usage import read_usage, write_tier, write_usage
from tallygate.dialects.fields import Fields, overlay
from tallygate.errors import InvalidAnswer, ProviderFailed
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Opaque, Part, Reasoning, Refusal, Text, ToolCall

_TOKENS_MAX: Final = 2**31 - 1


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error the provider put into an answer with status 200."""
    fields = Fields(decode_answer(body), "", InvalidAnswer)
    if fields.look("type") == "error":
        raise read_failure({"error": fields.look("error")})
    return read_message(fields)


def decode_answer(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidAnswer; its sentence never shows the body."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidAnswer("The provider's answer is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidAnswer("The provider's answer is not a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def read_message(fields: Fields) -> ChatResponse:
    """A `message` object. Raises InvalidAnswer."""
    fields.take("type")
    fields.take("role")
    if "content" not in fields:
        raise fields.miss("content", "a list of blocks")
    parts = tuple(_without_nulls(part) for part in read_blocks(fields, "content", read_said))
    word, stop_sequence = fields.take("stop_reason"), fields.text("stop_sequence")
    reason, kept = read_stop_reason(word, stop_sequence)
    usage, tier, left = read_usage(fields.take("usage"))
    id_, model = fields.text("id") or "", fields.text("model") or ""
    extra = {name: value for name, value in fields.rest().items() if value is not None}
    if left:
        extra["usage"] = left
    choice = Choice(
        0,
        parts,
        finish_reason=reason,
        stop_sequence=stop_sequence,
        extra={} if kept is None else {"stop_reason": kept},
    )
    return ChatResponse(id_, model, choices=(choice,), usage=usage, service_tier=tier, dialect=NAME, extra=extra)


def _without_nulls(part: Part) -> Part:
    """A null says nothing in an answer, and a stream cannot tell it from silence."""
    extra = {name: value for name, value in part.extra.items() if value is not None}
    return part if len(extra) == len(part.extra) else structs.replace(part, extra=extra)


def write_response(response: ChatResponse) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for what has no place in an answer here."""
    same = response.dialect == NAME
    choice = response.choices[0] if response.choices else Choice(0)
    if choice.finish_reason == "error":
        raise ProviderFailed
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    word = choice.extra.get("stop_reason") if same else None
    usage = write_usage(response.usage)
    if tier := write_tier(response.service_tier, same=same):
        usage["service_tier"] = tier
    body: dict[str, Any] = {
        "id": response.id,
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": [block for part in choice.parts if (block := _write_part(part, choice, same=same))],
        "stop_reason": word or name_end(choice.finish_reason, choice.stop_sequence, refused=refused),
        "stop_sequence": choice.stop_sequence,
        "usage": usage,
    }
    return msgspec.json.encode(overlay(body, response.extra) if same else body)


def name_end(reason: Any, stop_sequence: str | None, *, refused: bool) -> str | None:
    """The stop reason. Where a model declined in words marked as such, that is why it stopped."""
    return "refusal" if refused and reason == "stop" else write_stop_reason(reason, stop_sequence)


def _write_part(part: Part, choice: Choice, *, same: bool) -> dict[str, Any] | None:
    """One block of an answer, None for a text that says nothing. Another dialect's extras have no meaning here."""
    match part:
        case Text() | Refusal():
            if not part.text and not same:
                return None
            known: dict[str, Any] = {"type": "text", "text": part.text}
        case Reasoning():
            known = thinking_block(part.text, part.signature, part.encrypted)
        case ToolCall():
            known = call_block(part.id, part.name, _write_arguments(part, choice))
        case Opaque() if same:
            return {"type": part.kind, **part.extra}
        case _:
            kind = part.__struct_config__.tag
            raise InvalidAnswer(f"The provider's answer holds a {kind} part, which this interface cannot carry.")
    return overlay(known, part.extra) if same else known


def _write_arguments(call: ToolCall, choice: Choice) -> dict[str, Any]:
    """The arguments as an object. Text that the cap cut off is left out: the stop reason says that it was cut."""
    arguments = read_arguments(call.arguments)
    if arguments is None and choice.finish_reason != "length":
        raise InvalidAnswer("The model's arguments for a tool are not a JSON object.")
    return arguments or {}


def read_count(body: bytes) -> int:
    """The answer to a count of tokens. Raises InvalidAnswer."""
    count = Fields(decode_answer(body), "", InvalidAnswer).integer("input_tokens", 0, _TOKENS_MAX)
    if count is None:
        raise InvalidAnswer("The provider's answer holds no count.")
    return count


def write_count(input_tokens: int) -> bytes:
    """The answer to a count of tokens."""
    return msgspec.json.encode({"input_tokens": input_tokens})
