"""A caller's own receipts over real sockets: what is handed out verifies, and nothing of anybody else's is told."""

import json
from base64 import b64decode
from typing import Any

import pytest

from tallygate.receipts.bundle import read_bundle
from tallygate.receipts.commitment import LABELS, Label
from tallygate.receipts.entries import PriceEntry, digest_body, write_keys
from tallygate.receipts.receipt import read_receipt
from tallygate.receipts.tlog_proof import read as read_proof
from tallygate.receipts.verify import FAILED, VERIFIED, Material, verify
from tallygate.store.receipts import SPAN
from tests.api.envelope import check_error
from tests.contract.gateway import Reply
from tests.fakes.doors import ADMIN_KEY, House
from tests.fakes.log import KEYS, Log
from tests.fakes.past import Past
from tests.receipts import making

OWN = ("/v1/receipts", "/v1/receipts/call_1", "/v1/receipts/call_1/proof", "/v1/prices/v1")
WHOLE = ["accounting:view_tenant"]


def check_document(reply: Reply, content_type: str = "application/json") -> bytes:
    """The bytes of an answer that went well, bare and for nobody to keep."""
    assert (reply.status, reply.headers["content-type"]) == (200, content_type), reply.body
    assert reply.headers["cache-control"] == "no-store"
    return reply.body


def check_pending(reply: Reply, entry_id: str) -> None:
    """There will be an answer soon."""
    assert (reply.status, reply.json) == (202, {"status": "pending", "id": entry_id})
    assert (reply.headers["retry-after"], reply.headers["cache-control"]) == ("1", "no-store")


def test_a_receipt_verifies_without_the_gateway(house: House, log: Log) -> None:
    key, record = house.make_key()
    ids = log.write_many(record, 5)
    assert log.publish() == 5
    for receipt_id in ids:
        data = check_document(house.ask("GET", f"/v1/receipts/{receipt_id}", key=key))
        verdict = verify(data, KEYS.public)
        assert (verdict.exit_code, read_receipt(read_bundle(data).body).id) == (VERIFIED, receipt_id), verdict.checks
        assert read_bundle(data).openings == {}


def test_every_byte_of_it_counts(house: House, log: Log) -> None:
    key, record = house.make_key()
    receipt_id = log.write(record)
    log.publish()
    data = check_document(house.ask("GET", f"/v1/receipts/{receipt_id}", key=key))
    for place in range(len(data)):
        spoilt = bytearray(data)
        spoilt[place] ^= 1
        assert verify(bytes(spoilt), KEYS.public).exit_code == FAILED, place


def test_a_receipt_is_pending_until_a_checkpoint_covers_it(house: House, log: Log, past: Past) -> None:
    key, record = house.make_key()
    running = past.call(record, state="open")
    early = log.write(record)
    for receipt_id in (running, early):
        check_pending(house.ask("GET", f"/v1/receipts/{receipt_id}", key=key), receipt_id)
        check_pending(house.ask("GET", f"/v1/receipts/{receipt_id}/proof", key=key), receipt_id)
    log.publish()
    late = log.write(record)
    log.append()
    check_document(house.ask("GET", f"/v1/receipts/{early}", key=key))
    check_pending(house.ask("GET", f"/v1/receipts/{late}", key=key), late)
    log.publish()
    check_document(house.ask("GET", f"/v1/receipts/{late}", key=key))


def test_what_is_not_ones_own_is_as_unknown_as_what_never_was(house: House, log: Log, past: Past) -> None:
    key, mine = house.make_key()
    whole, _ = house.make_key(permissions=WHOLE)
    _, sibling = house.make_key(user="ada")
    _, stranger = house.make_key("rival")
    written = {record.id: log.write(record) for record in (mine, sibling, stranger)}
    log.publish()
    for tail in ("", "/proof", "?openings=true", "?openings=request", "/proof?size=3"):
        unknown = anonymous(house.ask("GET", f"/v1/receipts/call_{'f' * 32}{tail}", key=key))
        assert unknown[0] == 404
        for hidden in (
            written[sibling.id],
            written[stranger.id],
            past.call(sibling, state="open"),
            past.call(stranger, state="open"),
            past.call(mine, state="voided"),
            "%2e%2e",
        ):
            assert anonymous(house.ask("GET", f"/v1/receipts/{hidden}{tail}", key=key)) == unknown
        assert anonymous(house.ask("GET", f"/v1/receipts/{written[stranger.id]}{tail}", key=whole)) == unknown
        assert house.ask("GET", f"/v1/receipts/{written[sibling.id]}{tail}", key=whole).status == 200


def anonymous(reply: Reply) -> tuple[int, bytes, list[tuple[str, str]]]:
    """What is left of an answer without its ids and its date."""
    body = reply.body.replace(reply.headers["x-request-id"].encode(), b"")
    return reply.status, body, [pair for pair in reply.pairs if pair[0] not in ("x-request-id", "request-id", "date")]


