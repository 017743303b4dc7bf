"""Providers' errors as ours, and ours as clients of this wire expect them."""

from typing import Any

import msgspec
import pytest

from tallygate import errors
from tallygate.dialects.openai_chat.errors import read_error, read_failure, write_error
from tallygate.errors import (
    PayloadTooLarge,
    ProviderFailed,
    ProviderForbidsUs,
    ProviderOverloaded,
    ProviderRefusedUs,
    ProviderRejected,
    ProviderTimeout,
    TallygateError,
)


def body(message: str = "It is wrong.", **members: Any) -> bytes:
    return msgspec.json.encode({"error": {"message": message, **members}})


HTML = b"<html><head><title>502</title></head><body>sk-secret</body></html>"
SHAPES = [body(), b"", HTML, b"null", b"[]", b"[" * 9_999, b'{"error":{"error":{"error":1}}}', b"\xff", b'{"error":7}']


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ProviderRefusedUs),
        (402, ProviderRefusedUs),
        (403, ProviderForbidsUs),
        (413, PayloadTooLarge),
        (408, ProviderTimeout),
        (504, ProviderTimeout),
        (524, ProviderTimeout),
        (429, ProviderOverloaded),
        (503, ProviderOverloaded),
        (529, ProviderOverloaded),
        (500, ProviderFailed),
        (502, ProviderFailed),
        (520, ProviderFailed),
        (301, ProviderFailed),
        (304, ProviderFailed),
        (405, ProviderFailed),
        (409, ProviderFailed),
        (418, ProviderFailed),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_these_statuses_mean_one_thing_whatever_the_body_says(
    status: int, kind: type[TallygateError], shape: bytes
) -> None:
    error = read_error(status, shape, None)
    assert type(error) is kind
    assert "It is wrong" not in error.message
    assert "sk-secret" not in error.message


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("shape", "message", "details", "param"),
    [
        (body(code=None, param=None), "It is wrong.", {}, None),
        (
            body(code="context_length_exceeded", param="messages", type="invalid_request_error"),
            "It is wrong.",
            {"provider_code": "context_length_exceeded"},
            "messages",
        ),
        (body(code="no code at all!", param="a b"), "It is wrong.", {}, None),
        (
            body(code=400, metadata={"error_type": "invalid_image"}),
            "It is wrong.",
            {"provider_code": "invalid_image"},
            None,
        ),
        (b"[" + body(code=400, status="INVALID_ARGUMENT") + b"]", "It is wrong.", {}, None),
        (b'{"object":"error","message":"It is wrong.","type":"BadRequestError","code":400}', "It is wrong.", {}, None),
        (b'{"error":"It is wrong."}', "It is wrong.", {}, None),
        (b'{"detail":"It is wrong."}', "It is wrong.", {}, None),
        (b'{"detail":[{"loc":["body"],"msg":"a"},{"msg":"b"}]}', "a; b", {}, None),
        (body("two\nlines, key sk-abc123DEF456"), "two lines, key [removed]", {}, None),
    ],
)
def test_the_callers_fault_is_told_in_the_providers_words(
    status: int, shape: bytes, message: str, details: dict[str, str], param: str | None
) -> None:
    error = read_error(status, shape, None)
    assert type(error) is ProviderRejected
    assert (error.status, error.message, error.details, error.param) == (400, message, details, param)


@pytest.mark.parametrize(
    ("status", "shape", "kind"),
    [
        (404, body("The model `x` does not exist", code="model_not_found"), ProviderRejected),
        (404, body("No endpoints found", code="model_not_found"), ProviderRejected),
        (404, body("Not here"), ProviderFailed),
        (404, HTML, ProviderFailed),
        (404, b"404 page not found", ProviderFailed),
        (400, HTML, ProviderFailed),
        (400, b"", ProviderFailed),
        (400, body("<html>Bad Request</html>"), ProviderFailed),
        (400, body("API key not valid. Please pass a valid API key."), ProviderRefusedUs),
        (400, body("Your API key has expired"), ProviderRefusedUs),
        (400, body(code="invalid_api_key"), ProviderRefusedUs),
        (429, body(code="insufficient_quota"), ProviderRefusedUs),
        (429, body(type="insufficient_quota"), ProviderRefusedUs),
    ],
)
def test_whose_fault_it_is_hangs_on_the_words_where_the_status_does_not_tell(
    status: int, shape: bytes, kind: type[TallygateError]
) -> None:
    assert type(read_error(status, shape, None)) is kind


