"""A caller's own money in OpenRouter's shapes, over real sockets: exact figures, members that clients look for, and
nothing of anybody else.
"""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from tallygate.api.door import Reply as Answer
from tallygate.api.door import Request
from tallygate.api.doors import Doors
from tallygate.api.middleware import match
from tallygate.api.settings import ServerSettings
from tallygate.errors import StoreUnavailable
from tests.contract.gateway import Reply
from tests.fakes.doors import ADMIN_KEY, ONE_USD, House
from tests.fakes.front import Played, make_rooms
from tests.fakes.past import Past

OWN = ("/api/v1/credits", "/api/v1/key", "/api/v1/generation?id=call_1")
DETAILS = {
    "request_id": "req_1",
    "operation": "chat",
    "dialect": "openrouter_chat",
    "stream": True,
    "status": "ok",
    "request_model": "m",
    "sold_as": "n",
    "provider": "lab",
    "model": "m-1",
    "usage": {"input_tokens": 11, "output_tokens": 22, "cached_input_tokens": 3},
    "usage_source": "provider",
    "finish_reasons": ["stop"],
    "attempts": [{"provider": "den", "model": "x", "status": 502, "error": "e"}, {"provider": "lab", "model": "m-1"}],
    "first_chunk_ms": 12,
    "duration_ms": 34,
}


def read(reply: Reply) -> Any:
    """The data of an answer, its numbers exact."""
    assert reply.status == 200, reply.body
    assert reply.headers["cache-control"] == "no-store"
    return json.loads(reply.body, parse_float=Decimal)["data"]


def check_error(reply: Reply, status: int, kind: str) -> None:
    error = reply.json["error"]
    assert (reply.status, error["code"], error["metadata"]["error_type"]) == (status, status, kind)


def test_credits_are_exact_and_for_those_who_see_the_workspace(house: House, past: Past) -> None:
    whole, record = house.make_key(permissions=["accounting:view_tenant"])
    own, _ = house.make_key(permissions=["accounting:view_own"])
    past.fund(record.workspace_id, 2**53 + 1)
    past.run("UPDATE wallets SET posted_nusd = posted_nusd - 3 WHERE workspace_id = ?", (record.workspace_id,))
    data = read(house.ask("GET", "/api/v1/credits", key=whole))
    assert data == {"total_credits": Decimal(2**53 + 1) / ONE_USD, "total_usage": Decimal("0.000000003")}
    check_error(house.ask("GET", "/api/v1/credits", key=own), 403, "permission_denied")


