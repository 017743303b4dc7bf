"""Nothing of what was asked and answered, of keys and of callers' addresses, is in any receipt, in the log, in what the
gateway prints, or behind a public door; and no plain digest of it either, for a short prompt can be guessed.
"""

import hashlib
import http.client
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Table, select

from tallygate.store.log_schema import log_checkpoints, log_entries, log_statements, log_tiles, receipts
from tallygate.store.schema import holds
from tests.contract.gateway import Reply, read_reply
from tests.fakes.upstream import PROVIDER_KEY
from tests.money.matrix import DOORS
from tests.money.place import Place, Tenant, wait_until, write_body
from tests.money.receipts import read_receipts
from tests.money.scripts import EXCUSE, SECRET
from tests.money.wires import WIRES

PROMPT, SYSTEM, TOOL, USER = "asked in confidence 1f77", "you are 2e88", "lookup_3d99", "user-4c00"
AGENT, CLAIM, CALLER = "canary-agent-5baa", "canary-claim-6abb", "127.0.0.77"
TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": TOOL, "parameters": {"type": "object"}}}]

MORE: dict[str, dict[str, Any]] = {
    "messages": {"system": SYSTEM},
    "responses": {"user": USER, "tools": [{"type": "function", **TOOLS[0]["function"]}], "instructions": SYSTEM},
    "generate": {"user": USER, "system": f"{SYSTEM} {PROMPT}"},
}
"""What a call says besides its messages, where it says it otherwise than a chat."""

KEPT: dict[Table, tuple[str, ...]] = {
    receipts: ("id", "body"),
    holds: ("details",),
    log_entries: ("id", "log", "entry"),
    log_statements: ("id", "kind", "body"),
    log_tiles: ("log", "hashes"),
    log_checkpoints: ("log", "note"),
}
"""What is kept for owners and strangers: tables and columns. Seeds are neither's before they are asked for."""

PUBLIC = (
    "/.well-known/tallygate-receipts.json",
    "/log/checkpoint",
    "/log/consistency?old=1&new={size}",
    "/log/tile/0/000.p/{size}",
    "/log/tile/entries/000.p/{size}",
    "/v1/mmr/root",
    "/v1/models",
    "/health",
    "/ready",
)
"""Doors that anybody may open. `{size}`: of the log, below 256."""

OWN = ("/v1/receipts", "/v1/receipts/{id}", "/v1/receipts/{id}/proof", "/v1/generation?id={id}", "/v1/usage")
"""Doors to what an owner may pass on."""

SCRIPTS = ("telling", "telling-then-failing", "status-500", "status-400")


class Call(NamedTuple):
    """A call: what its client sent and got."""

    request: bytes
    reply: Reply


@pytest.mark.parametrize("upstream", WIRES)
def test_nothing_that_was_said_leaves_with_a_receipt(upstream: str, engine_place: Place) -> None:
    tenant = engine_place.found()
    calls = [
        call(tenant, f"{upstream}/{script}", door, stream=stream)
        for script in SCRIPTS
        for door in DOORS
        for stream in (False, True)
    ]
    tenant.settled(len(calls))
    assert sum(SECRET.encode() in made.reply.body for made in calls) >= len(calls) // 4
    secrets = {*list_secrets(tenant), *(digest for made in calls for digest in list_digests(made))}
    places = dict([*read_tables(engine_place), *read_doors(tenant), ("log lines", engine_place.gateway.process.text)])
    assert len(places) > len(PUBLIC) + len(KEPT)
    found = [(secret, where) for secret in sorted(secrets) for where, text in places.items() if secret in text]
    assert found == []


def call(tenant: Tenant, model: str, door: str, *, stream: bool) -> Call:
    """One call from an address of its own, full of what must not get about."""
    place = tenant.place
    messages = [{"role": "assistant", "content": PROMPT}, {"role": "user", "content": PROMPT}]
    more = MORE.get(door, {"user": USER, "tools": TOOLS})
    body = write_body(model, place.next_nonce(), stream=stream, door=door, messages=messages, **more)
    connection = http.client.HTTPConnection("127.0.0.1", place.gateway.port, timeout=30, source_address=(CALLER, 0))
    headers = {
        "Authorization": f"Bearer {tenant.key}",
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Idempotency-Key": f"{CLAIM}-{place.next_nonce()}",
        "X-Forwarded-For": CALLER,
    }
    try:
        connection.request("POST", DOORS[door].path, body, headers)
        return Call(body, read_reply(connection.getresponse()))
    finally:
        connection.close()


def list_secrets(tenant: Tenant) -> set[str]:
    kept = read_receipts(tenant)
    assert kept
    seeds = [text for one in kept for text in (one.seed.hex(), _base64(one.seed))]
    return {PROMPT, SYSTEM, TOOL, USER, SECRET, EXCUSE, AGENT, CLAIM, CALLER, tenant.key, PROVIDER_KEY, *seeds}


def list_digests(made: Call) -> Iterator[str]:
    """Digests that anybody could have computed from a guess."""
    for data in (made.request, made.reply.body, PROMPT.encode(), SECRET.encode()):
        digest = hashlib.sha256(data).digest()
        yield from (digest.hex(), _base64(digest), digest.decode("latin-1"))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def read_tables(place: Place) -> Iterator[tuple[str, str]]:
    """Everything in KEPT, as text."""
    with place.database.snapshot() as connection:
        for table, names in KEPT.items():
            rows = connection.execute(select(*(table.c[name] for name in names))).all()
            yield table.name, "\n".join(_show(value) for row in rows for value in row)


def read_doors(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """What is behind every door of PUBLIC and OWN, with the head of each answer."""
    ask = tenant.place.gateway.ask
    (*_, last) = read_receipts(tenant)
    wait_until(lambda: tenant.send("GET", f"/v1/receipts/{last.id}").status == 200 or None)
    size = int(ask("GET", "/log/checkpoint").body.split(b"\n")[1])
    for path in PUBLIC:
        # Larger logs have whole tiles, too.
        reply = ask("GET", path.format(size=size) if size < 256 else path.replace(".p/{size}", "").format(size=size))
        assert reply.status == 200, (path, reply.body)
        yield path, _show_reply(reply)
    for kept in read_receipts(tenant):
        for path in OWN:
            reply = tenant.send("GET", path.format(id=kept.id))
            assert reply.status == 200, (path, reply.body)
            yield path.format(id=kept.id), _show_reply(reply)


def _show_reply(reply: Reply) -> str:
    return "\n".join([*(f"{name}: {value}" for name, value in reply.pairs), _show(reply.body)])


def _show(value: object) -> str:
    """As text, and bytes that are none besides in the letters in which bytes are written."""
    if not isinstance(value, bytes | memoryview):
        return str(value)
    data = bytes(value)
    return "\n".join((data.decode("latin-1"), data.hex(), b64encode(data).decode(), _base64(data)))


def test_the_look_finds_what_is_there(place: Place) -> None:
    tenant = place.found()
    made = call(tenant, "openai/telling", "chat", stream=False)
    tenant.settled()
    assert SECRET in json.loads(made.reply.body)["choices"][0]["message"]["content"]
    shown = "\n".join(text for _, text in [*read_tables(place), *read_doors(tenant)])
    for known in ("openai/telling", made.reply.headers["x-tallygate-receipt-id"], "openai-lab"):
        assert known in shown
