"""Providers' errors as ours, and ours as clients of this wire expect them."""

from typing import Any

import msgspec
import pytest

from tallygate import errors
from tallygate.dialects.anthropic_messages.errors import read_error, read_failure, write_error
from tallygate.errors import TallygateError


def body(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})


@pytest.mark.parametrize(
    ("status", "kind", "message", "ours"),
    [
        (400, "invalid_request_error", "max_tokens: too large", errors.ProviderRejected),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", errors.ProviderRefusedUs),
        (401, "authentication_error", "invalid x-api-key", errors.ProviderRefusedUs),
        (402, "billing_error", "Pay first.", errors.ProviderRefusedUs),
        (403, "permission_error", "No.", errors.ProviderForbidsUs),
        (404, "not_found_error", "model: claude-none", errors.ProviderRejected),
        (404, "not_found_error", "Not found", errors.ProviderFailed),
        (413, "request_too_large", "Too large.", errors.PayloadTooLarge),
        (429, "rate_limit_error", "Slower.", errors.ProviderOverloaded),
        (500, "api_error", "Oops.", errors.ProviderFailed),
        (504, "timeout_error", "Late.", errors.ProviderTimeout),
        (529, "overloaded_error", "Overloaded", errors.ProviderOverloaded),
    ],
)
def test_whose_fault_it_is_does_not_depend_on_where_it_is_said(
    status: int, kind: str, message: str, ours: type[TallygateError]
) -> None:
    said = body(kind, message)
    assert type(read_error(status, said, "7")) is ours
    # The same in an answer that began with status 200, where only the words tell.
    assert type(read_failure(msgspec.json.decode(said))) is ours


def test_a_provider_that_limits_us_says_when_to_come_back() -> None:
    assert read_error(429, body("rate_limit_error", "Slower."), "7").retry_after_s == 7


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.InvalidValue(), 400, "invalid_request_error"),
        (errors.UnsupportedParameter(), 400, "invalid_request_error"),
        (errors.InvalidApiKey(), 401, "authentication_error"),
        (errors.PermissionDenied(), 403, "permission_error"),
        (errors.ModelAccessDenied(), 403, "permission_error"),
        (errors.ModelNotFound(), 404, "not_found_error"),
        (errors.Conflict(), 409, "invalid_request_error"),
        (errors.PayloadTooLarge(), 413, "request_too_large"),
        (errors.ProviderFailed(), 502, "api_error"),
        (errors.ProviderOverloaded(), 529, "overloaded_error"),
        (errors.NoTarget(), 503, "overloaded_error"),
        (errors.ProviderTimeout(), 504, "timeout_error"),
        (errors.InternalError(), 500, "api_error"),
        (errors.StoreUnavailable(), 503, "api_error"),
    ],
)
def test_our_errors(error: TallygateError, status: int, kind: str) -> None:
    rendered = write_error(error, "req_7")
    told: dict[str, Any] = msgspec.json.decode(rendered.body)
    assert rendered.status == status
    assert told == {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": "req_7"}


def test_a_refused_thread_is_told_so_that_clients_go_on_without_one() -> None:
    written = write_error(errors.UnsupportedParameter("No threads.", param="thread"), "req_1")
    told = msgspec.json.decode(written.body)["error"]
    assert told["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    other = write_error(errors.UnsupportedParameter("No stop.", param="stop"), "req_1")
    assert "details" not in msgspec.json.decode(other.body)["error"]
