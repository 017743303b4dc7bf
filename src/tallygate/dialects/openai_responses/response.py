"""A whole answer, both ways (developers.openai.com/api/reference/responses, the object).

Providers leave out much of it, so only `output` must be there, and what is there must have the right type where a wrong
one would change the meaning.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.fields import Fields, overlay
from tallygate.dialects.openai_chat.response import decode_answer, seconds_of, text_of
from tallygate.dialects.openai_responses.content import Manner
from tallygate.dialects.openai_responses.custom_calls import turn_back
from tallygate.dialects.openai_responses.envelope import Asked, fill_in, read_asked, strip
from tallygate.dialects.openai_responses.errors import read_failure
from tallygate.dialects.openai_responses.items import begin_message, read_item, write_items
from tallygate.dialects.openai_responses.losses import NAME
from tallygate.dialects.openai_responses.marks import Place
from tallygate.dialects.openai_responses.usage import count_uses, read_usage, write_usage
from tallygate.errors import InvalidAnswer, ProviderFailed, TallygateError
from tallygate.genai.chat import ChatResponse, Choice, FinishReason
from tallygate.genai.messages import Extra, Opaque, Part, ToolCall

INCOMPLETE: Final = "incomplete_reason"
"""Under which name a choice keeps the word for why it is not complete, where ours would give another."""

_DETAILS: Final = "incomplete_details"

_INCOMPLETE_READ: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_INCOMPLETE_WRITTEN: Final[dict[FinishReason, str]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


class Head(Struct, frozen=True):
    """An answer without its output: who gave it, when, and what surrounds it."""

    id: str
    model: str
    created_s: int
    service_tier: str | None
    extra: Extra


class End(Struct, frozen=True):
    """How an answer ended."""

    reason: FinishReason
    extra: Extra = {}


def read_response(body: bytes) -> ChatResponse:
    """The answer in `body`. Raises InvalidAnswer, or the error the provider put into an answer with status 200."""
    fields = Fields(decode_answer(body), "", InvalidAnswer)
    if fields.look("error") or fields.look("status") == "failed":
        raise read_failure(fields.look("error") or {})
    if fields.look("output") is None:
        raise InvalidAnswer("The provider's answer has no output.")
    output = fields.array("output")
    usage, counted = read_usage(fields.take("usage"))
    status, details = fields.text("status"), fields.take(_DETAILS)
    head = read_head(fields)
    parts = read_output(output, head.id)
    end = read_end(status, details, calls=any(isinstance(part, ToolCall) for part in parts))
    return ChatResponse(
        id=head.id,
        model=head.model,
        created_s=head.created_s,
        choices=(Choice(0, parts, finish_reason=end.reason, extra=end.extra),),
        usage=usage and count_uses(usage, (part.kind for part in parts if isinstance(part, Opaque)), head.extra),
        service_tier=head.service_tier,
        dialect=NAME,
        extra={**head.extra, **({"usage": counted} if counted else {})},
    )


def read_head(fields: Fields) -> Head:
    """What an answer says beside its output, its end and its usage, which must have been taken."""
    for name in ("object", "output", "usage", "status", _DETAILS):
        fields.take(name)
    id_, model, created = fields.take("id"), fields.take("model"), fields.take("created_at")
    tier = fields.take("service_tier")
    return Head(
        text_of(id_), text_of(model), seconds_of(created), tier if isinstance(tier, str) else None, strip(fields.rest())
    )


def read_output(output: Sequence[Any], answer_id: str) -> tuple[Part, ...]:
    """The parts of all items. Raises InvalidAnswer."""
    parts: list[Part] = []
    for index, item in enumerate(output):
        made = read_item(Fields(item, f"output[{index}]", InvalidAnswer), Place(answer_id, index))
        parts += begin_message(made, parts[-1] if parts else None)
    return tuple(parts)


def read_end(status: str | None, details: Any, *, calls: bool) -> End:
    """How the answer ended. Raises InvalidAnswer for one that has not, ProviderFailed for one that was given up."""
    match status:
        case None | "completed":
            return End("tool_calls" if calls else "stop")
        case "incomplete":
            left: Extra = dict(cast("Extra", details)) if isinstance(details, dict) else {}
            word = left.pop("reason", None)
            reason = _INCOMPLETE_READ.get(word, "length") if isinstance(word, str) else "length"
            kept = {INCOMPLETE: word} if isinstance(word, str) and _INCOMPLETE_WRITTEN[reason] != word else {}
            return End(reason, {**kept, **({_DETAILS: left} if left else {})})
        case "failed" | "cancelled":
            raise ProviderFailed
        case _:
            raise InvalidAnswer("The provider's answer has not ended.")


def write_response(response: ChatResponse, asked: bytes = b"") -> bytes:
    """The answer in this wire's bytes, with what it repeats of the request `asked`.

    Raises InvalidAnswer for what has no place in an answer here.
    """
    choice = response.choices[0] if response.choices else Choice(0)
    if choice.finish_reason == "error":
        raise ProviderFailed
    same = response.dialect == NAME
    request = Asked() if same else read_asked(asked)
    head = Head(
        response.id,
        response.model,
        response.created_s,
        response.service_tier,
        response.extra if same else request.repeated,
    )
    parts = turn_back(choice.parts, request.customs)
    output = write_items(parts, "output", answer_manner(response.id, request, same=same))
    body = write_body(head, output)
    end = write_end(choice.finish_reason, choice.extra if same else {})
    usage = write_usage(response.usage)
    if same:
        overlay(usage, response.extra.get("usage") or {})
    return msgspec.json.encode({**body, **end, "usage": usage})


def answer_manner(answer_id: str, request: Asked, *, same: bool) -> Manner:
    """How the items of an answer are written. `same`: it came in this dialect; other dialects' extras mean nothing."""

    def restore(known: dict[str, Any], extra: Extra, _: str) -> dict[str, Any]:
        return overlay(known, extra) if same else known

    return Manner(same, restore, _refuse, answer_id, request.namespaces)


def _refuse(_: str, reason: str) -> TallygateError:
    return InvalidAnswer(f"The provider's answer cannot be told here. {reason}")


def write_body(head: Head, output: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that is still in progress."""
    known: dict[str, Any] = {
        "id": head.id,
        "object": "response",
        "created_at": head.created_s,
        "status": "in_progress",
        "model": head.model,
        "output": output,
        "usage": None,
    }
    if head.service_tier is not None:
        known["service_tier"] = head.service_tier
    return fill_in({**{name: value for name, value in head.extra.items() if name not in known}, **known})


def write_end(reason: FinishReason | None, extra: Extra) -> dict[str, Any]:
    """The members that say how an answer ended."""
    word = extra.get(INCOMPLETE) or (_INCOMPLETE_WRITTEN.get(reason) if reason is not None else None)
    if word is None:
        return {"status": "completed"}
    return {"status": "incomplete", _DETAILS: overlay({"reason": word}, extra.get(_DETAILS) or {})}
