"""Errors: the status as a number, the kind for every interface, our own code beside it, and who could not serve."""

from typing import Any

import msgspec
import pytest

from tallygate import errors
from tallygate.dialects.openrouter.errors import error_object, read_error, write_error
from tallygate.errors import TallygateError

STATUSES = {400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529}
"""Those that clients have a class of error for."""

TABLE = [
    (errors.InvalidJson(), 400, "invalid_request"),
    (errors.InvalidValue(), 400, "invalid_request"),
    (errors.MissingField(), 400, "invalid_request"),
    (errors.UnsupportedParameter(), 400, "invalid_request"),
    (errors.ProviderRejected(), 400, "invalid_request"),
    (errors.MissingApiKey(), 401, "authentication"),
    (errors.InvalidApiKey(), 401, "authentication"),
    (errors.InsufficientBalance(), 402, "payment_required"),
    (errors.BudgetExceeded(), 402, "payment_required"),
    (errors.PermissionDenied(), 403, "permission_denied"),
    (errors.ModelAccessDenied(), 403, "permission_denied"),
    (errors.Unpriced(), 403, "permission_denied"),
    (errors.NotFound(), 404, "not_found"),
    (errors.ModelNotFound(), 404, "not_found"),
    (errors.NothingFits(), 404, "not_found"),
    (errors.RequestTimeout(), 408, "timeout"),
    (errors.PayloadTooLarge(), 413, "payload_too_large"),
    (errors.DuplicateKey(), 422, "unprocessable"),
    (errors.InvalidString(), 422, "unprocessable"),
    (errors.ConcurrencyLimit(), 429, "rate_limit_exceeded"),
    (errors.InternalError(), 500, "server"),
    (errors.ProviderFailed(), 502, "provider_unavailable"),
    (errors.ProviderUnreachable(), 502, "provider_unavailable"),
    (errors.InvalidAnswer(), 502, "provider_unavailable"),
    (errors.StreamBroken(), 502, "provider_unavailable"),
    (errors.NoTarget(), 503, "provider_unavailable"),
    (errors.StoreUnavailable(), 503, "server"),
    (errors.ProviderTimeout(), 524, "timeout"),
    (errors.ProviderOverloaded(), 529, "provider_overloaded"),
    (errors.MethodNotAllowed(), 405, "invalid_request"),
    (errors.IdempotencyConflict(), 409, "invalid_request"),
]


@pytest.mark.parametrize(("error", "status", "kind"), TABLE, ids=lambda value: type(value).__name__)
def test_an_error_has_its_number_and_its_kind(error: TallygateError, status: int, kind: str) -> None:
    rendered = write_error(error, "req_1")
    told = msgspec.json.decode(rendered.body)["error"]
    assert (rendered.status, told["code"], told["message"]) == (status, status, error.message)
    assert told["metadata"] == {"error_type": kind, "reason": error.code, "request_id": "req_1"}


def test_every_status_that_clients_know_has_a_cause() -> None:
    assert {status for _, status, _ in TABLE} >= STATUSES


def test_a_block_names_its_guardrail_and_nothing_that_was_flagged() -> None:
    told = error_object(errors.GuardrailBlocked(details={"stage": "input", "guardrail": "people"}), "")
    assert told["metadata"] == {
        "error_type": "content_policy_violation",
        "reason": "guardrail_blocked",
        "stage": "input",
        "guardrail": "people",
        "reasons": ["people"],
        "flagged_input": "",
    }


def test_an_error_names_its_field_and_its_facts() -> None:
    field = error_object(errors.InvalidValue("Not so.", param="top_p"), "")
    assert field["metadata"] == {"error_type": "invalid_request", "reason": "invalid_value", "param": "top_p"}
    poor = error_object(errors.InsufficientBalance(details={"needed_usd": "1.00"}), "")
    assert poor["metadata"]["needed_usd"] == "1.00"
    barred = error_object(errors.MethodNotAllowed(details={"allow": "POST"}), "")
    assert "allow" not in barred["metadata"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", "context_length_exceeded"),
        ("invalid_image", "invalid_image"),
        ("odd", "invalid_request"),
    ],
)
def test_a_providers_own_code_is_a_kind_where_there_is_one(code: str, kind: str) -> None:
    told = error_object(errors.ProviderRejected("No.", details={"provider_code": code}), "")
    assert (told["metadata"]["error_type"], told["metadata"]["provider_code"]) == (kind, code)


@pytest.mark.parametrize("kind", [errors.InternalError, errors.StoreUnavailable])
def test_of_our_own_faults_no_facts_are_told(kind: type[TallygateError]) -> None:
    told = error_object(kind("Broken.", param="x", details={"path": "/etc", "provider_code": "y"}), "req_1")
    assert told["metadata"] == {"error_type": "server", "reason": kind.code, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("error", "availability"),
    [
        (
            errors.NothingFits(
                "Nobody.",
                details={
                    "requested_models": ("m",),
                    "affected_providers": ("den", "lab"),
                    "excluded_by": ("max_price", "require_parameters"),
                },
            ),
            {
                "code": "constraint_filtered",
                "retryable": False,
                "requested_models": ["m"],
                "affected_providers": ["den", "lab"],
                "excluded_by": ["max_price", "require_parameters"],
                "constraint": {"field": "provider.max_price", "detail": "Nobody."},
            },
        ),
        (
            errors.NothingFits("Nobody.", details={"excluded_by": ("data_policy",)}),
            {
                "code": "privacy_restricted",
                "retryable": False,
                "excluded_by": ["data_policy:zdr"],
                "constraint": {"field": "provider.zdr", "detail": "Nobody."},
            },
        ),
        (
            errors.NoTarget(details={"requested_models": ("m",)}),
            {"code": "temporarily_unavailable", "retryable": True, "retry_after": 1, "requested_models": ["m"]},
        ),
        (
            errors.ProviderOverloaded(retry_after_s=7),
            {"code": "capacity_exhausted", "retryable": True, "retry_after": 7},
        ),
        (errors.ModelNotFound(), {"code": "model_not_found", "retryable": False}),
    ],
)
def test_who_could_not_serve_and_why(error: TallygateError, availability: dict[str, Any]) -> None:
    told = msgspec.json.decode(write_error(error, "").body)["error"]
    assert told["availability"] == availability
    assert told["metadata"].keys() <= {"error_type", "reason"}


def test_other_errors_are_not_about_that() -> None:
    assert all("availability" not in error_object(kind(), "") for kind in (errors.InvalidValue, errors.ProviderTimeout))


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (errors.InvalidValue("`top_p` is odd."), errors.ProviderRejected),
        (errors.InvalidApiKey(), errors.ProviderRefusedUs),
        (errors.PayloadTooLarge(), errors.PayloadTooLarge),
        (errors.ConcurrencyLimit(), errors.ProviderOverloaded),
        (errors.ProviderOverloaded(), errors.ProviderOverloaded),
        (errors.ProviderTimeout(), errors.ProviderTimeout),
        (errors.InternalError(), errors.ProviderFailed),
    ],
)
def test_a_gateways_error_means_the_same_to_who_asks_one(error: TallygateError, meant: type[TallygateError]) -> None:
    rendered = write_error(error, "req_1")
    assert type(read_error(rendered.status, rendered.body, "3")) is meant