@pytest.mark.parametrize("status", [429, 503, 529])
def test_how_long_to_wait_is_passed_on(status: int) -> None:
    assert read_error(status, b"", "7").retry_after_s == 7
    assert read_error(status, b"", "100000").retry_after_s == 60
    assert read_error(status, b"", None).retry_after_s is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"code": 502, "message": "x", "metadata": {"error_type": "provider_unavailable"}}, ProviderFailed),
        ({"code": 429, "message": "x"}, ProviderOverloaded),
        ({"message": "x", "type": "server_error", "code": None}, ProviderFailed),
        ({"message": "x", "type": "overloaded_error"}, ProviderOverloaded),
        ({"message": "x", "code": "timeout"}, ProviderTimeout),
        ({"message": "x", "code": "context_length_exceeded"}, ProviderRejected),
        ({"message": "x", "type": "invalid_request_error"}, ProviderRejected),
        ({"message": "x", "code": 200}, ProviderFailed),
        ("boom", ProviderFailed),
        ([], ProviderFailed),
        (True, ProviderFailed),
    ],
)
def test_an_error_inside_an_answer_is_judged_by_its_words(value: Any, kind: type[TallygateError]) -> None:
    assert type(read_failure(value)) is kind


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.InvalidValue("x", param="n"), 400, "invalid_request_error", "invalid_value"),
        (errors.InvalidApiKey(), 401, "invalid_request_error", "invalid_api_key"),
        (errors.PermissionDenied(), 403, "permission_denied", "permission_denied"),
        (errors.ModelAccessDenied(), 403, "permission_denied", "model_access_denied"),
        (errors.ModelNotFound(), 404, "invalid_request_error", "model_not_found"),
        (errors.PayloadTooLarge(), 413, "invalid_request_error", "payload_too_large"),
        (errors.ProviderFailed(), 502, "server_error", "provider_error"),
        (errors.ProviderTimeout(), 504, "server_error", "timeout"),
        (errors.ProviderOverloaded(), 503, "server_error", "overloaded"),
        (errors.InternalError(), 500, "server_error", "internal_error"),
        (
            errors.ProviderRejected("x", details={"provider_code": "context_length_exceeded"}),
            400,
            "invalid_request_error",
            "context_length_exceeded",
        ),
    ],
)
def test_ours_are_told_as_the_vendor_tells_its_own(error: TallygateError, status: int, kind: str, code: str) -> None:
    rendered = write_error(error, "req_1")
    assert (rendered.status, rendered.content_type) == (status, "application/json")
    assert msgspec.json.decode(rendered.body) == {
        "error": {"message": error.message, "type": kind, "param": error.param, "code": code},
        "request_id": "req_1",
    }


@pytest.mark.parametrize(("status", "kind"), [(402, "insufficient_quota"), (429, "rate_limit_exceeded")])
def test_a_class_without_a_row_goes_by_its_status(status: int, kind: str) -> None:
    cls = type("Spent", (errors.RequestError,), {"status": status, "code": "spent"})
    assert msgspec.json.decode(write_error(cls("x"), "r").body)["error"]["type"] == kind


def test_plain_facts_stand_as_metadata_and_what_stands_elsewhere_does_not() -> None:
    spent = errors.BudgetExceeded("x", details={"limit_of": "key", "output_tokens_affordable": 7})
    told = msgspec.json.decode(write_error(spent, "r").body)["error"]
    assert told["metadata"] == {"limit_of": "key", "output_tokens_affordable": 7}
    assert (told["type"], told["code"]) == ("insufficient_quota", "budget_exceeded")
    refused = errors.MethodNotAllowed("x", details={"allow": "GET"})
    assert "metadata" not in msgspec.json.decode(write_error(refused, "r").body)["error"]
