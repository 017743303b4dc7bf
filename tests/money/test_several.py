"""Calls that name several models, on both engines: the hold covers the dearest, and the charge is at the price of the
name that served.
"""

import http.client
import json
import os
import signal
from typing import Any

import pytest

from tallygate.receipts.bundle import read_bundle
from tallygate.receipts.entries import PriceEntry
from tests.contract.gateway import Reply
from tests.money.place import Place, Tenant, wait_until, write_body
from tests.money.receipts import check_ledger, read_receipts

HELD_DEAR_NUSD = 656 * 3_000 + 50 * 5_000
"""The bound of the usual request at the price of a dear model."""
CHEAP_NUSD = 30 * 1_000 + 7 * 2_000
DEAR_NUSD = 30 * 3_000 + 7 * 5_000


def ask(tenant: Tenant, models: list[str], nonce: str, *, stream: bool = False, **more: Any) -> Reply:
    sent = [("Content-Type", "application/json")]
    body = write_body(models[0], nonce, stream=stream, models=models[1:], **more)
    return tenant.place.gateway.ask("POST", "/api/v1/chat/completions", body, sent, key=tenant.key)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("models", "asked", "charged_nusd"),
    [
        (["openai/status-500", "anthropic/dear"], ["status-500", "good"], DEAR_NUSD),
        (["anthropic/dear-and-down", "openai/good"], ["status-503", "good"], CHEAP_NUSD),
        (["openai/status-400", "openai/dear"], ["status-400", "good"], DEAR_NUSD),
        (["openai/good", "anthropic/dear"], ["good"], CHEAP_NUSD),
        (["nobody/nothing", "openai/good", "anthropic/dear"], ["good"], CHEAP_NUSD),
    ],
    ids=["dearer", "cheaper", "refused by the first", "the first serves", "the first is not there"],
)
def test_the_name_that_served_is_paid(
    models: list[str], asked: list[str], charged_nusd: int, stream: bool, engine_place: Place
) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    reply = ask(tenant, models, nonce, stream=stream)
    assert reply.status == 200, reply.body
    (hold,) = tenant.settled()
    assert (hold.amount_nusd, hold.charged_nusd, hold.loss_nusd) == (HELD_DEAR_NUSD, charged_nusd, 0)
    assert [json.loads(entry["body"])["model"] for entry in engine_place.asked(nonce)] == asked
    (kept,) = read_receipts(tenant)
    check_ledger(engine_place, kept, hold)
    served = next(name for name in models if name != "nobody/nothing") if len(asked) == 1 else models[-1]
    called = kept.body["request"]["model"]
    assert called == models[0]
    assert kept.body["route"].get("sold_as", called) == served
    assert read_price(tenant, hold.price_version).name == served


def read_price(tenant: Tenant, version: str) -> PriceEntry:
    """What is on record of a price, once it is."""

    def look() -> PriceEntry | None:
        reply = tenant.send("GET", f"/v1/prices/{version}")
        if reply.status != 200:
            return None
        entry = read_bundle(reply.body).entry
        assert isinstance(entry, PriceEntry)
        return entry

    return wait_until(look)


def test_a_balance_for_the_cheaper_name_alone_is_too_short(engine_place: Place) -> None:
    tenant, nonce = engine_place.found("0.002217999"), engine_place.next_nonce()
    assert ask(tenant, ["openai/good", "anthropic/dear"], nonce).status == 402
    assert engine_place.asked(nonce) == []


def test_a_key_for_one_of_the_names_is_served_by_that_one(engine_place: Place) -> None:
    tenant, nonce = engine_place.found(models=["openai/good"]), engine_place.next_nonce()
    assert ask(tenant, ["openai/dear", "openai/good"], nonce).status == 200
    (hold,) = tenant.settled()
    assert (hold.model, hold.charged_nusd) == ("openai/good", CHEAP_NUSD)
    assert ask(tenant, ["openai/dear", "anthropic/dear"], nonce).status == 403


def test_a_name_that_is_too_dear_is_not_asked(engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    cheap: dict[str, Any] = {"provider": {"max_price": {"prompt": 1, "completion": 2}}}
    assert ask(tenant, ["openai/dear", "openai/good"], nonce, **cheap).status == 200
    (hold,) = tenant.settled()
    assert (hold.model, hold.amount_nusd, hold.charged_nusd) == ("openai/good", 756_000, CHEAP_NUSD)
    refused = ask(tenant, ["openai/dear", "anthropic/dear"], nonce, **cheap)
    assert refused.status == 404
    assert refused.json["error"]["availability"]["excluded_by"] == ["max_price"]
    assert len(tenant.holds()) == 1


def test_a_quote_tells_the_price_of_each_name_and_the_hold_of_the_dearest(engine_place: Place) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    body = json.loads(write_body("openai/good", nonce, stream=False, models=["anthropic/dear", "nobody/nothing"]))
    reply = tenant.send("POST", "/v1/quote", {"url": "/api/v1/chat/completions", "body": body})
    assert reply.status == 200, reply.body
    told = reply.json["data"]
    assert [shown["model"] for shown in told["models"]] == ["openai/good", "anthropic/dear"]
    assert [shown["price"]["output"] for shown in told["models"]] == ["2.00", "5.00"]
    assert told["price_version"] == told["models"][0]["price_version"]
    assert told["max_cost_nusd"] == told["models"][1]["max_cost_nusd"] == told["held_nusd"]
    assert engine_place.asked(nonce) == []


def test_a_call_that_dies_with_its_worker_pays_what_was_noted_at_the_price_of_who_served(crew: Place) -> None:
    tenant, nonce = crew.found(), crew.next_nonce()
    body = json.loads(write_body("anthropic/dear-and-held", nonce, stream=True))
    quote = tenant.send("POST", "/v1/quote", {"url": "/api/v1/chat/completions", "body": body}).json["data"]
    with crew.calling(nonce, 1) as pool:
        running = pool.submit(ask, tenant, ["openai/status-500", "anthropic/dear-and-held"], nonce, stream=True)
        crew.wait_for("holding", nonce)
        noted = wait_until(lambda: next((hold for hold in tenant.holds() if hold.progress_nusd), None))
        os.kill(crew.workers()[noted.epoch], signal.SIGKILL)
        with pytest.raises((http.client.HTTPException, OSError)):
            running.result()
        (dead,) = tenant.settled()
    wait_until(lambda: len(crew.workers()) == 4 or None)
    # This language counts its input at once: 30 tokens. The word that was handed on is taken for 2.
    assert (dead.model, dead.amount_nusd, dead.charged_nusd) == ("openai/status-500", HELD_DEAR_NUSD, 100_000)
    assert dead.price_version == quote["price_version"]
    (kept,) = read_receipts(tenant)
    check_ledger(crew, kept, dead)
    assert kept.body["charge"]["basis"] == "progress"
