"""Why nobody could serve a call, for programs: the member `availability` of an error
(openrouter.ai/docs/api-reference/errors).
"""

from typing import Any, Final

from tallygate.errors import Fact, ModelNotFound, NoTarget, NothingFits, ProviderOverloaded, TallygateError

_PRIVACY: Final = "data_policy"
_CAUSES: Final = {_PRIVACY: "data_policy:zdr"}
"""Causes that have another name on this wire."""

_FIELDS: Final = {
    "allowed_providers": "provider.only",
    "max_price": "provider.max_price",
    "data_policy": "provider.zdr",
    "require_parameters": "provider.require_parameters",
}
"""Which member of a request shuts providers out for a cause."""

_WAIT_S: Final = 1


def tell_availability(error: TallygateError) -> dict[str, Any] | None:
    """What is told of an error that is about who could serve the call; None for every other."""
    code = _find_code(error)
    if code is None:
        return None
    retryable = isinstance(error, NoTarget | ProviderOverloaded)
    told: dict[str, Any] = {"code": code, "retryable": retryable}
    if retryable:
        told["retry_after"] = error.retry_after_s or _WAIT_S
    for name in ("requested_models", "affected_providers"):
        if name in error.details:
            told[name] = error.details[name]
    causes = _list_causes(error)
    if causes:
        told["excluded_by"] = [_CAUSES.get(cause, cause) for cause in causes]
        if field := _FIELDS.get(causes[0]):
            told["constraint"] = {"field": field, "detail": error.message}
    return told


def _find_code(error: TallygateError) -> str | None:
    match error:
        case ModelNotFound():
            return "model_not_found"
        case NothingFits():
            return "privacy_restricted" if _list_causes(error) == [_PRIVACY] else error.code
        case NoTarget():
            return "temporarily_unavailable"
        case ProviderOverloaded():
            return "capacity_exhausted"
        case _:
            return None


def _list_causes(error: TallygateError) -> list[str]:
    told: Fact = error.details.get("excluded_by", ())
    return list(told) if isinstance(told, tuple) else []
