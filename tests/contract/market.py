"""A gateway whose models have prices, in front of a provider of each dialect, and a workspace for each client.

What a client spends is then known from three sides: the provider's journal, the balance, and the receipts.
"""

from typing import Any

from tests.contract.gateway import Gateway
from tests.contract.tenants import Tenant, administer, settle_in
from tests.fakes.upstream import Upstream

PROVIDERS = {"openai_chat": ("lab", "/v1/chat/completions"), "anthropic_messages": ("anlab", "/v1/messages")}
MODELS = {"openai_chat": "echo-of-openai", "anthropic_messages": "echo-of-anthropic"}
CLAUDES = {"openai_chat": "claude-opus-4-1", "anthropic_messages": "claude-sonnet-4-5"}
"""The same models once more: some clients know what a model can do by its name, and serve no others."""

POOR = "poorhouse"
PRICE = 'price = { input = "1.00", output = "2.00" }'


def price_list(urls: dict[str, str]) -> str:
    """The configuration, from the address of the provider that speaks each dialect."""
    told = ""
    for dialect, (name, path) in PROVIDERS.items():
        told += f'[providers.{name}]\nbase_url = "{urls[dialect]}"\n'
        told += f'speaks = {{ {dialect} = "{path}" }}\napi_key_env = "LAB_KEY"\n'
        for model in (MODELS[dialect], CLAUDES[dialect]):
            told += f'[models."{model}"]\ntargets = ["{name}/up-echo"]\n{PRICE}\n'
    return told


def settle_poor(gateway: Gateway) -> str:
    """A key of a workspace that never had any money."""
    administer(gateway, "POST", "workspaces", {"name": POOR})
    return administer(gateway, "POST", "keys", {"workspace": POOR, "name": f"{POOR}-key"})["key"]


def settle_client(gateway: Gateway, client: str, upstream: str) -> Tenant:
    """A workspace with a dollar, named after a client and what it is served by."""
    return settle_in(gateway, f"{client}-{upstream}".replace("_", "-"))


def check_money(tenant: Tenant, upstream: Upstream, opening: str) -> None:
    """Every call that the provider answered is charged once and has its receipt, and nothing stays held."""
    check_paid(tenant, len(upstream.requests(f"{opening}: ")))


def check_paid(tenant: Tenant, calls: int) -> None:
    """So many calls are all that a tenant made, each is paid in full, and nothing stays held."""
    assert calls, "the provider was asked nothing"
    receipts = read_receipts(tenant)
    assert len(receipts) == calls
    assert [receipt["subject"]["seq"] for receipt in receipts] == list(range(1, len(receipts) + 1))
    credit = tenant.read("/v1/credits")
    assert credit["held_nusd"] == 0
    assert sum(row["calls"] for row in tenant.read("/v1/usage?group_by=model")) == calls
    for receipt in receipts:
        call = tenant.read(f"/v1/generation?id={receipt['id']}")
        assert (call["state"], call["status"], call["usage_source"]) == ("posted", "ok", "provider"), call
        assert call["charged_nusd"] == 1_000 * call["tokens_prompt"] + 2_000 * call["tokens_completion"]


def read_receipts(tenant: Tenant) -> list[Any]:
    """The bodies of all receipts, by their number."""
    page = tenant.send("GET", "/v1/receipts?limit=1000")
    assert page.status == 200, page.body
    assert not page.json["has_more"]
    return [row["receipt"] for row in page.json["receipts"]]
