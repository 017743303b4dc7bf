"""Tenants of a running gateway, made over the admin API, and what they ask for.

Nothing of the gateway is imported here: only what a user types and sees counts.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.contract.gateway import Gateway, Reply

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = ("Content-Type", "application/json")
RECEIPT = "x-tallygate-receipt-id"

PRICED = (
    'speaks = { openai_chat = "/v1/chat/completions" }\n'
    'api_key_env = "LAB_KEY"\n[models."up-echo"]\ntargets = ["lab/up-echo"]\n'
    'price = { input = "1.00", output = "2.00" }\n'
)
"""The rest of a configuration behind the provider's address: one model that has a price."""


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


def settle_in(gateway: Gateway, name: str, usd: str = "1.00") -> Tenant:
    administer(gateway, "POST", "workspaces", {"name": name})
    administer(gateway, "POST", "credit", {"workspace": name, "usd": usd, "id": f"first-of-{name}"})
    permissions = ["models:use", "routing:view", "accounting:view_tenant"]
    made = administer(gateway, "POST", "keys", {"workspace": name, "name": f"{name}-key", "permissions": permissions})
    return Tenant(gateway, name, made["key"])


def ask(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "up-echo", "max_tokens": 300, "messages": [{"role": "user", "content": text}], **more}


def anonymous(reply: Reply) -> tuple[int, bytes, list[str]]:
    """What is left of an answer without its ids and its date."""
    body = reply.body.replace(reply.headers["x-request-id"].encode(), b"")
    return reply.status, body, [f"{name}: {value}" for name, value in reply.pairs if not name.endswith(("id", "date"))]
