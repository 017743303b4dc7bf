"""The envelope: one shape for what went well, one for what did not."""

import msgspec

from tallygate.dialects.unified.envelope import write_answer, write_error
from tallygate.errors import InsufficientBalance, InvalidValue, MethodNotAllowed, StoreUnavailable


def test_an_answer() -> None:
    assert msgspec.json.decode(write_answer([1], "req_1")) == {
        "status": "ok",
        "data": [1],
        "meta": {"request_id": "req_1"},
    }
    meta = msgspec.json.decode(write_answer(None, "req_1", {"next_cursor": "c"}))["meta"]
    assert meta == {"request_id": "req_1", "next_cursor": "c"}


def test_an_error_names_its_field_and_its_facts() -> None:
    rendered = write_error(InvalidValue("Not so.", param="usd"), "req_1")
    assert rendered.status == 400
    assert msgspec.json.decode(rendered.body) == {
        "status": "error",
        "error": {"code": "invalid_value", "message": "Not so.", "details": [{"field": "usd", "message": "Not so."}]},
        "meta": {"request_id": "req_1"},
    }
    poor = msgspec.json.decode(write_error(InsufficientBalance(details={"needed_usd": "1.00"}), "r").body)["error"]
    assert (poor["code"], poor["metadata"]) == ("insufficient_balance", {"needed_usd": "1.00"})
    away = msgspec.json.decode(write_error(StoreUnavailable(retry_after_s=2), "r").body)["error"]
    assert away["retry_after"] == 2


def test_what_stands_in_a_header_is_not_told_twice() -> None:
    error = msgspec.json.decode(write_error(MethodNotAllowed(details={"allow": "GET"}), "r").body)["error"]
    assert error.keys() == {"code", "message"}