def test_its_owner_can_open_it_field_by_field(house: House, log: Log) -> None:
    key, record = house.make_key()
    path = f"/v1/receipts/{log.write(record)}"
    log.publish()
    for query, labels in (
        ("true", set(LABELS)),
        ("request", {"request"}),
        ("response,request", {"request", "response"}),
    ):
        data = check_document(house.ask("GET", f"{path}?openings={query}", key=key))
        assert read_bundle(data).openings.keys() == labels
        opened: dict[Label, bytes] = {label: making.BODIES[label] for label in LABELS if label in labels}
        assert verify(data, KEYS.public, Material(opened=opened)).exit_code == VERIFIED
        lies = dict.fromkeys(opened, b"something else")
        assert verify(data, KEYS.public, Material(opened=lies)).exit_code == FAILED
    check_document(house.ask("GET", f"{path}?openings=", key=key))
    for bad in ("false", "request,", "seed", "request&openings=response"):
        check_error(house.ask("GET", f"{path}?openings={bad}", key=key), 400, "invalid_value")


def test_what_was_not_committed_to_cannot_be_opened(house: House, log: Log) -> None:
    key, record = house.make_key()
    path = f"/v1/receipts/{log.write(record)}"
    body = json.loads(check_pending_then_fetch(house, log, path, key))["receipt"]
    del body["response"]["content_commit"]
    spare = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    log.run("UPDATE receipts SET body = ?", (spare,))
    assert "response.content" not in house.ask("GET", f"{path}?openings=true", key=key).json["openings"]
    error = check_error(house.ask("GET", f"{path}?openings=response.content", key=key), 400, "invalid_value")
    assert error["details"][0]["field"] == "openings"


def check_pending_then_fetch(house: House, log: Log, path: str, key: str) -> bytes:
    """A receipt, once it is published."""
    assert house.ask("GET", path, key=key).status == 202
    log.publish()
    return check_document(house.ask("GET", path, key=key))


def test_an_erased_receipt_is_gone_and_still_proved(house: House, log: Log) -> None:
    key, record = house.make_key()
    path = f"/v1/receipts/{log.write(record)}"
    log.publish()
    log.run("UPDATE receipts SET seed = NULL")
    check_document(house.ask("GET", path, key=key))
    check_error(house.ask("GET", f"{path}?openings=true", key=key), 410, "receipt_erased")
    log.run("UPDATE receipts SET body = NULL")
    check_error(house.ask("GET", path, key=key), 410, "receipt_erased")
    check_document(house.ask("GET", f"{path}/proof", key=key), "text/plain; charset=utf-8")
    (listed,) = house.ask("GET", "/v1/receipts", key=key).json["receipts"]
    assert listed.keys() == {"id", "seq", "entry", "leaf_index"}


def test_a_proof_leads_to_the_checkpoint_that_was_asked_for(house: House, log: Log) -> None:
    key, record = house.make_key()
    first = log.write(record)
    assert log.publish() == 1
    last = log.write_many(record, 2)[-1]
    assert log.publish() == 3
    for receipt_id, size, length in (
        (first, "", 2),
        (first, "?size=1", 0),
        (first, "?size=3", 2),
        (last, "?size=3", 1),
    ):
        reply = house.ask("GET", f"/v1/receipts/{receipt_id}/proof{size}", key=key)
        proof = read_proof(check_document(reply, "text/plain; charset=utf-8"))
        assert len(proof.path) == length
        bundle = check_document(house.ask("GET", f"/v1/receipts/{receipt_id}", key=key))
        assert proof.index == read_proof(read_bundle(bundle).proof).index
    for receipt_id, size in ((first, 2), (first, 4), (last, 1)):
        reply = house.ask("GET", f"/v1/receipts/{receipt_id}/proof?size={size}", key=key)
        check_error(reply, 404, "not_found")
    for size in ("0", "-1", "x", "9007199254740992"):
        reply = house.ask("GET", f"/v1/receipts/{first}/proof?size={size}", key=key)
        check_error(reply, 400, "invalid_value")


def test_a_list_is_enough_to_audit_an_account(house: House, log: Log) -> None:
    key, record = house.make_key(permissions=WHOLE)
    _, stranger = house.make_key("rival")
    log.write_many(record, 4)
    log.write(stranger)
    log.publish()
    log.write(record)
    seen: list[Any] = []
    path = "/v1/receipts?limit=2"
    while True:
        reply = house.ask("GET", path, key=key)
        check_document(reply)
        assert reply.json["scope"] == "workspace"
        seen += reply.json["receipts"]
        if not reply.json["has_more"]:
            break
        path = f"/v1/receipts?limit=2&after_seq={reply.json['next_after_seq']}"
    assert [one["seq"] for one in seen] == [one["receipt"]["subject"]["seq"] for one in seen] == [1, 2, 3, 4, 5]
    assert [one.get("leaf_index") for one in seen] == [0, 1, 2, 3, None]
    assert [one["id"] for one in seen] == [one["receipt"]["id"] for one in seen]
    assert reply.json["next_after_seq"] == 5


