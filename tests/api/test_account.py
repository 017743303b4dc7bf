"""A caller's own money over real sockets: exact figures, the names that others use, and nothing of anybody else."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import ADMIN_KEY, ONE_USD, House
from tests.fakes.past import Past

OWN = ("/v1/credits", "/v1/key", "/v1/usage", "/v1/generation?id=call_1")
DETAILS = {
    "request_id": "req_1",
    "operation": "chat",
    "dialect": "openai_chat",
    "stream": True,
    "status": "cancelled",
    "request_model": "m",
    "provider": "lab",
    "model": "m-1",
    "usage": {"input_tokens": 11, "output_tokens": 22},
    "usage_source": "counted",
    "finish_reasons": ["stop"],
    "attempts": [{"provider": "lab", "model": "m-1", "status": 200}],
    "first_chunk_ms": 12,
    "duration_ms": 34,
}


def test_the_balance_and_the_budgets_that_bind(house: House, past: Past) -> None:
    key, record = house.make_key(permissions=["accounting:view_tenant"])
    _, other = house.make_key(user="ada")
    past.fund(record.workspace_id, 5 * ONE_USD + 1)
    past.run("UPDATE wallets SET held_nusd = ? WHERE workspace_id = ?", (ONE_USD, record.workspace_id))
    past.budget(record.workspace_id, "key", record.id, 2 * ONE_USD, spent_nusd=ONE_USD, held_nusd=ONE_USD // 2)
    past.budget(record.workspace_id, "workspace", record.workspace_id, 9 * ONE_USD, period="daily", spent_nusd=7)
    past.budget(other.workspace_id, "key", other.id, 1)
    data = check_ok(house.ask("GET", "/v1/credits", key=key))
    assert (data["posted_usd"], data["posted_nusd"]) == ("5.000000001", 5 * ONE_USD + 1)
    assert (data["held_usd"], data["available_usd"], data["available_nusd"]) == ("1.00", "4.000000001", 4 * ONE_USD + 1)
    shared, own = data["budgets"]
    assert (own["level"], own["limit_usd"], own["spent_usd"], own["held_usd"]) == ("key", "2.00", "1.00", "0.50")
    assert (own["left_usd"], own["resets_at"]) == ("0.50", None)
    # Its window ended long ago: a new one has begun, with nothing spent.
    assert (shared["level"], shared["spent_nusd"]) == ("workspace", 0)
    assert shared["resets_at"].endswith("T00:00:00Z")


def test_totals_are_exact_and_for_those_who_see_the_workspace(house: House, past: Past) -> None:
    whole, record = house.make_key(permissions=["accounting:view_tenant"])
    own, _ = house.make_key(permissions=["accounting:view_own"])
    past.fund(record.workspace_id, 2**53 + 1)
    past.run("UPDATE wallets SET posted_nusd = posted_nusd - 3 WHERE workspace_id = ?", (record.workspace_id,))
    reply = house.ask("GET", "/v1/credits", key=whole)
    data = json.loads(reply.body, parse_float=Decimal)["data"]
    assert data["total_credits"] == Decimal(2**53 + 1) / ONE_USD
    assert data["total_usage"] == Decimal("0.000000003")
    assert "total_usage" not in check_ok(house.ask("GET", "/v1/credits", key=own))


def test_a_key_tells_what_it_is(house: House, past: Past) -> None:
    key, record = house.make_key(name="laptop", models=["a", "b"], permissions=[], slots_max=2)
    past.budget(record.workspace_id, "key", record.id, 5 * ONE_USD, period="monthly")
    past.budget(record.workspace_id, "key", record.id, ONE_USD, spent_nusd=ONE_USD // 4)
    past.run("UPDATE users SET slots_used = 1 WHERE id = ?", (record.user_id,))
    data = check_ok(house.ask("GET", "/v1/key", key=key))
    assert (data["id"], data["name"], data["last4"]) == (record.id, "laptop", key[-4:])
    assert data["label"] == f"lx-k_...{key[-4:]}"
    assert (data["permissions"], data["models"], data["expires_at"]) == ([], ["a", "b"], None)
    assert data["concurrency"] == {"used": 1, "limit": 2}
    assert (data["limit"], data["limit_remaining"], data["limit_reset"]) == (1.0, 0.75, None)
    assert [budget["period"] for budget in data["budgets"]] == ["total", "monthly"]
    assert key.encode() not in house.ask("GET", "/v1/key", key=key).body


def test_one_call(house: House, past: Past) -> None:
    key, record = house.make_key()
    call_id = past.call(
        record, charged_nusd=1_234, amount_nusd=5_000, input_tokens=11, output_tokens=22, details=json.dumps(DETAILS)
    )
    data = check_ok(house.ask("GET", f"/v1/generation?id={call_id}", key=key))
    assert (data["id"], data["model"], data["state"]) == (call_id, "m", "posted")
    assert (data["tokens_prompt"], data["tokens_completion"], data["total_cost"]) == (11, 22, 0.000001234)
    assert (data["charged_usd"], data["reserved_nusd"], data["usage_source"]) == ("0.000001234", 5_000, "counted")
    assert (data["streamed"], data["cancelled"], data["latency"], data["generation_time"]) == (True, True, 12, 34)
    assert (data["provider_name"], data["finish_reason"]) == ("lab", "stop")
    assert data["sequence"] > 0


def test_a_call_that_runs_and_one_whose_process_died(house: House, past: Past) -> None:
    key, record = house.make_key()
    running = past.call(record, state="open", amount_nusd=7)
    data = check_ok(house.ask("GET", f"/v1/generation?id={running}", key=key))
    assert (data["state"], data["total_cost"], data["sequence"], data["ended_at"]) == ("open", None, None, None)
    died = past.call(record, charged_nusd=1)
    assert "status" not in check_ok(house.ask("GET", f"/v1/generation?id={died}", key=key))


def test_a_foreign_call_is_as_unknown_as_one_that_never_was(house: House, past: Past) -> None:
    key, mine = house.make_key()
    _, sibling = house.make_key(user="ada")
    _, stranger = house.make_key("rival")
    unknown = house.ask("GET", "/v1/generation?id=call_ffffffffffffffffffffffffffffffff", key=key)
    check_error(unknown, 404, "not_found")
    for record in (sibling, stranger):
        foreign = house.ask("GET", f"/v1/generation?id={past.call(record, charged_nusd=9)}", key=key)
        assert anonymous(foreign) == anonymous(unknown)
    whole, _ = house.make_key(permissions=["accounting:view_tenant"])
    check_ok(house.ask("GET", f"/v1/generation?id={past.call(sibling)}", key=whole))
    foreign = house.ask("GET", f"/v1/generation?id={past.call(stranger)}", key=whole)
    assert anonymous(foreign) == anonymous(unknown)
    check_ok(house.ask("GET", f"/v1/generation?id={past.call(mine)}", key=key))


def anonymous(reply: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    """What is left of an answer without its ids and its date."""
    body = reply.body.replace(reply.headers["x-request-id"].encode(), b"")
    return reply.status, body, [pair for pair in reply.pairs if pair[0] not in ("x-request-id", "request-id", "date")]


def test_nothing_of_another_workspace_is_in_any_answer(house: House, past: Past) -> None:
    key, mine = house.make_key(permissions=["accounting:view_tenant"])
    _, stranger = house.make_key("rival", "rivals-user", name="rivals-key")
    past.fund(stranger.workspace_id, 77 * ONE_USD)
    past.budget(stranger.workspace_id, "workspace", stranger.workspace_id, 66 * ONE_USD)
    past.call(stranger, charged_nusd=55 * ONE_USD, model="rivals-model")
    past.call(mine, charged_nusd=1)
    query = "/v1/usage?group_by=day,model,key,user"
    told = b"".join(house.ask("GET", path, key=key).body for path in (*OWN, query, f"{query}&format=csv"))
    for secret in ("rival", "77.00", "66.00", "55.00", stranger.id, stranger.user_id, stranger.workspace_id):
        assert secret.encode() not in told


@pytest.mark.parametrize("path", OWN)
def test_who_may_not_ask(house: House, path: str) -> None:
    check_error(house.ask("GET", path), 401, "invalid_api_key")
    check_error(house.ask("GET", path, key="lx-nobody"), 401, "invalid_api_key")
    refusal = check_error(house.ask("GET", path, key=ADMIN_KEY), 403, "permission_denied")
    assert "admin key opens only the admin API" in refusal["message"]
    if path != "/v1/key":
        poor, _ = house.make_key(permissions=["models:use", "routing:view"])
        check_error(house.ask("GET", path, key=poor), 403, "permission_denied")


@pytest.mark.parametrize("path", ["/v1/credits?workspace_id=ws_1", "/v1/key?id=key_1", "/v1/generation?id=a&id=b"])
def test_a_parameter_widens_nothing(house: House, path: str) -> None:
    key, _ = house.make_key()
    check_error(house.ask("GET", path, key=key), 400, "invalid_value")


def test_a_call_without_its_id(house: House) -> None:
    key, _ = house.make_key()
    error = check_error(house.ask("GET", "/v1/generation", key=key), 400, "invalid_value")
    assert error["details"][0]["field"] == "id"
    check_error(house.ask("GET", "/v1/generation?id=%ff", key=key), 400, "invalid_value")
    check_error(house.ask("GET", "/v1/generation?id=%00", key=key), 400, "invalid_value")
