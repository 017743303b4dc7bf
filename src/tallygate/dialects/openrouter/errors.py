"""Errors of this wire, both ways: an integer `code`, which is the status, and under `metadata` a kind from one list for
every interface (openrouter.ai/docs/api-reference/errors). The gateway's own code stands beside it as `reason`.

How a provider's words are judged is `complaints`' business.
"""

from typing import Any, Final

import msgspec

from tallygate import errors
from tallygate.dialects.base import Rendered
from tallygate.dialects.complaints import decode_complaint, judge
from tallygate.dialects.openrouter.availability import tell_availability
from tallygate.dialects.retry_after import read_retry_after
from tallygate.errors import TallygateError

_STATUSES: Final[dict[type[TallygateError], int]] = {
    errors.DuplicateKey: 422,
    errors.InvalidString: 422,
    errors.ProviderTimeout: 524,
    errors.ProviderOverloaded: 529,
}
"""The nearest class upwards counts. What is not here has the status that it has everywhere."""

_KINDS: Final = {
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    524: "timeout",
    529: "provider_overloaded",
}
_CALLERS: Final = "invalid_request"
_OURS: Final = "server"
_NO_PROVIDER: Final = "provider_unavailable"
_POLICY: Final = "content_policy_violation"

_PROVIDERS_KINDS: Final = frozenset({
    "content_policy_violation", "context_length_exceeded", "image_download_failed", "image_too_large",
    "image_too_small", "invalid_image", "invalid_prompt", "max_tokens_exceeded", "refusal", "string_too_long",
    "token_limit_exceeded", "unsupported_image_format",
})  # fmt: skip
"""Codes in which a provider says what of the request is wrong, and which are kinds here too."""

_ELSEWHERE: Final = frozenset({"allow", "excluded_by", "affected_providers", "requested_models"})
"""Details that stand in a header, or in what is told of availability."""


def find_status(error: TallygateError) -> int:
    """The HTTP status of an error."""
    return next((_STATUSES[cls] for cls in type(error).__mro__ if cls in _STATUSES), error.status)


def find_kind(error: TallygateError) -> str:
    """The kind of an error."""
    if isinstance(error, errors.InternalError):
        return _OURS
    if isinstance(error, errors.NoTarget):
        return _NO_PROVIDER
    if isinstance(error, errors.GuardrailBlocked):
        return _POLICY
    provider_code = error.details.get("provider_code")
    if provider_code in _PROVIDERS_KINDS:
        return str(provider_code)
    return _KINDS.get(find_status(error), _CALLERS)


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error as a body of this wire."""
    return Rendered(find_status(error), msgspec.json.encode({"error": error_object(error, request_id)}))


def error_object(error: TallygateError, request_id: str) -> dict[str, Any]:
    """The `error` member, the same in a body and in a stream. Of our own faults it tells no facts."""
    facts: dict[str, Any] = {"error_type": find_kind(error), "reason": error.code}
    if request_id:
        facts["request_id"] = request_id
    if not isinstance(error, errors.InternalError):
        facts |= {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}
        if isinstance(error, errors.GuardrailBlocked):
            # What clients of this wire look for; of what was flagged nothing is shown.
            facts |= {"reasons": [error.details.get("guardrail", "")], "flagged_input": ""}
        if error.param is not None:
            facts["param"] = error.param
    told: dict[str, Any] = {"code": find_status(error), "message": error.message, "metadata": facts}
    availability = tell_availability(error)
    return told if availability is None else {**told, "availability": availability}


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A gateway's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    return judge(status, decode_complaint(body), read_retry_after(retry_after))
