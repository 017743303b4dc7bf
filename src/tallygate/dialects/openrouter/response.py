"""A whole answer, both ways: OpenAI's, told as this wire's clients expect it.

A choice has one of five reasons for its end and beside it the provider's own word; thoughts are `reasoning`; the member
`system_fingerprint` is always there (openrouter.ai/docs/api-reference/overview). What the call cost is told once it is
settled, by `telling`.
"""

from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from tallygate.dialects.openai_chat import response as chat
from tallygate.dialects.openai_chat.finish_reasons import write_finish_reason
from tallygate.dialects.openai_chat.reasoning import write_detail
from tallygate.dialects.openrouter.names import CARRIED
from tallygate.dialects.openrouter.telling import leave_out_price
from tallygate.genai.chat import ChatResponse, FinishReason
from tallygate.genai.messages import Extra, Reasoning

NATIVE: Final = "native_finish_reason"
_REASON: Final = "finish_reason"
_THOUGHT: Final = "reasoning_content"
_PLAIN: Final = "reasoning"
_DETAILS: Final = "reasoning_details"
_FINGERPRINT: Final = "system_fingerprint"


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error that it tells."""
    response = chat.read_response(body)
    extra = {name: value for name, value in response.extra.items() if (name, value) != (_FINGERPRINT, None)}
    choices = [replace(choice, extra=read_native(choice.extra, choice.finish_reason)) for choice in response.choices]
    return replace(response, choices=tuple(choices), extra=extra)


def read_native(extra: Extra, reason: FinishReason | None) -> Extra:
    """A choice's `extra` with the provider's word for its end where OpenAI's reader has it."""
    if NATIVE not in extra:
        return extra
    left = {name: value for name, value in extra.items() if name != NATIVE}
    word = extra[NATIVE]
    return left if word is None or word == write_finish_reason(reason) else {**left, _REASON: word}


def write_response(response: ChatResponse) -> bytes:
    """The answer in this wire's bytes. Raises InvalidAnswer for a part that has no place in an answer here."""
    body = msgspec.json.decode(chat.write_response(replace(response, extra=leave_out_price(response.extra))))
    same = response.dialect == CARRIED
    choices = zip(cast(list[dict[str, Any]], body["choices"]), response.choices, strict=True)
    body["choices"] = [_write_choice(written, choice.finish_reason, same=same) for written, choice in choices]
    return msgspec.json.encode({_FINGERPRINT: None, **body})


def _write_choice(written: dict[str, Any], reason: FinishReason | None, *, same: bool) -> dict[str, Any]:
    message = rename_thoughts(written["message"])
    if _PLAIN in message and _DETAILS not in message:
        message[_DETAILS] = [write_detail(Reasoning(message[_PLAIN]), 0, {})]
    return {**written, "message": message, **tell_end(written, reason, same=same)}


def rename_thoughts(said: dict[str, Any]) -> dict[str, Any]:
    """A message, or a piece of one, with its thoughts under the name that they have here."""
    return {_PLAIN if name == _THOUGHT else name: value for name, value in said.items()}


def tell_end(written: dict[str, Any], reason: FinishReason | None, *, same: bool) -> dict[str, Any]:
    """The reason for a choice's end as one of five, and the provider's own word for it, null where that is not known.

    `written` is the choice as OpenAI's writer has it; `same`: its provider spoke OpenAI's dialect.
    """
    native = written.get(NATIVE) or (written[_REASON] if same else None)
    return {_REASON: write_finish_reason(reason), NATIVE: native}
