"""Receipts of calls over real sockets, on both engines: one for each way a call can end, each numbered once."""

from itertools import pairwise
from typing import Any

import pytest

from tests.contract.gateway import Reply
from tests.fakes.openings import openings_in, say, write_content
from tests.money.matrix import DOORS, ROWS, Cell, list_cells
from tests.money.place import Place, Tenant, write_body
from tests.money.receipts import Kept, check_ledger, read_receipts
from tests.money.scripts import WORD
from tests.money.test_matrix import check_cell

ENDS = (
    "usage at the end",
    "nothing said, and no reason",
    "left before the answer",
    "left in the middle",
    "left before the answer, with a key",
    "asks again, with a key",
    "500 of the provider",
    "stream cut in the middle",
    "a second target after a 500",
    "a second target, of another language",
    "usage above the hold",
    "no target can carry it",
)
"""Rows of the matrix: each way to end is among them."""

THREE_WORDS = write_content(say(3 * WORD))


def list_ends() -> list[Cell]:
    """One cell for each end: whole and streamed, at all doors and with both languages by turns."""
    chosen: list[Cell] = []
    for number, name in enumerate(ENDS):
        cells = list(list_cells(tuple(row for row in ROWS if row.name == name)))
        door = tuple(DOORS)[number % len(DOORS)]
        here = [cell for cell in cells if cell.door == door] or cells
        chosen.append(here[number // len(DOORS) % len(here)])
    return chosen


def ask(tenant: Tenant, body: bytes, door: str = "chat", key: str = "") -> Reply:
    sent = [("Content-Type", "application/json"), *([("Idempotency-Key", key)] if key else [])]
    return tenant.place.gateway.ask("POST", DOORS[door].path, body, sent, key=tenant.key)


def the_receipt(tenant: Tenant) -> Kept:
    """The receipt of a workspace's only call."""
    (hold,) = tenant.settled()
    (kept,) = read_receipts(tenant)
    check_ledger(tenant.place, kept, hold)
    return kept


@pytest.mark.parametrize("cell", list_ends(), ids=str)
def test_each_end_has_a_receipt_of_its_own_on_postgresql(cell: Cell, postgresql_crew: Place) -> None:
    check_cell(cell, postgresql_crew)


def test_every_end_is_tried() -> None:
    assert [cell.row.name for cell in list_ends()] == list(ENDS)
    ends = [cell.row.end_at(cell.upstream) for cell in list_ends()]
    assert {end.status for end in ends if end.state == "posted"} == {"ok", "partial", "cancelled", "failed"}
    assert {cell.stream for cell in list_ends()} == {True, False}
    assert {cell.door for cell in list_ends()} == set(DOORS)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_free_call_has_a_receipt(stream: bool, engine_place: Place) -> None:
    tenant, nonce = engine_place.found("0"), engine_place.next_nonce()
    body = write_body("openai/free", nonce, stream=stream)
    assert ask(tenant, body).status == 200
    kept = the_receipt(tenant)
    charge, openings = kept.body["charge"], openings_in(kept.body, kept.seed)
    assert (charge["amount"], charge["basis"]) == ("0", "free")
    assert openings.opens("request", body)
    assert openings.opens("response.content", THREE_WORDS)


def test_what_a_translation_left_out_is_in_the_receipt(engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    body = write_body("anthropic/good", nonce, stream=True, store=False, session_id="t")
    reply = ask(tenant, body)
    kept = the_receipt(tenant)
    assert reply.headers["x-tallygate-dropped"].split(", ") == kept.body["dropped"]
    assert sorted(kept.body["dropped"]) == ["session_id", "store"]
    (asked,) = engine_place.asked(nonce)
    openings = openings_in(kept.body, kept.seed)
    assert openings.opens("forwarded", asked["body"].encode("latin-1"))
    params = b'{"max_tokens":50,"model":"anthropic/good","session_id":"t","store":false,"stream":true}'
    assert openings.opens("request.params", params)


def test_every_attempt_is_in_the_receipt(engine_place: Place) -> None:
    tenant = engine_place.found()
    ask(tenant, write_body("openai/second-after-another-language", engine_place.next_nonce(), stream=False))
    body = the_receipt(tenant).body
    assert body["forwarded"]["attempts"] == [
        {"error": "overloaded", "model": "status-503", "provider": "anthropic-lab", "status": 503},
        {"model": "good", "provider": "openai-lab", "status": 200},
    ]
    assert body["route"] == {"fallback": True, "model": "good", "provider": "openai-lab", "reported_model": "lab"}


def test_a_call_that_is_asked_for_again_has_one_receipt(engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    body = write_body("openai/good", nonce, stream=True)
    replies = [ask(tenant, body, key=nonce) for _ in range(3)]
    assert len({reply.body for reply in replies}) == 1
    own = f": tallygate-receipt {the_receipt(tenant).id}\n\n".encode()
    assert replies[0].body.count(own) == 1
    kept = the_receipt(tenant)
    assert openings_in(kept.body, kept.seed).opens("response", replies[0].body.replace(own, b""))


def test_a_workspace_s_receipts_are_numbered_without_a_gap(engine_place: Place) -> None:
    mine, theirs = engine_place.found(), engine_place.found()
    engine_place.raise_concurrency(mine)
    scripts = ("good", "status-500", "uncounted", "status-400", "free") * 3
    nonce = engine_place.next_nonce()
    with engine_place.calling(nonce, len(scripts)) as pool:
        for script in scripts:
            pool.submit(ask, mine, write_body(f"openai/{script}", nonce, stream=script == "good"))
            pool.submit(ask, theirs, write_body("openai/good", nonce, stream=False))
    mine.settled(len(scripts))
    kept = read_receipts(mine)
    assert [one.sequence for one in kept] == list(range(1, len(scripts) + 1))
    assert {one.body["subject"]["ref"] for one in kept} != {one.body["subject"]["ref"] for one in read_receipts(theirs)}
    assert len({one.body["subject"]["ref"] for one in kept}) == 1
    assert len({one.seed for one in kept}) == len(kept)
    commitments: list[dict[Any, str]] = [dict(openings_in(one.body, one.seed).commitments) for one in kept]
    for one, other in pairwise(commitments):
        assert set(one.values()).isdisjoint(other.values())
