"""Calls that read and write a provider's cache, in literal nano-USD, on both engines: each kind of input at its own
price, whichever languages caller and provider speak, and a hold that covers the dearest.
"""

import json
from typing import Any

import pytest

from tests.money.matrix import DOORS
from tests.money.place import Place, write_body
from tests.money.receipts import check_ledger, read_receipts

HELD_NUSD = 1_412_000
"""400 bytes and 256 of a template, each as if it were written to the cache for an hour, and 50 tokens of output."""

CHARGED_NUSD = 75_204
"""18 of input at 1,000, 7 read at 100.5, 10 written at 1,250, 15 written for an hour at 2,000, 7 of output at 2,000: in
all 75,203.5, and the half is rounded up once.
"""

MARK = {"type": "ephemeral", "ttl": "1h"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("upstream", ["openai", "anthropic"])
@pytest.mark.parametrize("door", ["chat", "messages"])
def test_each_kind_of_input_is_charged_at_its_own_price(
    door: str, upstream: str, stream: bool, engine_place: Place
) -> None:
    tenant, nonce = engine_place.found(), engine_place.next_nonce()
    asked: dict[str, Any] = {"stream_options": {"include_usage": True}} if door == "chat" and stream else {}
    body = write_body(f"{upstream}/kept", nonce, stream=stream, cache_control=MARK, **asked)
    sends = [("Content-Type", "application/json")]
    reply = engine_place.gateway.ask("POST", DOORS[door].path, body, sends, key=tenant.key)
    assert reply.status == 200
    (hold,) = tenant.settled()
    assert (hold.amount_nusd, hold.charged_nusd, hold.loss_nusd) == (HELD_NUSD, CHARGED_NUSD, 0)
    assert (hold.input_tokens, hold.output_tokens) == (50, 7)
    (kept,) = read_receipts(tenant)
    check_ledger(engine_place, kept, hold)
    check_usage(door, read_usage(reply.body, stream=stream))
    knows_marks = upstream == "anthropic" or door == "chat"
    (sent,) = engine_place.asked(nonce)
    assert json.loads(sent["body"]).get("cache_control") == (MARK if knows_marks else None)
    assert reply.headers.get("x-tallygate-dropped", "") == ("" if knows_marks else "cache_control")


def check_usage(door: str, usage: dict[str, Any]) -> None:
    """The caller's own figures, in the words of its wire."""
    if door == "chat":
        assert usage["prompt_tokens"] == 50
        details = usage["prompt_tokens_details"]
        assert details == {"cached_tokens": 7, "cache_write_tokens": 25, "cache_write_1h_tokens": 15}
        return
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (18, 7)
    assert usage["cache_creation_input_tokens"] == 25
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 15}


def read_usage(body: bytes, *, stream: bool) -> dict[str, Any]:
    """The last usage of an answer."""
    if not stream:
        return json.loads(body)["usage"]
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    return [event["usage"] for event in events if event.get("usage")][-1]
