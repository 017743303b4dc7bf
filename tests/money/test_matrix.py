"""Every cell of the money matrix over real sockets: what the client, the provider, the call's record, its receipt, the
balance and the ledger tell agrees with the table, to the nano-USD.
"""

import http.client
import json
import socket
import struct
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.gateway import Reply, read_reply
from tests.money.matrix import DOORS, FIELD_AT_FAULT, HASTY_ROWS, HELD_NUSD, REFUSALS, ROWS, Cell, list_cells
from tests.money.place import Place, Tenant, write_body
from tests.money.receipts import check_receipt, read_receipts
from tests.money.scripts import WORD

RECEIPT = "x-tallygate-receipt-id"
COST = "x-tallygate-cost-usd"


def cells(rows: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", list(list_cells(rows)), ids=str)


@cells(ROWS)
def test_a_call_comes_to_what_the_table_says(cell: Cell, place: Place) -> None:
    check_cell(cell, place)


@cells(HASTY_ROWS)
def test_a_call_that_time_ends_comes_to_what_the_table_says(cell: Cell, hasty_place: Place) -> None:
    check_cell(cell, hasty_place)


@pytest.mark.long
@cells(ROWS)
def test_a_call_comes_to_the_same_with_four_workers_on_postgresql(cell: Cell, postgresql_crew: Place) -> None:
    check_cell(cell, postgresql_crew)


def check_cell(cell: Cell, place: Place) -> None:
    tenant, nonce, end = place.found(), place.next_nonce(), cell.row.end_at(cell.upstream)
    reply = play(cell, tenant, nonce)
    (hold,) = tenant.settled()
    assert (hold.state, hold.amount_nusd) == (end.state, HELD_NUSD)
    assert (hold.charged_nusd, hold.loss_nusd) == (end.charged_nusd, end.loss_nusd)
    assert (hold.input_tokens, hold.output_tokens) == (end.input_tokens, end.output_tokens)
    asked = place.asked(nonce)
    assert len(asked) == end.sent
    assert all(json.loads(entry["body"])["max_tokens"] == 50 for entry in asked)
    check_account(tenant, end.charged_nusd, calls=int(end.state == "posted"))
    if end.http:
        assert reply is not None
        http = DOORS[cell.door].statuses.get(end.http, end.http)
        assert reply.status == (end.messages_http if cell.door == "messages" and end.messages_http else http)
    if reply is not None and end.state == "posted":
        assert reply.headers[RECEIPT] == hold.id
        told = reply.headers.get(COST)
        assert (told is not None) == (end.status == "ok" and not cell.stream)
        assert told is None or Decimal(told) == Decimal(end.charged_nusd) / 10**9
    if end.state == "posted":
        check_record(cell, tenant, hold.id)
        check_receipt(cell, tenant, hold, write_request(cell, nonce), reply)
    else:
        assert read_receipts(tenant) == []


def check_account(tenant: Tenant, charged_nusd: int, *, calls: int) -> None:
    credit = tenant.read("/v1/credits")
    assert (credit["total_usage"], credit["held_nusd"]) == (Decimal(charged_nusd) / 10**9, 0)
    rows = tenant.read("/v1/usage?group_by=model")
    assert [(row["calls"], row["charged_nusd"]) for row in rows] == [(1, charged_nusd)] * calls


def check_record(cell: Cell, tenant: Tenant, call_id: str) -> None:
    end, told = cell.row.end_at(cell.upstream), tenant.read(f"/v1/generation?id={call_id}")
    assert (told["state"], told["charged_nusd"], told["reserved_nusd"]) == ("posted", end.charged_nusd, HELD_NUSD)
    assert (told["tokens_prompt"], told["tokens_completion"]) == (end.input_tokens, end.output_tokens)
    assert (told["status"], told["streamed"], told["error_code"] or "") == (end.status, cell.stream, end.error_code)
    assert (told["usage_source"], told["sequence"]) == (end.usage_source, 1)


def play(cell: Cell, tenant: Tenant, nonce: str) -> Reply | None:
    """What the client heard; None if it left before there was a head."""
    place, client = tenant.place, cell.row.client
    connection = place.gateway.connect()
    try:
        send(connection, cell, tenant, nonce)
        if client == "leaves before":
            place.wait_for("holding", nonce)
        elif client == "never reads":
            tenant.settled()
        else:
            reply = hear(connection, cell, place, nonce)
            if client == "asks again":
                send(connection, cell, tenant, nonce)
                check_replay(reply, read_reply(connection.getresponse()))
            return reply
        leave(connection)
        return None
    finally:
        connection.close()
        if cell.row.key:
            place.player.open_gate(nonce)
        tenant.settled()
        place.player.open_gate(nonce)


def check_replay(first: Reply, second: Reply) -> None:
    """The same answer again, but for what belongs to the request."""
    own = {"date", "x-request-id", "request-id"}
    told = [(name, value) for name, value in second.pairs if name not in own]
    assert (second.status, second.body) == (first.status, first.body)
    assert sorted(told) == sorted(
        [*((name, value) for name, value in first.pairs if name not in own), ("idempotent-replayed", "true")]
    )


def send(connection: http.client.HTTPConnection, cell: Cell, tenant: Tenant, nonce: str) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tenant.key}"}
    if cell.row.key:
        headers["Idempotency-Key"] = cell.row.key
    connection.request("POST", DOORS[cell.door].path, write_request(cell, nonce), headers)


