"""Routes and the health of targets over real sockets: what would become of a call, and that asking moves nothing."""

from collections.abc import Generator
from typing import Any

import pytest

from tallygate.genai.plan import Target
from tallygate.router.circuits import SERVED, Verdict
from tallygate.router.gates import Gates, Ticket
from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import ADMIN_KEY, SUPPLY, House

PATH = "/v1/route/explain"
CHAT = "/v1/chat/completions"
LAB = Target("lab", "a")


@pytest.fixture
def gates() -> Generator[Gates]:
    """Of the targets behind the doors; forgotten afterwards."""
    yield SUPPLY.gates
    for provider in SUPPLY.rows:
        SUPPLY.gates.forgive(provider)


def ask(model: str = "shared", **more: Any) -> dict[str, Any]:
    said = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}], **more}
    return {"url": CHAT, "body": said}


def enter(gates: Gates) -> Ticket:
    ticket = gates.enter(LAB)
    assert isinstance(ticket, Ticket)
    return ticket


def test_a_route_names_everybody_and_what_is_known_of_them(strict_house: House, tenant_key: str) -> None:
    data = check_ok(strict_house.ask("POST", PATH, ask(), key=tenant_key))
    assert (data["model"], data["models"], data["operation"]) == ("shared", ["shared"], "chat")
    assert data["choose"] == "weight"
    assert [(shown["target"], shown["weight"]) for shown in data["targets"]] == [("lab/a", 3), ("den/a", 1)]
    assert data["targets"][0] == {
        "target": "lab/a",
        "provider": "lab",
        "model": "a",
        "sold_as": "shared",
        "weight": 3,
        "price": {"input": "1.00", "output": "2.00"},
        "first_token_ms": None,
        "tokens_per_s": None,
        "circuit": "closed",
        "running": 0,
    }
    reason = "provider gone is not configured"
    assert data["excluded"] == [{"target": "gone/a", "cause": "provider", "reason": reason}]
    assert data["max_cost_nusd"] > 100 * 2_000
    assert data["refusal"] is None


def test_who_is_left_alone_is_left_out_with_the_time(strict_house: House, tenant_key: str, gates: Gates) -> None:
    enter(gates).end(Verdict("limited", 30 * 10**9, "overloaded"))
    data = check_ok(strict_house.ask("POST", PATH, ask(), key=tenant_key))
    assert [shown["target"] for shown in data["targets"]] == ["den/a"]
    barred = next(shown for shown in data["excluded"] if shown["target"] == "lab/a")
    assert (barred["cause"], 0 < barred["retry_in_s"] <= 30) == ("cooling", True)


def test_asking_takes_nobodys_turn(strict_house: House, tenant_key: str, gates: Gates) -> None:
    gates.judge(("lab", "a"), Verdict("refused", code="provider_refused_gateway"), is_probe=False)
    before = gates.find_circuit(("lab", "a"))
    for _ in range(3):
        check_ok(strict_house.ask("POST", PATH, ask(), key=tenant_key))
    assert gates.find_circuit(("lab", "a")) == before
    assert check_ok(strict_house.ask("GET", "/v1/usage", key=strict_house.make_key("other")[0])) == []


def test_a_call_that_would_be_refused_is_explained(strict_house: House, tenant_key: str) -> None:
    data = check_ok(strict_house.ask("POST", PATH, ask("nothing"), key=tenant_key))
    assert (data["targets"], data["max_cost_usd"]) == ([], None)
    assert (data["refusal"]["status"], data["refusal"]["code"]) == (404, "model_not_found")
    data = check_ok(strict_house.ask("POST", PATH, ask("lab/unpriced"), key=tenant_key))
    assert [shown["price"] for shown in data["targets"]] == [None]
    assert data["refusal"]["code"] == "model_unpriced"


def test_a_wish_is_heeded(strict_house: House, tenant_key: str) -> None:
    body = {"url": "/api/v1/chat/completions", "body": ask()["body"] | {"provider": {"only": ["den"], "sort": "price"}}}
    data = check_ok(strict_house.ask("POST", PATH, body, key=tenant_key))
    assert (data["choose"], [shown["target"] for shown in data["targets"]]) == ("price", ["den/a"])
    assert {shown["cause"] for shown in data["excluded"]} == {"provider", "allowed_providers"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "/v1/models", "body": {}}, "invalid_value"),
        ({"url": CHAT}, "missing_required_parameter"),
        ({**ask(), "more": 1}, "invalid_value"),
    ],
)
def test_what_is_no_call_is_refused(strict_house: House, tenant_key: str, body: Any, code: str) -> None:
    check_error(strict_house.ask("POST", PATH, body, key=tenant_key), 400, code)


def test_a_key_that_may_not_see_routes_is_refused(strict_house: House) -> None:
    key, _ = strict_house.make_key("narrow", permissions=("models:use",))
    check_error(strict_house.ask("POST", PATH, ask(), key=key), 403, "permission_denied")
    check_error(strict_house.ask("POST", PATH, ask()), 401, "invalid_api_key")


def test_the_health_of_targets_is_the_admins(strict_house: House, tenant_key: str, gates: Gates) -> None:
    path = "/v1/admin/health"
    check_error(strict_house.ask("GET", path, key=tenant_key), 403, "permission_denied")
    enter(gates).end(Verdict("refused", code="provider_refused_gateway"))
    SUPPLY.gates.enter(Target("den", "a"))
    rows = {row["target"]: row for row in check_ok(strict_house.ask("GET", path, key=ADMIN_KEY))}
    assert set(rows) == {"lab/a", "den/a", "gone/a"}
    assert (rows["lab/a"]["circuit"], rows["lab/a"]["last_error"]) == ("open", "provider_refused_gateway")
    assert 0 < rows["lab/a"]["retry_in_s"] <= 60
    assert (rows["den/a"]["circuit"], rows["den/a"]["running"], rows["den/a"]["last_error"]) == ("closed", 1, None)
    Ticket(gates, ("den", "a"), "").end(SERVED)
