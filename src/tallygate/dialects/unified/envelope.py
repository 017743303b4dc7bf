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
    told: dict[str, Any] = {"code": error.details.get("provider_code", error.code), "message": error.message}
    if error.param is not None:
        told["details"] = [{"field": error.param, "message": error.message}]
    if facts := {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}:
        told["metadata"] = facts
    if error.retry_after_s is not None:
        told["retry_after"] = error.retry_after_s
    body = {"status": "error", "error": told, "meta": {"request_id": request_id}}
    return Rendered(error.status, msgspec.json.encode(body))
