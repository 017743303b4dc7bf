"""Two tenants of one running gateway, made over the admin API: what a call was quoted, held, charged and shown agrees,
and neither sees anything of the other.
"""

import json
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.gateway import Gateway, Reply, clean_env, start_gateway
from tests.fakes.upstream import PROVIDER_KEY, Upstream

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = ("Content-Type", "application/json")
RECEIPT = "x-tallygate-receipt-id"
COST = "x-tallygate-cost-usd"


class Tenant(NamedTuple):
    """A workspace with money, and a key of it that sees the whole of it."""

    gateway: Gateway
    workspace: str
    key: str

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        return send(self.gateway, self.key, method, path, body)

    def read(self, path: str) -> Any:
        reply = self.send("GET", path)
        assert reply.status == 200, reply.body
        return json.loads(reply.body, parse_float=Decimal)["data"]


def send(gateway: Gateway, key: str, method: str, path: str, body: Any = None) -> Reply:
    raw = None if body is None else json.dumps(body).encode()
    return gateway.ask(method, path, raw, [] if raw is None else [JSON], key=key)


def administer(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    admin_key = Path(gateway.env["TALLYGATE_DATA"], "admin-key").read_text().strip()
    reply = send(gateway, admin_key, method, f"/v1/admin/{path}", body)
    assert reply.status in (200, 201), reply.body
    return reply.json["data"]


@pytest.fixture
def priced_gateway(empty_database_url: str, upstream: Upstream, tmp_path: Path) -> Generator[Gateway]:
    """A gateway on each engine, with one model that has a price."""
    config = tmp_path / "tallygate.toml"
    config.write_text(
        f'[providers.lab]\nbase_url = "{upstream.url}"\nspeaks = {{ openai_chat = "/v1/chat/completions" }}\n'
        'api_key_env = "LAB_KEY"\n[models."up-echo"]\ntargets = ["lab/up-echo"]\n'
        'price = { input = "1.00", output = "2.00" }\n'
    )
    env = clean_env(tmp_path, LAB_KEY=PROVIDER_KEY, TALLYGATE_DATABASE_URL=empty_database_url)
    with start_gateway(env, "--config", str(config)) as running:
        yield running


def settle_in(gateway: Gateway, name: str, usd: str = "1.00") -> Tenant:
    administer(gateway, "POST", "workspaces", {"name": name})
    administer(gateway, "POST", "credit", {"workspace": name, "usd": usd, "id": f"first-of-{name}"})
    permissions = ["models:use", "routing:view", "accounting:view_tenant"]
    made = administer(gateway, "POST", "keys", {"workspace": name, "name": f"{name}-key", "permissions": permissions})
    return Tenant(gateway, name, made["key"])


def ask(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "up-echo", "max_tokens": 300, "messages": [{"role": "user", "content": text}], **more}


def test_quote_hold_charge_and_sums_agree(priced_gateway: Gateway) -> None:
    tenant = settle_in(priced_gateway, "acme")
    costs = Decimal(0)
    for url in (CHAT, MESSAGES):
        quoted = tenant.send("POST", "/v1/quote", {"url": url, "body": ask()}).json["data"]
        reply = tenant.send("POST", url, ask())
        assert reply.status == 200, reply.body
        call = tenant.read(f"/v1/generation?id={reply.headers[RECEIPT]}")
        assert (call["reserved_nusd"], call["price_version"]) == (quoted["max_cost_nusd"], quoted["price_version"])
        assert call["charged_usd"] == reply.headers[COST]
        assert call["charged_nusd"] == 1_000 * call["tokens_prompt"] + 2_000 * call["tokens_completion"]
        assert (call["state"], call["status"], call["usage_source"]) == ("posted", "ok", "provider")
        costs += Decimal(reply.headers[COST])
    streamed = tenant.send("POST", CHAT, ask(stream=True))
    call = tenant.read(f"/v1/generation?id={streamed.headers[RECEIPT]}")
    assert call["streamed"]
    costs += call["total_cost"]
    credit = tenant.read("/v1/credits")
    assert (credit["total_credits"], credit["total_usage"], credit["held_nusd"]) == (1, costs, 0)
    (row,) = tenant.read("/v1/usage?group_by=model")
    assert (row["model"], row["calls"], Decimal(row["charged_usd"])) == ("up-echo", 3, costs)
    refund = {"call": streamed.headers[RECEIPT], "usd": call["charged_usd"], "id": "sorry"}
    administer(priced_gateway, "POST", "refunds", refund)
    assert tenant.read(f"/v1/generation?id={streamed.headers[RECEIPT]}")["refunded_nusd"] == call["charged_nusd"]


def test_neither_tenant_sees_the_other(priced_gateway: Gateway) -> None:
    mine, theirs = settle_in(priced_gateway, "acme"), settle_in(priced_gateway, "rival", "7.77")
    receipt = theirs.send("POST", CHAT, ask("rival words")).headers[RECEIPT]
    mine.send("POST", CHAT, ask())
    random = receipt[:-8] + "00000000"
    foreign, unknown = (mine.send("GET", f"/v1/generation?id={call_id}") for call_id in (receipt, random))
    assert anonymous(foreign) == anonymous(unknown)
    assert foreign.status == 404
    queries = ("credits", "key", "usage?group_by=day,model,key,user", "usage?group_by=key&format=csv")
    told = b"".join(mine.send("GET", f"/v1/{query}").body for query in queries)
    ids = theirs.read("/v1/key")
    for secret in ("rival", "7.77", ids["id"], ids["workspace_id"], ids["user_id"], receipt):
        assert secret.encode() not in told
    assert mine.read("/v1/usage?group_by=key")[0]["calls"] == 1


def anonymous(reply: Reply) -> tuple[int, bytes, list[str]]:
    """What is left of an answer without its ids and its date."""
    body = reply.body.replace(reply.headers["x-request-id"].encode(), b"")
    return reply.status, body, [f"{name}: {value}" for name, value in reply.pairs if not name.endswith(("id", "date"))]


def test_what_the_admin_sets_binds_the_next_call(priced_gateway: Gateway, upstream: Upstream) -> None:
    tenant = settle_in(priced_gateway, "acme")
    assert tenant.send("POST", CHAT, ask()).status == 200
    limits = {"level": "workspace", "owner": "acme", "budgets": {"daily": "0.000001"}}
    administer(priced_gateway, "PATCH", "limits", limits)
    mark = upstream.mark()
    refused = tenant.send("POST", CHAT, ask())
    assert (refused.status, refused.json["error"]["code"]) == (402, "budget_exceeded")
    quoted = tenant.send("POST", "/v1/quote", {"url": CHAT, "body": ask()}).json["data"]
    assert quoted["refusal"]["message"] == refused.json["error"]["message"]
    administer(priced_gateway, "PATCH", "limits", {**limits, "budgets": {"daily": None}})
    administer(priced_gateway, "POST", "payouts", {"workspace": "acme", "usd": "0.99", "id": "back"})
    administer(priced_gateway, "PATCH", f"keys/{tenant.workspace}-key", {"models": ["another"]})
    assert tenant.send("POST", CHAT, ask()).json["error"]["code"] == "model_access_denied"
    administer(priced_gateway, "DELETE", f"keys/{tenant.workspace}-key")
    for method, path, body in (("POST", CHAT, ask()), ("GET", "/v1/credits", None), ("POST", "/v1/quote", {})):
        assert tenant.send(method, path, body).status == 401
    assert upstream.requests_since(mark) == []
