"""The envelope: `{"status": "ok", "data": …, "meta": {"request_id": …}}`, and the same with an `error` instead of data.

Its shape is that of native surfaces of inference services (docs/reference/http.md, The envelope). What is put inside
belongs to the door that puts it there.
"""

from typing import Any

import msgspec

from tallygate.dialects.base import Rendered
from tallygate.errors import TallygateError

_ELSEWHERE = frozenset({"provider_code", "allow"})
"""Details that stand as `code` or as a header, and so not once more as metadata."""


def write_answer(data: object, request_id: str, meta: dict[str, Any] | None = None) -> bytes:
    """What a call came to. `meta` says more about the answer itself: where a list goes on, what it covers."""
    return msgspec.json.encode({"status": "ok", "data": data, "meta": {"request_id": request_id, **(meta or {})}})


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error in the envelope, with its own status.

    `details` names the field at fault, `metadata` holds plain facts such as what a call would have needed.
    """
    facts = {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}
    told = tell_error(error, str(error.details.get("provider_code", error.code)), facts)
    return Rendered(error.status, enclose_error(told, request_id))


def tell_error(error: TallygateError, code: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The `error` member: the code, the sentence, the field at fault if one is, the facts if there are any."""
    told: dict[str, Any] = {"code": code, "message": error.message}
    if error.param is not None:
        told["details"] = [{"field": error.param, "message": error.message}]
    if facts:
        told["metadata"] = facts
    if error.retry_after_s is not None:
        told["retry_after"] = error.retry_after_s
    return told


def enclose_error(told: dict[str, Any], request_id: str) -> bytes:
    """The envelope around an `error` member."""
    return msgspec.json.encode({"status": "error", "error": told, "meta": {"request_id": request_id}})
