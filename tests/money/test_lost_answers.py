"""Answers that are lost and asked for again with an Idempotency-Key: one call, one charge, the same bytes."""

import http.client
import itertools
import os
import signal
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tallygate.genai.book import Hold
from tests.contract.gateway import Reply, read_reply
from tests.money.matrix import DOORS
from tests.money.place import Place, Tenant, wait_until, write_body
from tests.money.receipts import check_ledger, read_receipts
from tests.money.wire import Wire

AT_ONCE = 8
LOST = 42
LOST_LONG = 198
REPLAYED = "idempotent-replayed"
RECEIPT = "x-tallygate-receipt-id"


@pytest.fixture
def wire(crew: Place) -> Generator[Wire]:
    with Wire(crew.gateway.port) as running:
        yield running


def ask(
    tenant: Tenant, nonce: str, *, key: str | None = "", door: str = "chat", script: str = "good",
    stream: bool = True, port: int = 0,
) -> Reply:  # fmt: skip
    """A call with an Idempotency-Key: the word it bears, if not said else; None: without one."""
    url = urlsplit(tenant.place.gateway.url)
    connection = http.client.HTTPConnection("127.0.0.1", port or url.port, timeout=30)
    headers = {"Authorization": f"Bearer {tenant.key}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key or nonce
    body = write_body(f"{DOORS[door].language}/{script}", nonce, stream=stream, door=door)
    try:
        connection.request("POST", DOORS[door].path, body, headers)
        return read_reply(connection.getresponse())
    finally:
        connection.close()


def lose(tenant: Tenant, wire: Wire, door: str, stream: bool, after_bytes: int) -> tuple[Reply, Reply]:
    """A call whose answer breaks off after so many bytes, and what its client gets when it asks again, twice."""
    nonce = tenant.place.next_nonce()
    wire.cut_next(after_bytes)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(tenant, nonce, door=door, stream=stream, port=wire.port)
    first, second = (ask(tenant, nonce, door=door, stream=stream) for _ in range(2))
    assert len(tenant.place.asked(nonce)) == 1
    return first, second


@pytest.mark.parametrize("count", [LOST, pytest.param(LOST_LONG, marks=pytest.mark.long)])
def test_a_lost_answer_is_charged_once_and_given_again(count: int, crew: Place, wire: Wire) -> None:
    tenant = crew.found()
    crew.raise_concurrency(tenant)
    sizes = {way: measure(tenant, wire, *way) for way in itertools.product(DOORS, [False, True])}
    # Evenly from the first byte into the last event, which is sent after the settlement. Chunks that go together make a
    # stream some bytes shorter.
    rounds = count // len(sizes)
    cuts = [(*way, 1 + (size - 100) * turn // (rounds - 1)) for turn in range(rounds) for way, size in sizes.items()]
    for cut in cuts:
        first, second = lose(tenant, wire, *cut)
        assert (first.status, first.headers[REPLAYED], second.headers[REPLAYED]) == (200, "true", "true")
        assert (first.body, first.headers[RECEIPT]) == (second.body, second.headers[RECEIPT])
        assert first.body.rstrip().endswith((b"}", b"[DONE]"))
    holds = tenant.settled(count + len(sizes))
    assert [hold.charged_nusd for hold in holds] == [44_000] * len(holds)
    assert wire.cuts == count


def measure(tenant: Tenant, wire: Wire, door: str, stream: bool) -> int:
    """How long an answer of this kind is, head and framing included."""
    wire.cut_next(1 << 30)
    before = wire.carried
    ask(tenant, tenant.place.next_nonce(), door=door, stream=stream, port=wire.port)
    return wire.carried - before


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
def test_many_at_once_with_one_key_are_one_call(door: str, stream: bool, crew: Place) -> None:
    tenant, nonce = crew.found(), crew.next_nonce()
    with crew.calling(nonce, AT_ONCE) as pool:
        running = [pool.submit(ask, tenant, nonce, door=door, script="held", stream=stream) for _ in range(AT_ONCE)]
        crew.wait_for("holding", nonce)
        crew.player.open_gate(nonce)
        replies = [future.result() for future in running]
    assert {(reply.status, reply.body) for reply in replies} == {(200, replies[0].body)}
    assert sorted(reply.headers.get(REPLAYED, "") for reply in replies) == ["", *["true"] * (AT_ONCE - 1)]
    assert len({reply.headers[RECEIPT] for reply in replies}) == 1
    assert [hold.charged_nusd for hold in tenant.settled()] == [44_000]
    assert len(crew.asked(nonce)) == 1


def test_a_key_is_good_for_one_request_only(crew: Place) -> None:
    tenant, nonce, other = crew.found(), crew.next_nonce(), crew.next_nonce()
    ask(tenant, nonce)
    for reply in (
        ask(tenant, other, key=nonce),
        ask(tenant, nonce, stream=False),
        ask(tenant, nonce, door="messages"),
    ):
        assert (reply.status, reply.headers["x-should-retry"]) == (409, "false")
    assert ask(tenant, other, key=nonce).json["error"]["code"] == "idempotency_conflict"
    assert len(tenant.settled()) == 1
    assert crew.asked(other) == []


def test_another_user_may_have_the_same_key(crew: Place) -> None:
    nonce = crew.next_nonce()
    mine, theirs = crew.found(), crew.found()
    assert [REPLAYED in ask(tenant, nonce).headers for tenant in (mine, theirs)] == [False, False]
    assert len(crew.asked(nonce)) == 2


def kill_in_the_middle(tenant: Tenant, nonce: str, key: str | None) -> Hold:
    """A call whose worker is killed when a word has been handed on, and that was noted; how it ended."""
    place = tenant.place
    with place.calling(nonce, 1) as pool:
        running = pool.submit(ask, tenant, nonce, key=key, script="held-in-the-middle")
        place.wait_for("holding", nonce)
        hold = wait_until(lambda: next((hold for hold in tenant.holds() if hold.progress_nusd), None))
        os.kill(place.workers()[hold.epoch], signal.SIGKILL)
        with pytest.raises((http.client.HTTPException, OSError)):
            running.result()
        (dead,) = tenant.settled()
    wait_until(lambda: len(place.workers()) == 4 or None)
    (kept,) = read_receipts(tenant)
    check_ledger(place, kept, dead)
    # Nobody can say any more which bytes there were.
    assert kept.body["response"] == {"complete": False, "status": "recovered"}
    assert kept.body["charge"]["basis"] == "progress"
    assert kept.body["request"] == {"model": "openai/held-in-the-middle"}
    assert "forwarded" not in kept.body
    return dead


def test_a_call_without_a_key_that_dies_with_its_worker_pays_what_was_noted(crew: Place) -> None:
    dead = kill_in_the_middle(crew.found(), crew.next_nonce(), None)
    # The input is guessed at 100 tokens, the word that was handed on at 2.
    assert (dead.state, dead.charged_nusd, dead.loss_nusd) == ("posted", 104_000, 0)


def test_a_call_that_dies_with_its_worker_costs_nothing_and_frees_its_key(crew: Place) -> None:
    tenant, nonce = crew.found(), crew.next_nonce()
    dead = kill_in_the_middle(tenant, nonce, nonce)
    assert (dead.state, dead.charged_nusd, dead.loss_nusd) == ("posted", 0, 104_000)
    again, once_more = (ask(tenant, nonce, script="held-in-the-middle") for _ in range(2))
    assert (again.status, REPLAYED in again.headers) == (200, False)
    assert (once_more.body, once_more.headers[REPLAYED]) == (again.body, "true")
    assert sorted(hold.charged_nusd for hold in tenant.settled(2)) == [0, 44_000]
    assert len(crew.asked(nonce)) == 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_that_is_gone_is_not_made_again(stream: bool, crew: Place) -> None:
    tenant, nonce = crew.found(), crew.next_nonce()
    assert ask(tenant, nonce, stream=stream).status == 200
    spool = Path(crew.gateway.env["TALLYGATE_DATA"], "media", "spool")
    for kept in spool.rglob("*"):
        with suppress(IsADirectoryError):
            kept.unlink()
    reply = ask(tenant, nonce, stream=stream)
    assert (reply.status, reply.headers["x-should-retry"]) == (409, "false")
    assert reply.json["error"]["code"] == "idempotency_answer_gone"
    assert [hold.charged_nusd for hold in tenant.settled()] == [44_000]
    assert len(crew.asked(nonce)) == 1
