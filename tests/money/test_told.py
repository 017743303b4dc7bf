"""What travels beside an answer: usage for who asked, the cap that was paid for; and what becomes of a revoked key."""

import http.client
import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.gateway import Reply, read_reply
from tests.money.matrix import DOORS, HELD_NUSD
from tests.money.place import Place, Tenant, write_body
from tests.money.scripts import WORD
from tests.money.wires import WIRES

CAP = "x-tallygate-output-cap"
CUT_WITHIN_S = 5.0
ROUNDS, ROUNDS_LONG = 5, 250
CONNECTIONS = 8


def ask(tenant: Tenant, body: bytes, door: str = "chat") -> Reply:
    sent = [("Content-Type", "application/json")]
    return tenant.place.gateway.ask("POST", DOORS[door].path, body, sent, key=tenant.key)


def read_events(body: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: {")]
    return [json.loads(line, parse_float=Decimal) for line in lines]


@pytest.mark.parametrize("upstream", WIRES)
def test_usage_comes_only_to_who_asked_and_the_charge_is_exact_for_both(upstream: str, place: Place) -> None:
    options: dict[str, Any]
    for options in ({}, {"stream_options": {"include_usage": True}}, {"stream_options": {"include_usage": False}}):
        tenant, nonce = place.found(), place.next_nonce()
        events = read_events(ask(tenant, write_body(f"{upstream}/good", nonce, stream=True, **options)).body)
        usages = [event["usage"] for event in events if event.get("usage")]
        if options.get("stream_options", {}).get("include_usage"):
            (usage,) = usages
            assert (usage["prompt_tokens"], usage["completion_tokens"]) == (30, 7)
            assert usage["cost"] == Decimal("0.000044")
            assert events[-1]["choices"] == []
        else:
            assert usages == []
            assert all(event["choices"] for event in events)
        assert [hold.charged_nusd for hold in tenant.settled()] == [44_000]
        if upstream == "openai":
            (asked,) = place.asked(nonce)
            assert json.loads(asked["body"])["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("upstream", WIRES)
def test_the_cap_that_was_held_for_is_sent_upstream(upstream: str, door: str, place: Place) -> None:
    tenant, nonce = place.found(), place.next_nonce()
    reply = ask(tenant, write_body(f"{upstream}/good", nonce, stream=False, door=door), door)
    (hold,) = tenant.settled()
    (asked,) = place.asked(nonce)
    assert json.loads(asked["body"])["max_tokens"] == hold.output_tokens_max == 50
    assert CAP not in reply.headers


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("upstream", WIRES)
def test_a_short_balance_shortens_the_answer_of_who_named_no_cap(upstream: str, stream: bool, place: Place) -> None:
    # 656,000 for the input leave 1,344,000 of 2,000,000: 672 tokens at 2,000.
    tenant, nonce = place.found("0.002"), place.next_nonce()
    reply = ask(tenant, without_cap(upstream, nonce, stream=stream))
    assert (reply.status, reply.headers[CAP]) == (200, "672")
    (hold,) = tenant.settled()
    assert (hold.amount_nusd, hold.output_tokens_max, hold.charged_nusd) == (2_000_000, 672, 44_000)
    assert [json.loads(asked["body"])["max_tokens"] for asked in place.asked(nonce)] == [672]


def test_a_balance_for_fewer_than_256_tokens_shortens_nothing(place: Place) -> None:
    # 511,999 are left for output: 255 tokens.
    tenant, nonce = place.found("0.001167999"), place.next_nonce()
    reply = ask(tenant, without_cap("openai", nonce, stream=False))
    assert (reply.status, reply.json["error"]["metadata"]["output_tokens_affordable"]) == (402, 255)
    assert place.asked(nonce) == []


def without_cap(upstream: str, nonce: str, *, stream: bool) -> bytes:
    """400 bytes without a cap: the member that named it is another one of the same length."""
    body = write_body(f"{upstream}/good", nonce, stream=stream)
    return body.replace(b'"max_tokens": 50', b'"user": "a-user"')


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(ROUNDS_LONG, marks=pytest.mark.long)])
def test_a_revoked_key_opens_nothing_more_on_any_worker_or_open_connection(rounds: int, crew: Place) -> None:
    tenant = crew.found()
    for number in range(rounds):
        name = f"{tenant.name}-{number}"
        caller = tenant._replace(key=crew.make_key(tenant.name, name=name))
        nonce = crew.next_nonce()
        lines = [Line(caller, nonce) for _ in range(CONNECTIONS)]
        try:
            assert [line.ask() for line in lines] == [200] * CONNECTIONS
            crew.administer("DELETE", f"keys/{name}")
            assert [line.ask() for line in lines] == [401] * CONNECTIONS
            assert len(crew.asked(nonce)) == CONNECTIONS
        finally:
            for line in lines:
                line.close()
    assert {hold.charged_nusd for hold in tenant.settled(rounds * CONNECTIONS)} == {44_000}


class Line:
    """A connection that stays open between calls."""

    def __init__(self, tenant: Tenant, nonce: str) -> None:
        self._nonce = nonce
        self._connection = http.client.HTTPConnection("127.0.0.1", urlsplit(tenant.place.gateway.url).port, timeout=30)
        self._headers = {"Authorization": f"Bearer {tenant.key}", "Content-Type": "application/json"}
        self._connection.connect()
        self._sock = self._connection.sock

    def ask(self) -> int:
        body = write_body("openai/good", self._nonce, stream=False)
        self._connection.request("POST", WIRES["openai"].path, body, self._headers)
        assert self._connection.sock is self._sock
        return read_reply(self._connection.getresponse()).status

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize("door", DOORS)
def test_a_running_stream_of_a_revoked_key_is_cut_and_settled(door: str, crew: Place) -> None:
    tenant, nonce = crew.found(), crew.next_nonce()
    name = f"{tenant.name}-running"
    key = crew.make_key(tenant.name, name=name)
    connection = crew.gateway.connect()
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        body = write_body("openai/held-in-the-middle", nonce, stream=True, door=door)
        connection.request("POST", DOORS[door].path, body, headers)
        response = connection.getresponse()
        got = b""
        while WORD.encode() not in got:
            got += response.read1()
        crew.administer("DELETE", f"keys/{name}")
        revoked_s = time.monotonic()
        rest = response.read()
        assert time.monotonic() - revoked_s <= CUT_WITHIN_S
    finally:
        connection.close()
        crew.player.open_gate(nonce)
    assert b"not valid any more" in rest
    # The gateway's own surface ends every stream so, and has told the error before.
    assert (b"[DONE]" in rest) == (door in ("inference", "generate"))
    assert b"message_stop" not in rest
    (hold,) = tenant.settled()
    # The input is guessed at 100 tokens, the one word that was handed on at 2.
    assert (hold.amount_nusd, hold.charged_nusd) == (HELD_NUSD, 104_000)
    crew.wait_for("closed", nonce)
