"""Quotes over real sockets: the bound, the price and whether it is covered, without taking anything."""

from typing import Any

import pytest

from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import ADMIN_KEY, ONE_USD, House
from tests.fakes.past import Past

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


def ask(model: str = "priced", url: str = CHAT, **more: Any) -> dict[str, Any]:
    return {"url": url, "body": {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}}


@pytest.mark.parametrize("url", [CHAT, MESSAGES])
def test_a_covered_call(house: House, past: Past, url: str) -> None:
    key, record = house.make_key()
    past.fund(record.workspace_id, ONE_USD)
    data = check_ok(house.ask("POST", "/v1/quote", ask(url=url, max_tokens=500), key=key))
    assert (data["url"], data["model"], data["price"]) == (url, "priced", {"input": "1.00", "output": "2.00"})
    assert (data["output_usd_per_million"], data["output_tokens_max"]) == ("2.00", 500)
    assert data["max_cost_nusd"] == data["fixed_nusd"] + 500 * 2_000
    assert (data["covered"], data["output_tokens_granted"], data["refusal"]) == (True, 500, None)
    assert data["held_nusd"] == data["max_cost_nusd"]
    assert data["price_version"] == "v1"


def test_nothing_is_taken(house: House, past: Past) -> None:
    key, record = house.make_key()
    past.fund(record.workspace_id, ONE_USD)
    for _ in range(7):
        check_ok(house.ask("POST", "/v1/quote", ask(), key=key))
    data = check_ok(house.ask("GET", "/v1/credits", key=key))
    assert (data["held_nusd"], data["available_nusd"]) == (0, ONE_USD)
    assert check_ok(house.ask("GET", "/v1/key", key=key))["concurrency"]["used"] == 0
    assert check_ok(house.ask("GET", "/v1/usage", key=key)) == []


def test_an_empty_wallet_covers_what_is_free(house: House) -> None:
    key, _ = house.make_key()
    data = check_ok(house.ask("POST", "/v1/quote", ask("free"), key=key))
    assert (data["price"], data["max_cost_usd"], data["covered"]) == ("free", "0.00", True)
    data = check_ok(house.ask("POST", "/v1/quote", ask(max_tokens=10), key=key))
    assert (data["covered"], data["refusal"]["status"]) == (False, 402)
    assert data["refusal"]["code"] == "insufficient_balance"
    assert data["refusal"]["metadata"]["needed_usd"] == data["max_cost_usd"]


def test_a_short_balance_may_cover_a_shorter_answer(house: House, past: Past) -> None:
    key, record = house.make_key()
    fixed = check_ok(house.ask("POST", "/v1/quote", ask(), key=key))["fixed_nusd"]
    past.fund(record.workspace_id, fixed + 1_000 * 2_000 + 1)
    data = check_ok(house.ask("POST", "/v1/quote", ask(), key=key))
    assert (data["output_tokens_max"], data["output_tokens_granted"], data["covered"]) == (10_000, 1_000, True)
    # Who names a cap gets that cap or nothing, and is told which would do.
    data = check_ok(house.ask("POST", "/v1/quote", ask(max_tokens=5_000), key=key))
    affordable = data["refusal"]["metadata"]["output_tokens_affordable"]
    assert (data["covered"], data["fixed_nusd"] + affordable * 2_000 <= data["available_nusd"]) == (False, True)
    assert check_ok(house.ask("POST", "/v1/quote", ask(max_tokens=affordable), key=key))["covered"]
    stiff, _ = house.make_key(shortens=False)
    assert not check_ok(house.ask("POST", "/v1/quote", ask(), key=stiff))["covered"]


def test_a_budget_can_be_what_does_not_cover(house: House, past: Past) -> None:
    key, record = house.make_key()
    past.fund(record.workspace_id, ONE_USD)
    past.budget(record.workspace_id, "user", record.user_id, 1, period="monthly")
    refusal = check_ok(house.ask("POST", "/v1/quote", ask(max_tokens=10), key=key))["refusal"]
    assert (refusal["code"], refusal["metadata"]["limit_of"]) == ("budget_exceeded", "user")
    assert refusal["metadata"]["resets_at"]


def test_open_calls_do_not_stand_in_the_way(house: House, past: Past) -> None:
    key, record = house.make_key()
    past.fund(record.workspace_id, ONE_USD)
    past.run("UPDATE users SET slots_used = 5 WHERE id = ?", (record.user_id,))
    assert check_ok(house.ask("POST", "/v1/quote", ask(max_tokens=10), key=key))["covered"]


BAD: dict[str, tuple[Any, int, str, str]] = {
    "no address": ({"body": {}}, 400, "missing_required_parameter", "url"),
    "no body": ({"url": CHAT}, 400, "missing_required_parameter", "body"),
    "another field": ({**ask(), "method": "POST"}, 400, "invalid_value", "method"),
    "another address": (ask(url="/v1/models"), 400, "invalid_value", "url"),
    "an admin's address": (ask(url="/v1/admin/keys"), 400, "invalid_value", "url"),
    "an address elsewhere": (ask(url="http://lab.invalid/v1/messages"), 400, "invalid_value", "url"),
    "a number": ({"url": 7, "body": {}}, 400, "invalid_value", "url"),
    "a body of another kind": ({"url": CHAT, "body": []}, 400, "invalid_json", ""),
    "a body without messages": (
        {"url": CHAT, "body": {"model": "priced"}},
        400,
        "missing_required_parameter",
        "messages",
    ),
    "no such model": (ask("nobody"), 404, "model_not_found", "model"),
    "not JSON": (b"{", 400, "invalid_json", ""),
    "a list": (b"[]", 400, "invalid_json", ""),
    "a field twice": (b'{"url":"/v1/messages","url":"/v1/messages","body":{}}', 400, "duplicate_key", "url"),
    "nested": (b'{"url":"/v1/messages","body":' + b"[" * 80 + b"]" * 80 + b"}", 400, "too_deep", ""),
}


@pytest.mark.parametrize(("body", "status", "code", "field"), BAD.values(), ids=BAD.keys())
def test_a_bad_request_names_the_field(
    strict_house: House, tenant_key: str, body: Any, status: int, code: str, field: str
) -> None:
    error = check_error(strict_house.ask("POST", "/v1/quote", body, key=tenant_key), status, code)
    assert [told["field"] for told in error.get("details", [])] == ([field] if field else [])


def test_who_may_not_ask(house: House) -> None:
    check_error(house.ask("POST", "/v1/quote", ask()), 401, "invalid_api_key")
    check_error(house.ask("POST", "/v1/quote", ask(), key=ADMIN_KEY), 403, "permission_denied")
    blind, _ = house.make_key(permissions=["models:use"])
    check_error(house.ask("POST", "/v1/quote", ask(), key=blind), 403, "permission_denied")
    narrow, _ = house.make_key(models=["free"])
    check_error(house.ask("POST", "/v1/quote", ask(), key=narrow), 403, "model_access_denied")
