"""What a provider's error says, and whose fault it is: one policy for every dialect.

Bodies come in the shapes of platform.openai.com/docs/guides/error-codes and platform.claude.com/docs/en/api/errors,
as a list (ai.google.dev/gemini-api/docs/openai), with integer codes (openrouter.ai/docs/api-reference/errors), and as
older vLLM, FastAPI and Ollama write them. A provider's words reach a caller only if the fault is the caller's.
"""

import re
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.redaction import redact
from tallygate.errors import (
    PayloadTooLarge,
    ProviderFailed,
    ProviderForbidsUs,
    ProviderOverloaded,
    ProviderRefusedUs,
    ProviderRejected,
    ProviderTimeout,
    TallygateError,
)

_CODE = re.compile(r"[a-z0-9_.]{1,64}", re.ASCII)
_PARAM = re.compile(r"[A-Za-z0-9_.\[\]-]{1,128}", re.ASCII)
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|title)\b", re.IGNORECASE)
_OUR_BALANCE = re.compile(r"\b(?:credit )?balance (?:is|was) too low\b", re.IGNORECASE)
_OUR_KEY = re.compile(
    r"\b(?:api[ _-]?key|credentials?)\b.{0,40}\b(?:invalid|not valid|incorrect|expired)\b"
    r"|\b(?:invalid|incorrect|expired)\b.{0,20}\b(?:api[ _-]?key|credentials?)\b",
    re.IGNORECASE,
)

_OUR_ACCOUNT: Final = {
    "invalid_api_key": "The provider did not accept this gateway's credentials.",
    "insufficient_quota": "This gateway's account with the provider is used up.",
    "billing_hard_limit_reached": "This gateway's account with the provider is used up.",
}
_REFUSED: Final = {
    401: _OUR_ACCOUNT["invalid_api_key"],
    402: _OUR_ACCOUNT["insufficient_quota"],
    403: "The provider does not let this gateway's account do this.",
}
_TOO_LARGE: Final = "The provider refused the request as too large."

_CALLERS: Final = frozenset({
    "context_length_exceeded", "content_policy_violation", "invalid_image", "invalid_prompt", "invalid_request",
    "invalid_request_error", "invalid_argument", "max_tokens_exceeded", "string_above_max_length", "string_too_long",
    "token_limit_exceeded", "unprocessable",
})  # fmt: skip


class Complaint(Struct, frozen=True):
    """What a provider's error body says: its sentence, its code, its kind, its number, and the field it means."""

    message: str = ""
    code: str = ""
    kind: str = ""
    number: int = 0
    param: str | None = None


def decode_complaint(body: bytes) -> Complaint:
    """What an error answer's body says. Never raises, whatever the body is."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    return read_complaint(value)


def read_complaint(value: Any) -> Complaint:
    """What a decoded error body says."""
    if isinstance(value, list) and value:
        value = cast(list[Any], value)[0]
    if not isinstance(value, dict):
        return Complaint()
    outer = cast(dict[str, Any], value)
    error = outer.get("error")
    if isinstance(error, str):
        return Complaint(error)
    members = cast(dict[str, Any], error) if isinstance(error, dict) else outer
    message = members.get("message")
    if not isinstance(message, str):
        message = _read_detail(members.get("detail"))
    metadata = members.get("metadata")
    finer = cast(dict[str, Any], metadata).get("error_type") if isinstance(metadata, dict) else None
    numbers = (word for word in (members.get("code"), members.get("status")) if type(word) is int)
    param = members.get("param")
    return Complaint(
        message,
        code=_find_word(members.get("code"), finer),
        kind=_find_word(members.get("type"), members.get("status")),
        number=next(numbers, 0),
        param=param if isinstance(param, str) and _PARAM.fullmatch(param) else None,
    )


def _find_word(*words: Any) -> str:
    """The first of `words` that is one, in small letters: nothing that could hold a sentence or a key."""
    return next((word.lower() for word in words if isinstance(word, str) and _CODE.fullmatch(word.lower())), "")


def _read_detail(detail: Any) -> str:
    """FastAPI's `detail`: a sentence, or a list of faults each with a `msg`."""
    if isinstance(detail, str):
        return detail
    faults = cast(list[Any], detail) if isinstance(detail, list) else []
    messages = (cast(dict[str, Any], fault).get("msg") for fault in faults if isinstance(fault, dict))
    return "; ".join(message for message in messages if isinstance(message, str))


# platform.claude.com/docs/en/api/errors
_STATUS_BY_TYPE: Final = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}


def guess_status(complaint: Complaint) -> int:
    """The status that an error which came without one would have had: its number, else its words, say it."""
    if 400 <= complaint.number <= 599:
        return complaint.number
    if complaint.kind in _STATUS_BY_TYPE:
        return _STATUS_BY_TYPE[complaint.kind]
    words = f"{complaint.code} {complaint.kind}"
    if not _CALLERS.isdisjoint(words.split()):
        return 400
    if any(word in words for word in ("overloaded", "rate_limit", "server_busy", "unavailable")):
        return 503
    return 504 if "timeout" in words else 502


def judge(status: int, complaint: Complaint, retry_after_s: int | None) -> TallygateError:
    """A provider's error with this status as one of ours."""
    if sentence := _OUR_ACCOUNT.get(complaint.code) or _OUR_ACCOUNT.get(complaint.kind):
        return ProviderRefusedUs(sentence)
    match status:
        case 401 | 402:
            return ProviderRefusedUs(_REFUSED[status])
        case 403:
            return ProviderForbidsUs(_REFUSED[status])
        case 413:
            return PayloadTooLarge(_TOO_LARGE)
        case 400 | 422 | 404:
            return _judge_rejection(status, complaint)
        case 408 | 504 | 524:
            return ProviderTimeout()
        case 429 | 503 | 529:
            return ProviderOverloaded(retry_after_s=retry_after_s)
        case _:
            return ProviderFailed()


def _judge_rejection(status: int, complaint: Complaint) -> TallygateError:
    if not complaint.message or _MARKUP.search(complaint.message):
        # Not this wire's shape: something before the provider spoke, or nothing there speaks this wire.
        return ProviderFailed()
    if _OUR_KEY.search(complaint.message):
        return ProviderRefusedUs(_REFUSED[401])
    if _OUR_BALANCE.search(complaint.message):
        return ProviderRefusedUs(_REFUSED[402])
    if status == 404 and "model" not in f"{complaint.code} {complaint.message.lower()}":
        return ProviderFailed()
    message = redact(complaint.message) or ProviderRejected().message
    details = {"provider_code": complaint.code} if complaint.code else {}
    return ProviderRejected(message, param=complaint.param, details=details)
