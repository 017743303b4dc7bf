"""Calls for embeddings, in literal nano-USD, on both engines: what is held, what is charged, and what the receipt and
the client's own figures say of it. A token of input costs 1,000.
"""

import hashlib
import json
import struct
from typing import NamedTuple

import pytest

from tests.contract.gateway import Reply
from tests.fakes.openings import openings_in
from tests.money.place import Place, Tenant
from tests.money.receipts import check_ledger, read_receipts
from tests.money.wires import VECTOR

DOORS = ("/v1/embeddings", "/v1/inference/embed")
BODY_BYTES = 400
HELD_NUSD = 316_000
"""1,000 for each of 300 bytes of text and of 16 marks around it."""

CONTENT = [{"index": 0, "vector": hashlib.sha256(struct.pack("<3f", *VECTOR)).hexdigest()}]


class Row(NamedTuple):
    """What a script comes to."""

    script: str
    http: int
    charged_nusd: int
    input_tokens: int
    source: str = "provider"
    status: str = "ok"
    loss_nusd: int = 0


ROWS = (
    Row("good", 200, 30_000, 30),
    # A quarter of 400 bytes.
    Row("uncounted", 200, 100_000, 100, "estimated"),
    Row("zero", 200, 0, 0),
    Row("negative-input", 200, 100_000, 100, "estimated"),
    Row("second-after-500", 200, 30_000, 30),
    Row("status-400", 400, 0, 0, "counted", "failed"),
    Row("status-429", 503, 0, 0, "counted", "failed"),
    Row("status-500", 502, 0, 0, "counted", "failed"),
    Row("reset-at-once", 502, 0, 0, "counted", "failed"),
    Row("cut-in-the-middle", 502, 0, 0, "counted", "failed"),
)

every_door = pytest.mark.parametrize("door", DOORS)


def write_body(script: str, nonce: str) -> bytes:
    """A request of 400 bytes with a text of 300."""
    body = {"model": f"vectors/{script}", "input": f"{nonce} ".ljust(300, "x"), "user": ""}
    body["user"] = "u" * (BODY_BYTES - len(json.dumps(body)))
    return json.dumps(body).encode()


def ask(tenant: Tenant, door: str, body: bytes, key: str = "") -> Reply:
    headers = [("Content-Type", "application/json"), *([("Idempotency-Key", key)] if key else [])]
    return tenant.place.gateway.ask("POST", door, body, headers, key=tenant.key)


@every_door
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.script)
def test_what_a_call_comes_to(row: Row, door: str, engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    body = write_body(row.script, nonce)
    quoted = tenant.send("POST", "/v1/quote", {"url": door, "body": json.loads(body)}).json["data"]
    reply = ask(tenant, door, body)
    assert reply.status == row.http, reply.body
    (hold,) = tenant.settled()
    assert quoted["max_cost_nusd"] == hold.amount_nusd == HELD_NUSD
    assert (hold.state, hold.charged_nusd, hold.loss_nusd) == ("posted", row.charged_nusd, row.loss_nusd)
    assert (hold.input_tokens, hold.output_tokens) == (row.input_tokens, 0)
    shown = tenant.read(f"/v1/generation?id={hold.id}")
    assert (shown["operation"], shown["status"], shown["usage_source"]) == ("embed", row.status, row.source)
    assert shown["charged_nusd"] == row.charged_nusd
    check_receipt(tenant, door, body, reply, ended_well=row.status == "ok")
    if row.status == "ok":
        assert reply.headers["x-tallygate-cost-usd"] == shown["charged_usd"]


def check_receipt(tenant: Tenant, door: str, body: bytes, reply: Reply, *, ended_well: bool) -> None:
    """The receipt is of this request, this answer and this charge."""
    (kept,), (hold,) = read_receipts(tenant), tenant.holds()
    check_ledger(tenant.place, kept, hold)
    assert kept.body["request"]["endpoint"] == door
    assert kept.body["response"]["complete"] == ended_well
    openings = openings_in(kept.body, kept.seed)
    assert openings.opens("request", body)
    params = {name: value for name, value in json.loads(body).items() if name != "input"}
    assert openings.opens("request.params", json.dumps(params, separators=(",", ":"), sort_keys=True).encode())
    if ended_well:
        assert openings.opens("response", reply.body)
        assert openings.opens("response.content", json.dumps(CONTENT, separators=(",", ":")).encode())
    else:
        assert "response.content" not in openings.commitments


@every_door
def test_who_leaves_before_the_answer_pays_for_what_was_read(door: str, engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    connection = engine_place.gateway.connect()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tenant.key}"}
    connection.request("POST", door, write_body("held", nonce), headers)
    engine_place.wait_for("holding", nonce)
    connection.close()
    (hold,) = tenant.settled()
    engine_place.player.open_gate(nonce)
    assert (hold.state, hold.charged_nusd, hold.input_tokens, hold.output_tokens) == ("posted", 100_000, 100, 0)
    assert tenant.read(f"/v1/generation?id={hold.id}")["status"] == "cancelled"


@every_door
def test_who_asks_again_with_a_key_pays_once(door: str, engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    body = write_body("good", nonce)
    first, again = (ask(tenant, door, body, nonce) for _ in range(2))
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert [hold.charged_nusd for hold in tenant.settled()] == [30_000]
    assert len(engine_place.asked(nonce)) == 1


@every_door
def test_a_balance_that_does_not_cover_the_text_is_left_as_it_is(door: str, engine_place: Place) -> None:
    tenant, nonce = engine_place.found("0.000315"), engine_place.next_nonce()
    assert ask(tenant, door, write_body("good", nonce)).status == 402
    assert tenant.holds() == []
    assert not engine_place.asked(nonce)
