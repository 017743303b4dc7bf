"""Errors, both ways: what a provider's error means to us, and ours as a client of this wire expects them.

Source: platform.openai.com/docs/guides/error-codes; the other shapes are those of ai.google.dev/gemini-api/docs/openai
(a list), openrouter.ai/docs/api-reference/errors (integer codes), older vLLM, FastAPI and Ollama. A provider's words
reach a caller only if the fault is the caller's, and then redacted.
"""

import re
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from tallygate.dialects.base import Rendered
from tallygate.dialects.redaction import redact
from tallygate.dialects.retry_after import read_retry_after
from tallygate.errors import (
    InternalError,
    ModelAccessDenied,
    PayloadTooLarge,
    PermissionDenied,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefusedUs,
    ProviderRejected,
    ProviderTimeout,
    TallygateError,
    UpstreamError,
)

_CODE = re.compile(r"[a-z0-9_.]{1,64}", re.ASCII)
_PARAM = re.compile(r"[A-Za-z0-9_.\[\]-]{1,128}", re.ASCII)
_MARKUP = re.compile(r"<(?:!doctype|html|head|body|title)\b", re.IGNORECASE)
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


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A provider's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    return _judge(status, _read_complaint(value), read_retry_after(retry_after))


def read_failure(value: Any) -> TallygateError:
    """The `error` member of an answer that began with status 200. Its number, else its words, say whose fault it is."""
    complaint = _read_complaint({"error": value})
    status = complaint.number if 400 <= complaint.number <= 599 else _guess_status(f"{complaint.code} {complaint.kind}")
    return _judge(status, complaint, None)


def _guess_status(words: str) -> int:
    if not _CALLERS.isdisjoint(words.split()):
        return 400
    if any(word in words for word in ("overloaded", "rate_limit", "server_busy", "unavailable")):
        return 503
    return 504 if "timeout" in words else 502


def _judge(status: int, complaint: Complaint, retry_after_s: int | None) -> TallygateError:
    if sentence := _OUR_ACCOUNT.get(complaint.code) or _OUR_ACCOUNT.get(complaint.kind):
        return ProviderRefusedUs(sentence)
    match status:
        case 401 | 402 | 403:
            return ProviderRefusedUs(_REFUSED[status])
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
    if status == 404 and "model" not in f"{complaint.code} {complaint.message.lower()}":
        return ProviderFailed()
    message = redact(complaint.message) or ProviderRejected().message
    details = {"provider_code": complaint.code} if complaint.code else {}
    return ProviderRejected(message, param=complaint.param, details=details)


def _read_complaint(value: Any) -> Complaint:
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


# The nearest class upwards counts; what none of them covers goes by its status.
_TYPES: Final[dict[type[TallygateError], str]] = {
    PermissionDenied: "permission_denied",
    ModelAccessDenied: "permission_denied",
    UpstreamError: "server_error",
    InternalError: "server_error",
}
_TYPES_BY_STATUS: Final = {402: "insufficient_quota", 403: "permission_denied", 429: "rate_limit_exceeded"}


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error as a body of this wire, with its own status."""
    return Rendered(error.status, msgspec.json.encode({"error": error_object(error), "request_id": request_id}))


def error_object(error: TallygateError) -> dict[str, Any]:
    """The `error` member, the same in a body and in a stream.

    A provider's own code for the caller's mistake stands as `code`: programs look for `context_length_exceeded` there.
    """
    kind = next((_TYPES[cls] for cls in type(error).__mro__ if cls in _TYPES), None)
    if kind is None:
        fallback = "server_error" if error.status >= 500 else "invalid_request_error"
        kind = _TYPES_BY_STATUS.get(error.status, fallback)
    code = error.details.get("provider_code", error.code)
    return {"message": error.message, "type": kind, "param": error.param, "code": code}