def write_request(cell: Cell, nonce: str) -> bytes:
    model = f"{cell.upstream}/{cell.row.script}"
    return write_body(model, nonce, stream=cell.stream, door=cell.door, **cell.row.more)


def hear(connection: http.client.HTTPConnection, cell: Cell, place: Place, nonce: str) -> Reply:
    """The answer, as far as the client listens."""
    response = connection.getresponse()
    if cell.row.client in ("stays", "asks again"):
        return read_reply(response)
    got = b""
    while WORD.encode() not in got:
        got += (piece := response.read1())
        assert piece, got
    if cell.row.client == "nudges":
        place.player.open_gate(nonce)
        reply = read_reply(response)
        return reply._replace(body=got + reply.body)
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    leave(connection, response)
    return Reply(response.status, dict(pairs), pairs, got)


def leave(connection: http.client.HTTPConnection, response: http.client.HTTPResponse | None = None) -> None:
    """Hang up as a killed program does."""
    sock: socket.socket | None = connection.sock
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if response is not None:
        response.close()
    connection.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda name: name.replace(" ", "_"))
def test_a_refusal_is_free(refusal: str, door: str, stream: bool, place: Place) -> None:
    status, code = REFUSALS[refusal]
    tenant = place.found()
    nonce, reply = refuse(refusal, door, tenant, stream=stream)
    apart = door in ("inference", "generate", "run") and refusal == "a field that is wrong"
    assert reply.status == (FIELD_AT_FAULT if apart else status), reply.body
    assert code in reply.body.decode().lower() or door == "messages"
    assert RECEIPT not in reply.headers
    assert COST not in reply.headers
    assert reply.headers["x-should-retry"] == "false"
    assert place.asked(nonce) == []
    assert tenant.holds() == []


def refuse(refusal: str, door: str, tenant: Tenant, *, stream: bool) -> tuple[str, Reply]:
    """A request that is refused for that; the word it bears, and its answer."""
    place, nonce, key, sent = (
        tenant.place,
        tenant.place.next_nonce(),
        tenant.key,
        [("Content-Type", "application/json")],
    )
    script, more = "good", dict[str, Any]()
    match refusal:
        case "a key that is none":
            key = key[:-1] + ("A" if key[-1] != "A" else "B")
        case "a balance too short":
            place.administer("POST", "payouts", {"workspace": tenant.name, "usd": "0.99999", "id": nonce})
        case "a budget too short":
            limits = {"level": "workspace", "owner": tenant.name, "budgets": {"daily": "0.000700"}}
            place.administer("PATCH", "limits", limits)
        case "a key for other models":
            key = place.make_key(tenant.name, models=["another"])
        case "a key that may not call":
            key = place.make_key(tenant.name, permissions=["accounting:view_own"])
        case "a model without a price":
            script = "unpriced"
        case "a model that is not there":
            script = "goo"
        case "a body of another kind":
            sent = [("Content-Type", "text/plain")]
        case "a field that is wrong":
            more = {"temperature": "hot"}
        case "two keys at once":
            sent = [*sent, ("x-api-key", place.make_key(tenant.name))]
        case _:
            pass
    body = write_body(f"{DOORS[door].language}/{script}", nonce, stream=stream, door=door, **more)
    if refusal == "a body that is no JSON":
        body = body[:-1]
    elif refusal == "a body too large":
        body += b" " * 20_000
    return nonce, place.gateway.ask("POST", DOORS[door].path, body, sent, key=key)
