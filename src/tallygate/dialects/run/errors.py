"""Errors of this surface, both ways: one word in capitals for who is at fault, and a sentence.

What befalls a call behind the gateway has the words of the surface this one is modelled on; everything else has the
gateway's own code in capitals. docs/reference/run.md has the table. How a provider's words are judged is `complaints`'
business.
"""

from typing import Any, Final

import msgspec

from tallygate import errors
from tallygate.dialects.base import Rendered
from tallygate.dialects.complaints import decode_complaint, guess_status, judge, read_complaint
from tallygate.dialects.policy import REASON
from tallygate.dialects.retry_after import read_retry_after
from tallygate.errors import TallygateError

NOBODY: Final = "NO_COMPATIBLE_COMPUTE"
_UNKNOWN: Final = "UNKNOWN"
_FIELD_AT_FAULT: Final = 422
_UNAVAILABLE: Final = 503

_CODES: Final[dict[type[TallygateError], str]] = {
    errors.NoTarget: NOBODY,
    errors.NothingFits: NOBODY,
    errors.ConcurrencyLimit: "RATE_LIMIT",
    errors.RateLimited: "RATE_LIMIT",
    errors.RateTooSmall: "RATE_LIMIT",
    errors.ProviderOverloaded: "RATE_LIMIT",
    errors.ProviderTimeout: "TIMEOUT",
    errors.ProviderUnreachable: "COMPUTE_MISSING_ENDPOINT",
    errors.StreamBroken: "STREAM_ERROR",
    errors.UpstreamError: "PROVIDER_ERROR",
}
"""The nearest class upwards counts. What is not here has its own code in capitals."""

_STATUSES: Final[dict[type[TallygateError], int]] = {
    errors.NoTarget: _FIELD_AT_FAULT,
    errors.NothingFits: _FIELD_AT_FAULT,
    errors.InvalidValue: _FIELD_AT_FAULT,
    errors.MissingField: _FIELD_AT_FAULT,
    errors.InvalidString: _FIELD_AT_FAULT,
    errors.DuplicateKey: _FIELD_AT_FAULT,
    errors.UpstreamError: _UNAVAILABLE,
}
"""The same. What is not here has its own status."""

_REASONS: Final = {
    "allowed_providers": "NO_RUNTIME_MATCH",
    "require_parameters": "NO_RUNTIME_MATCH",
    "data_policy": "NO_RUNTIME_MATCH",
    "data_region": "REGION_NOT_ALLOWED",
    "latency": "LATENCY_BUDGET_EXCEEDED",
    "max_price": "COST_BUDGET_EXCEEDED",
}
"""Why a policy leaves nobody, by the wish that left somebody out."""

_ELSEWHERE: Final = frozenset({"allow", REASON})
"""Details that stand in a header, or as the code."""


def name_error(error: TallygateError) -> str:
    """The code of an error: the reason for which a policy is refused, else that of its kind."""
    reason = error.details.get(REASON)
    return reason if isinstance(reason, str) else name_kind(type(error))


def name_kind(kind: type[TallygateError]) -> str:
    """The code of a kind of error."""
    if kind.code == errors.InternalError.code:
        return _UNKNOWN
    return next((_CODES[cls] for cls in kind.__mro__ if cls in _CODES), kind.code.upper())


def name_code(code: str) -> str:
    """The code here for one of the gateway's own, of which only the name is left."""
    return _BY_CODE.get(code, _UNKNOWN)


def find_status(kind: type[TallygateError]) -> int:
    """The HTTP status of a kind of error."""
    return next((_STATUSES[cls] for cls in kind.__mro__ if cls in _STATUSES), kind.status)


def write_error(error: TallygateError, run_id: str, request_id: str) -> Rendered:
    """The error of a run. One that was sent to nobody has no receipt: its `run_id` is the request's id."""
    told: dict[str, Any] = {
        "success": False,
        "run_id": run_id,
        "request_id": request_id,
        "error": error.message,
        "error_code": name_error(error),
    }
    if error.param is not None:
        told["param"] = error.param
    if reasons := _list_reasons(error):
        told["reasons"] = reasons
    if facts := {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}:
        told["metadata"] = facts
    return Rendered(find_status(type(error)), msgspec.json.encode(told))


def _list_reasons(error: TallygateError) -> list[str]:
    """Why nobody may serve the run: each reason once."""
    if isinstance(error, errors.NoTarget):
        return ["COMPUTE_NOT_HEALTHY"]
    causes = error.details.get("excluded_by", ())
    return [] if isinstance(causes, int | str) else list(dict.fromkeys(map(_REASONS.__getitem__, causes)))


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A gateway's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    return judge(status, decode_complaint(body), read_retry_after(retry_after))


def read_failure(told: dict[str, Any]) -> TallygateError:
    """The error that an answer, or a frame, tells of. Its code, else its words, say whose fault it is."""
    code, sentence = told.get("error_code"), told.get("error")
    complaint = read_complaint(
        {"error": {"message": sentence, "code": code} if isinstance(sentence, str) else sentence}
    )
    known = _STATUS_OF.get(code) if isinstance(code, str) else None
    return judge(known or guess_status(complaint), complaint, None)


def _descend(kind: type[TallygateError]) -> list[type[TallygateError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _descend(child))]


_KINDS: Final = _descend(TallygateError)
_BY_CODE: Final = {kind.code: name_kind(kind) for kind in reversed(_KINDS)}
_STATUS_OF: Final = {name_kind(kind): find_status(kind) for kind in reversed(_KINDS)}
