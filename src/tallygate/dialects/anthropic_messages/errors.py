"""Errors, both ways: what a provider's error means to us, and ours as a client of this wire expects them.

Source: platform.claude.com/docs/en/api/errors. How a provider's words are judged is `complaints`' business.
"""

from typing import Any, Final

import msgspec

from tallygate.dialects.anthropic_messages.peek import THREAD
from tallygate.dialects.base import Rendered
from tallygate.dialects.complaints import decode_complaint, guess_status, judge, read_complaint
from tallygate.dialects.retry_after import read_retry_after
from tallygate.errors import NoTarget, ProviderOverloaded, TallygateError, UnsupportedParameter

_OVERLOADED: Final = 529
"""The status of this wire for a provider that is overloaded."""

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    524: "timeout_error",
}

_NO_THREAD: Final = {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}
"""What tells the vendor's clients to send the whole conversation instead (…/build-with-claude/message-threads)."""


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A provider's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    return judge(status, decode_complaint(body), read_retry_after(retry_after))


def read_failure(value: Any) -> TallygateError:
    """An error object that came with status 200: the data of an `error` event, or a whole answer of type `error`."""
    complaint = read_complaint(value)
    return judge(guess_status(complaint), complaint, None)


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error as a body of this wire. An overloaded provider has a status of its own here."""
    status = _OVERLOADED if isinstance(error, ProviderOverloaded) else error.status
    return Rendered(status, msgspec.json.encode({**error_object(error), "request_id": request_id}))


def error_object(error: TallygateError) -> dict[str, Any]:
    """The error, the same in a body and in a stream. There is no place for a field's path: the sentence names it."""
    told: dict[str, Any] = {"type": _name_type(error), "message": error.message}
    if isinstance(error, UnsupportedParameter) and error.param == THREAD:
        told["details"] = _NO_THREAD
    return {"type": "error", "error": told}


def _name_type(error: TallygateError) -> str:
    if isinstance(error, ProviderOverloaded | NoTarget):
        return "overloaded_error"
    return _TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
