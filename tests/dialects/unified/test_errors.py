"""Errors in the surface's own codes, and what a gateway's errors mean to who asks one."""

from typing import Any

import msgspec
import pytest

from tallygate import errors
from tallygate.dialects.unified.errors import error_object, read_error, read_failure, write_error
from tallygate.errors import TallygateError


@pytest.mark.parametrize(
    ("error", "status", "code", "reason"),
    [
        (errors.InvalidJson(), 400, "VALIDATION_ERROR", "invalid_json"),
        (errors.TooDeep(), 400, "VALIDATION_ERROR", "too_deep"),
        (errors.UnsupportedParameter(), 400, "VALIDATION_ERROR", "unsupported_parameter"),
        (errors.InvalidValue(), 422, "VALIDATION_ERROR", "invalid_value"),
        (errors.MissingField(), 422, "VALIDATION_ERROR", "missing_required_parameter"),
        (errors.DuplicateKey(), 422, "VALIDATION_ERROR", "duplicate_key"),
        (errors.AmbiguousCredentials(), 400, "AMBIGUOUS_CREDENTIALS", "ambiguous_credentials"),
        (errors.ProviderRejected(), 400, "PROVIDER_REJECTED", "provider_rejected"),
        (errors.MissingApiKey(), 401, "AUTH_TOKEN_MISSING", "invalid_api_key"),
        (errors.InvalidApiKey(), 401, "AUTH_TOKEN_INVALID", "invalid_api_key"),
        (errors.InsufficientBalance(), 402, "INSUFFICIENT_BALANCE", "insufficient_balance"),
        (errors.BudgetExceeded(), 402, "BUDGET_EXCEEDED", "budget_exceeded"),
        (errors.PermissionDenied(), 403, "AUTHZ_PERMISSION_DENIED", "permission_denied"),
        (errors.ModelAccessDenied(), 403, "MODEL_ACCESS_DENIED", "model_access_denied"),
        (errors.ModelNotFound(), 404, "MODEL_NOT_FOUND", "model_not_found"),
        (errors.IdempotencyConflict(), 409, "IDEMPOTENCY_CONFLICT", "idempotency_conflict"),
        (errors.PayloadTooLarge(), 413, "PAYLOAD_TOO_LARGE", "payload_too_large"),
        (errors.ConcurrencyLimit(), 429, "RATE_LIMITED", "concurrency_limit"),
        (errors.InternalError(), 500, "INTERNAL_ERROR", "internal_error"),
        (errors.ProviderFailed(), 502, "BACKEND_ERROR", "provider_error"),
        (errors.ProviderUnreachable(), 502, "BACKEND_ERROR", "provider_unreachable"),
        (errors.StreamBroken(), 502, "BACKEND_ERROR", "stream_broken"),
        (errors.InvalidAnswer(), 502, "UPSTREAM_SHAPE_MISMATCH", "invalid_provider_answer"),
        (errors.ProviderOverloaded(), 503, "BACKEND_RATE_LIMITED", "overloaded"),
        (errors.NoTarget(), 503, "MODEL_UNAVAILABLE", "no_endpoints"),
        (errors.StoreUnavailable(), 503, "STORE_UNAVAILABLE", "store_unavailable"),
        (errors.ProviderTimeout(), 504, "BACKEND_TIMEOUT", "timeout"),
    ],
)
def test_an_error_has_its_status_and_its_code(error: TallygateError, status: int, code: str, reason: str) -> None:
    rendered = write_error(error, "req_1")
    assert rendered.status == status
    assert msgspec.json.decode(rendered.body) == {
        "status": "error",
        "error": {"code": code, "message": error.message, "metadata": {"reason": reason}},
        "meta": {"request_id": "req_1"},
    }


def test_an_error_names_its_field_its_facts_and_the_time_to_wait() -> None:
    field = error_object(errors.InvalidValue("Not so.", param="top_p"))
    assert field["details"] == [{"field": "top_p", "message": "Not so."}]
    poor = error_object(errors.InsufficientBalance(details={"needed_usd": "1.00"}))
    assert poor["metadata"] == {"reason": "insufficient_balance", "needed_usd": "1.00"}
    long = error_object(errors.ProviderRejected(details={"provider_code": "context_length_exceeded"}))
    assert long["metadata"] == {"reason": "provider_rejected", "provider_code": "context_length_exceeded"}
    busy = error_object(errors.ProviderOverloaded(retry_after_s=7))
    assert busy["retry_after"] == 7
    barred = error_object(errors.MethodNotAllowed(details={"allow": "POST"}))
    assert barred["metadata"] == {"reason": "method_not_allowed"}


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (errors.InvalidValue("`top_p` is odd.", param="top_p"), errors.ProviderRejected),
        (errors.InvalidApiKey(), errors.ProviderRefusedUs),
        (errors.BudgetExceeded(), errors.ProviderRefusedUs),
        (errors.ModelNotFound(), errors.ProviderRejected),
        (errors.ConcurrencyLimit(), errors.ProviderOverloaded),
        (errors.ProviderOverloaded(), errors.ProviderOverloaded),
        (errors.ProviderTimeout(), errors.ProviderTimeout),
        (errors.InternalError(), errors.ProviderFailed),
    ],
)
def test_a_gateways_error_means_the_same_with_its_status_and_without(
    error: TallygateError, meant: type[TallygateError]
) -> None:
    rendered = write_error(error, "req_1")
    told = read_error(rendered.status, rendered.body, "3")
    alone = read_failure(error_object(error))
    assert type(told) is type(alone) is meant
    if meant is errors.ProviderRejected:
        assert told.message == alone.message == error.message


@pytest.mark.parametrize("value", [None, [], {}, {"code": 7}, "went wrong", {"message": "x", "code": "NEVER_SEEN"}])
def test_any_failure_is_somebodys(value: Any) -> None:
    assert isinstance(read_failure(value), errors.UpstreamError)
