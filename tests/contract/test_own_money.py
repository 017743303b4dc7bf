"""Two tenants of one running gateway, made over the admin API: what a call was quoted, held, charged and shown agrees,
and neither sees anything of the other.
"""

from decimal import Decimal

from tests.contract.gateway import Gateway
from tests.contract.tenants import CHAT, MESSAGES, RECEIPT, administer, anonymous, ask, settle_in
from tests.fakes.upstream import Upstream

COST = "x-tallygate-cost-usd"


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