def test_a_key_tells_what_it_spent_and_what_is_left(house: House, past: Past) -> None:
    key, record = house.make_key(permissions=[])
    _, sibling = house.make_key()
    past.budget(record.workspace_id, "key", record.id, 5 * ONE_USD, period="monthly")
    past.budget(record.workspace_id, "key", record.id, 4 * ONE_USD, spent_nusd=ONE_USD // 4)
    past.budget(record.workspace_id, "workspace", record.workspace_id, ONE_USD, period="daily")
    past.call(record, charged_nusd=3, refunded_nusd=1)
    past.call(record, charged_nusd=5, opened_at_ns=1)
    past.call(record, state="open", amount_nusd=7)
    past.call(sibling, charged_nusd=ONE_USD)
    data = read(house.ask("GET", "/api/v1/key", key=key))
    assert data["label"] == f"lx-k_...{key[-4:]}"
    assert (data["usage"], data["usage_monthly"]) == (Decimal("0.000000007"), Decimal("0.000000002"))
    assert (data["limit"], data["limit_remaining"], data["limit_reset"]) == (4, Decimal("3.75"), None)
    assert sorted(budget["scope"] for budget in data["budgets"]) == ["api_key", "api_key", "workspace"]
    tightest = data["effective_budget"]
    assert (tightest["scope"], tightest["reset_interval"], tightest["limit_usd"]) == ("workspace", "daily", 1)
    assert tightest["resets_at"].endswith("T00:00:00Z")
    assert key.encode() not in house.ask("GET", "/api/v1/key", key=key).body


def test_a_key_without_a_budget_has_no_limit(house: House) -> None:
    key, _ = house.make_key()
    data = read(house.ask("GET", "/api/v1/key", key=key))
    assert (data["limit"], data["limit_remaining"], data["effective_budget"], data["budgets"]) == (None, None, None, [])


@pytest.mark.parametrize("prefix", ["gen-", ""])
def test_one_call_by_the_id_of_its_answer_or_its_own(house: House, past: Past, prefix: str) -> None:
    key, record = house.make_key()
    facts = {"charged_nusd": 1_234, "refunded_nusd": 4, "input_tokens": 11, "output_tokens": 22}
    call_id = past.call(record, **facts, details=json.dumps(DETAILS))
    data = read(house.ask("GET", f"/api/v1/generation?id={prefix}{call_id}", key=key))
    assert (data["id"], data["model"], data["provider_name"]) == (f"gen-{call_id}", "n", "lab")
    assert data["total_cost"] == data["usage"] == Decimal("0.000001230")
    assert (data["tokens_prompt"], data["tokens_completion"], data["native_tokens_cached"]) == (11, 22, 3)
    assert (data["streamed"], data["cancelled"], data["latency"], data["generation_time"]) == (True, False, 12, 34)
    assert [attempt["provider_name"] for attempt in data["provider_responses"]] == ["den", "lab"]
    assert (data["api_type"], data["finish_reason"], data["request_id"]) == ("completions", "stop", "req_1")


def test_a_call_whose_process_died_has_its_figures(house: House, past: Past) -> None:
    key, record = house.make_key()
    data = read(house.ask("GET", f"/api/v1/generation?id={past.call(record, charged_nusd=1)}", key=key))
    assert (data["total_cost"], data["streamed"], data["provider_responses"]) == (Decimal("0.000000001"), None, None)


def test_a_call_that_runs_and_a_foreign_one_are_as_unknown_as_one_that_never_was(house: House, past: Past) -> None:
    key, mine = house.make_key()
    _, sibling = house.make_key(user="ada")
    _, stranger = house.make_key("rival")
    running = past.call(mine, state="open", amount_nusd=7)
    for call_id in (running, past.call(sibling), past.call(stranger), "call_f", "gen-"):
        check_error(house.ask("GET", f"/api/v1/generation?id={call_id}", key=key), 404, "not_found")
    check_error(house.ask("GET", "/api/v1/generation", key=key), 400, "invalid_request")


@pytest.mark.parametrize("path", OWN)
def test_who_may_not_ask(house: House, path: str) -> None:
    check_error(house.ask("GET", path), 401, "authentication")
    check_error(house.ask("GET", path, key="lx-nobody"), 401, "authentication")
    check_error(house.ask("GET", path, key=ADMIN_KEY), 403, "permission_denied")


@pytest.mark.parametrize("path", OWN)
def test_a_parameter_that_is_not_expected_is_refused(house: House, path: str) -> None:
    key, _ = house.make_key(permissions=["accounting:view_tenant"])
    mark = "&" if "?" in path else "?"
    check_error(house.ask("GET", f"{path}{mark}form=1", key=key), 400, "invalid_request")


class Heard:
    """An exchange that keeps what it is answered."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def reply(self, answer: Answer) -> None:
        self.answers.append(answer)


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [(RuntimeError("canary"), 500, "internal_error"), (StoreUnavailable(), 503, "store_unavailable")],
)
def test_our_own_faults_have_their_number_and_tell_nothing(fault: Exception, status: int, reason: str) -> None:
    async def break_down(*_: object) -> Any:
        raise fault

    doors = Doors(structs.replace(make_rooms(Played()), identify=break_down), ServerSettings())
    heard = Heard()
    request = Request("GET", "/api/v1/key", b"", ((b"authorization", b"Bearer k"),), b"", "req_1", 0)
    asyncio.run(doors.serve(match("GET", "/api/v1/key"), request, heard))  # pyright: ignore[reportArgumentType]
    (answer,) = heard.answers
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["code"]) == (status, status)
    assert told["metadata"] == {"error_type": "server", "reason": reason, "request_id": "req_1"}
    assert b"canary" not in answer.body
    assert ("retry-after" in dict(answer.headers)) == (status == 503)
