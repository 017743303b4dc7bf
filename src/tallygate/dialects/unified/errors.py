"""Errors of this surface, both ways: its own codes in capitals, and the gateway's own code beside them as `reason`.

Where inference services have a code for something it is theirs; where they have none it is ours in their spelling. The
codes are told in docs/reference/inference.md. How a provider's words are judged is `complaints`' business.
"""

from collections.abc import Iterator
from typing import Any, Final

from tallygate import errors
from tallygate.dialects.base import Rendered
from tallygate.dialects.complaints import decode_complaint, guess_status, judge, read_complaint
from tallygate.dialects.retry_after import read_retry_after
from tallygate.dialects.unified.envelope import enclose_error, tell_error
from tallygate.errors import TallygateError

_INVALID: Final = "VALIDATION_ERROR"

_CODES: Final[dict[type[TallygateError], str]] = {
    errors.InvalidJson: _INVALID,
    errors.InvalidEncoding: _INVALID,
    errors.InvalidString: _INVALID,
    errors.DuplicateKey: _INVALID,
    errors.TooDeep: _INVALID,
    errors.TooLarge: _INVALID,
    errors.InvalidValue: _INVALID,
    errors.MissingField: _INVALID,
    errors.UnsupportedParameter: _INVALID,
    errors.MissingApiKey: "AUTH_TOKEN_MISSING",
    errors.InvalidApiKey: "AUTH_TOKEN_INVALID",
    errors.PermissionDenied: "AUTHZ_PERMISSION_DENIED",
    errors.ConcurrencyLimit: "RATE_LIMITED",
    errors.RateLimited: "RATE_LIMITED",
    errors.RateTooSmall: "RATE_LIMITED",
    errors.UpstreamError: "BACKEND_ERROR",
    errors.InvalidAnswer: "UPSTREAM_SHAPE_MISMATCH",
    errors.ProviderOverloaded: "BACKEND_RATE_LIMITED",
    errors.NoTarget: "MODEL_UNAVAILABLE",
    errors.ProviderTimeout: "BACKEND_TIMEOUT",
}
"""The nearest class upwards counts. What is not here has its own code in capitals."""

_FIELD_AT_FAULT: Final = 422
_FIELDS: Final = (errors.InvalidValue, errors.MissingField, errors.InvalidString, errors.DuplicateKey)
"""The body could be read, but a field of it holds what it may not."""

_ELSEWHERE: Final = frozenset({"allow"})
"""Details that stand in a header."""


def find_code(kind: type[TallygateError]) -> str:
    """The code of a kind of error."""
    return next((_CODES[cls] for cls in kind.__mro__ if cls in _CODES), kind.code.upper())


def find_status(kind: type[TallygateError]) -> int:
    """The HTTP status of a kind of error."""
    return _FIELD_AT_FAULT if issubclass(kind, _FIELDS) else kind.status


def write_error(error: TallygateError, request_id: str) -> Rendered:
    """The error in the envelope."""
    return Rendered(find_status(type(error)), enclose_error(error_object(error), request_id))


def error_object(error: TallygateError) -> dict[str, Any]:
    """The error, the same in an envelope and in a stream."""
    facts = {name: fact for name, fact in error.details.items() if name not in _ELSEWHERE}
    return tell_error(error, find_code(type(error)), {"reason": error.code, **facts})


def read_error(status: int, body: bytes, retry_after: str | None) -> TallygateError:
    """A gateway's answer with an error status, as one of our errors. Never raises, whatever the body is."""
    return judge(status, decode_complaint(body), read_retry_after(retry_after))


def read_failure(value: Any) -> TallygateError:
    """An error object that came without a status of its own. Its code, else its words, say whose fault it is."""
    complaint = read_complaint({"error": value})
    return judge(_STATUSES.get(complaint.code.upper()) or guess_status(complaint), complaint, None)


def _descend(kind: type[TallygateError]) -> Iterator[type[TallygateError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _descend(below)


_STATUSES: Final = {find_code(kind): find_status(kind) for kind in _descend(TallygateError)}
