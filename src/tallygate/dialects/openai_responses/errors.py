"""Errors on this wire: bodies as on the vendor's other one, and the two events that end a stream in an error.

Source: developers.openai.com/api/docs/guides/error-codes and /api/reference/responses (streaming events). Some clients
heed only `error`, in the older flat shape or in the newer one; others only `response.failed`: so all are told.
"""

from typing import Any, Final

from tallygate.dialects.openai_chat.errors import error_object, read_error, read_failure, write_error
from tallygate.errors import ProviderOverloaded, RequestError, TallygateError

# The reference lists which codes a failed answer may have; there is one for load, one for the caller, one for the rest.
_OVERLOADED: Final = "rate_limit_exceeded"
_CALLERS: Final = "invalid_prompt"
_OTHERS: Final = "server_error"


def error_event(error: TallygateError, request_id: str) -> dict[str, Any]:
    """The event `error`, without its number."""
    told = error_object(error)
    named = {"request_id": request_id} if request_id else {}
    flat = {name: told[name] for name in ("code", "message", "param")}
    return {"type": "error", **flat, "error": told, **named}


def failed_error(error: TallygateError) -> dict[str, Any]:
    """The `error` member of an answer that failed."""
    code = _CALLERS if isinstance(error, RequestError) else _OTHERS
    return {"code": _OVERLOADED if isinstance(error, ProviderOverloaded) else code, "message": error.message}


__all__ = ["error_event", "failed_error", "read_error", "read_failure", "write_error"]
