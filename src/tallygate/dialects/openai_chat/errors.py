"""Errors, both ways: what a provider's error means to us, and ours as a client of this wire expects them.

Source: platform.openai.com/docs/guides/error-codes. How a provider's words are judged is `complaints`' business.
"""

from typing import Any, Final

import msgspec

from tallygate.dialects.base import Rendered
from tallygate.dialects.complaints import decode_complaint, guess_status, judge, read_complaint
from tallygate.dialects.retry_after import read_retry_after
from tallygate.errors import (
    GuardrailBlocked,
    InternalError,
    ModelAccessDenied,
    PermissionDenied,
    TallygateError,
    UpstreamError,
)


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A provider's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    return judge(status, decode_complaint(body), read_retry_after(retry_after))


def read_failure(value: Any) -> TallygateError:
    """The `error` member of an answer that began with status 200. Its number, else its words, say whose fault it is."""
    complaint = read_complaint({"error": value})
    return judge(guess_status(complaint), complaint, None)


# The nearest class upwards counts; what none of them covers goes by its status.
_TYPES: Final[dict[type[TallygateError], str]] = {
    GuardrailBlocked: "content_policy",
    PermissionDenied: "permission_denied",
    ModelAccessDenied: "permission_denied",
    UpstreamError: "server_error",
    InternalError: "server_error",
}
_ELSEWHERE: Final = frozenset({"provider_code", "allow"})
"""Details that stand as `code` or as a header, and so not once more as metadata."""
_TYPES_BY_STATUS: Final = {402: "insufficient_quota", 403: "permission_denied", 429: "rate_limit_exceeded"}


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error as a body of this wire, with its own status."""
    return Rendered(error.status, msgspec.json.encode({"error": error_object(error), "request_id": request_id}))


def error_object(error: TallygateError) -> dict[str, Any]:
    """The `error` member, the same in a body and in a stream.

    A provider's own code for the caller's mistake stands as `code`: programs look for `context_length_exceeded` there.
    Plain facts, such as what a call would have needed, stand under `metadata`, as OpenRouter has it on the same wire.
    """
    kind = next((_TYPES[cls] for cls in type(error).__mro__ if cls in _TYPES), None)
    if kind is None:
        fallback = "server_error" if error.status >= 500 else "invalid_request_error"
        kind = _TYPES_BY_STATUS.get(error.status, fallback)
    code = error.details.get("provider_code", error.code)
    told = {"message": error.message, "type": kind, "param": error.param, "code": code}
    facts = {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}
    return {**told, "metadata": facts} if facts else told