def test_the_bodies_in_a_list_are_those_of_the_entries(house: House, log: Log) -> None:
    key, record = house.make_key()
    receipt_id = log.write(record)
    log.publish()
    body = read_bundle(check_document(house.ask("GET", f"/v1/receipts/{receipt_id}", key=key))).body
    listed = house.ask("GET", "/v1/receipts", key=key)
    assert body in listed.body
    assert b64decode(listed.json["receipts"][0]["entry"]) == digest_body(body)


def test_a_user_sees_its_own_calls_in_the_list(house: House, log: Log) -> None:
    key, record = house.make_key()
    _, sibling = house.make_key(user="ada")
    mine = log.write(record)
    log.write(sibling)
    reply = house.ask("GET", "/v1/receipts", key=key)
    assert ([one["id"] for one in reply.json["receipts"]], reply.json["scope"]) == ([mine], "user")
    # Numbers of others are passed over, so nobody is looked through twice.
    assert (reply.json["next_after_seq"], reply.json["has_more"]) == (2, False)
    log.run("UPDATE receipts SET sequence = sequence + ?", (SPAN,))
    page = house.ask("GET", "/v1/receipts", key=key).json
    assert (page["receipts"], page["next_after_seq"], page["has_more"]) == ([], SPAN, True)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after_seq=-1", "after_seq=x", "after=1", "user_id=u"])
def test_a_bad_question_names_its_fault(strict_house: House, tenant_key: str, query: str) -> None:
    error = check_error(strict_house.ask("GET", f"/v1/receipts?{query}", key=tenant_key), 400, "invalid_value")
    assert error["details"][0]["field"] in query


def test_a_price_that_receipts_name_is_on_record(house: House, log: Log) -> None:
    key, _ = house.make_key(permissions=[])
    terms = {"input": "1.00", "output": "2.00"}
    for kind in ("sale", "cost"):
        name = "m" if kind == "sale" else "lab/m"
        reply = house.administer("POST", "/v1/admin/prices", {"kind": kind, "name": name, "price": terms})
        assert reply.status in (200, 201), reply.body
    listed = {row["kind"]: row["version"] for row in house.administer("GET", "/v1/admin/prices").json["data"]}
    path = f"/v1/prices/{listed['sale']}"
    check_error(house.ask("GET", path, key=key), 404, "not_found")
    log.record()
    check_pending(house.ask("GET", path, key=key), listed["sale"])
    log.publish()
    data = check_document(house.ask("GET", path, key=key))
    entry = read_bundle(data).entry
    assert isinstance(entry, PriceEntry)
    assert (entry.version, entry.name, json.loads(entry.terms)) == (listed["sale"], "m", terms)
    assert verify(data, KEYS.public).exit_code == VERIFIED
    unknown = anonymous(house.ask("GET", "/v1/prices/unknown", key=key))
    assert unknown[0] == 404
    # What the house pays is its own affair, and a set of keys is no price.
    keys_id = f"keys_{digest_body(write_keys(KEYS.public, KEYS.origin, 0)).hex()[:32]}"
    for hidden in (listed["cost"], keys_id):
        assert anonymous(house.ask("GET", f"/v1/prices/{hidden}", key=key)) == unknown


@pytest.mark.parametrize("path", OWN)
def test_who_may_not_ask(house: House, path: str) -> None:
    check_error(house.ask("GET", path), 401, "invalid_api_key")
    check_error(house.ask("GET", path, key="lx-nobody"), 401, "invalid_api_key")
    check_error(house.ask("GET", path, key=ADMIN_KEY), 403, "permission_denied")
    if not path.startswith("/v1/prices"):
        poor, _ = house.make_key(permissions=["models:use", "routing:view"])
        check_error(house.ask("GET", path, key=poor), 403, "permission_denied")


def test_no_false_proof_is_handed_out(house: House, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    key, record = house.make_key()
    path = f"/v1/receipts/{log.write_many(record, 2)[0]}"
    log.publish()
    log.run("UPDATE log_tiles SET hashes = ?", (bytes(64),))
    for tail in ("", "/proof"):
        check_error(house.ask("GET", path + tail, key=key), 500, "log_damaged")
    assert "is not in the tree of checkpoint 2" in caplog.text


def test_nobody_else_s_receipt_comes_with_ones_own(house: House, log: Log) -> None:
    key, record = house.make_key(permissions=WHOLE)
    _, stranger = house.make_key("rival")
    mine, theirs = log.write(record), log.write(stranger)
    log.publish()
    told = b"".join(
        house.ask("GET", path, key=key).body
        for path in ("/v1/receipts", f"/v1/receipts/{mine}", f"/v1/receipts/{mine}/proof", f"/v1/receipts/{theirs}")
    )
    for secret in (theirs, stranger.workspace_id, record.workspace_id, stranger.user_id):
        assert secret.encode() not in told
