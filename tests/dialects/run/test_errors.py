"""Errors of runs: each has its status and its code, and says why nobody may serve a run."""

from typing import Any

import msgspec
import pytest

from tallygate import errors
from tallygate.dialects.policy import REASON
from tallygate.dialects.run.errors import name_code, read_error, read_failure, write_error
from tallygate.errors import TallygateError


def told(error: TallygateError) -> tuple[int, dict[str, Any]]:
    rendered = write_error(error, "call_1", "req_1")
    return rendered.status, msgspec.json.decode(rendered.body)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.NoTarget(), 422, "NO_COMPATIBLE_COMPUTE"),
        (errors.NothingFits(), 422, "NO_COMPATIBLE_COMPUTE"),
        (errors.InvalidValue(), 422, "INVALID_VALUE"),
        (errors.MissingField(), 422, "MISSING_REQUIRED_PARAMETER"),
        (errors.InvalidString(), 422, "INVALID_STRING"),
        (errors.DuplicateKey(), 422, "DUPLICATE_KEY"),
        (errors.InvalidJson(), 400, "INVALID_JSON"),
        (errors.UnsupportedParameter(), 400, "UNSUPPORTED_PARAMETER"),
        (errors.ProviderRejected(), 400, "PROVIDER_REJECTED"),
        (errors.InvalidApiKey(), 401, "INVALID_API_KEY"),
        (errors.MissingApiKey(), 401, "INVALID_API_KEY"),
        (errors.InsufficientBalance(), 402, "INSUFFICIENT_BALANCE"),
        (errors.BudgetExceeded(), 402, "BUDGET_EXCEEDED"),
        (errors.PermissionDenied(), 403, "PERMISSION_DENIED"),
        (errors.ModelAccessDenied(), 403, "MODEL_ACCESS_DENIED"),
        (errors.ModelNotFound(), 404, "MODEL_NOT_FOUND"),
        (errors.IdempotencyConflict(), 409, "IDEMPOTENCY_CONFLICT"),
        (errors.ConcurrencyLimit(), 429, "RATE_LIMIT"),
        (errors.ProviderOverloaded(), 503, "RATE_LIMIT"),
        (errors.ProviderFailed(), 503, "PROVIDER_ERROR"),
        (errors.ProviderRefusedUs(), 503, "PROVIDER_ERROR"),
        (errors.InvalidAnswer(), 503, "PROVIDER_ERROR"),
        (errors.ProviderUnreachable(), 503, "COMPUTE_MISSING_ENDPOINT"),
        (errors.ProviderTimeout(), 503, "TIMEOUT"),
        (errors.StreamBroken(), 503, "STREAM_ERROR"),
        (errors.InternalError(), 500, "UNKNOWN"),
        (errors.StoreUnavailable(), 503, "STORE_UNAVAILABLE"),
        (errors.SettlementUnknown(), 503, "SETTLEMENT_UNKNOWN"),
    ],
)
def test_an_error_has_its_status_and_its_code(error: TallygateError, status: int, code: str) -> None:
    found, body = told(error)
    assert (found, body["error_code"]) == (status, code)
    assert (body["success"], body["run_id"], body["request_id"], body["error"]) == (
        False,
        "call_1",
        "req_1",
        error.message,
    )
    assert name_code(error.code) == code


def test_a_policy_that_is_refused_has_its_reason_as_the_code() -> None:
    error = errors.InvalidValue("No.", param="policy.cost", details={REASON: "INVALID_POLICY"})
    status, body = told(error)
    assert (status, body["error_code"], body["param"]) == (422, "INVALID_POLICY", "policy.cost")
    assert "metadata" not in body


def test_why_nobody_fits() -> None:
    causes = ("allowed_providers", "max_price", "data_region", "data_policy", "latency", "require_parameters")
    _, body = told(errors.NothingFits(details={"excluded_by": causes}))
    assert body["reasons"] == [
        "NO_RUNTIME_MATCH",
        "COST_BUDGET_EXCEEDED",
        "REGION_NOT_ALLOWED",
        "LATENCY_BUDGET_EXCEEDED",
    ]
    assert told(errors.NoTarget())[1]["reasons"] == ["COMPUTE_NOT_HEALTHY"]
    assert "reasons" not in told(errors.ProviderFailed())[1]


def test_facts_are_told() -> None:
    assert told(errors.InsufficientBalance(details={"needed_usd": "1.00"}))[1]["metadata"] == {"needed_usd": "1.00"}


def test_an_unknown_code_is_unknown() -> None:
    assert name_code("from_long_ago") == "UNKNOWN"


def test_what_another_gateway_means() -> None:
    assert isinstance(read_error(503, b'{"success":false,"error":"x"}', "7"), errors.ProviderOverloaded)
    assert isinstance(read_failure({"error": "x", "error_code": "TIMEOUT"}), errors.UpstreamError)
    assert isinstance(read_failure({"error": {"message": "x"}}), errors.UpstreamError)
