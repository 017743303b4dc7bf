"""Two hundred calls at once on money for ten: exactly ten reach the provider, however many processes admit them."""

from collections import Counter
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.contract.gateway import Reply
from tests.fakes.upstream import Upstream
from tests.money.matrix import DOORS, HELD_NUSD
from tests.money.place import Place, Tenant, start_place, wait_until, write_body

CALLS = 200
AFFORDABLE = 10
BALANCE_USD = "0.00826"
"""Ten times 0.000756, and 0.0007 that suffice for no other call of that kind: for its input and 22 tokens."""


@pytest.fixture(params=[1, 4], ids=["one_worker", "four_workers"])
def ten_place(
    request: pytest.FixtureRequest, empty_database_url: str, player: Upstream, tmp_path: Path
) -> Generator[Place]:
    with start_place(tmp_path, player, database_url=empty_database_url, workers=request.param) as running:
        yield running


def test_exactly_as_many_calls_as_can_be_paid_reach_the_provider(ten_place: Place) -> None:
    place, nonce = ten_place, ten_place.next_nonce()
    tenant = place.found(BALANCE_USD)
    place.raise_concurrency(tenant)
    with place.calling(nonce, CALLS) as pool:
        running = [pool.submit(ask, tenant, nonce, number) for number in range(CALLS)]
        place.wait_for("holding", nonce, AFFORDABLE)
        # The provider answers nobody before all others were refused: nothing is settled meanwhile.
        refused = wait_until(lambda: list_done(running, CALLS - AFFORDABLE))
        credit = tenant.read("/v1/credits")
        assert (credit["held_nusd"], credit["total_usage"]) == (AFFORDABLE * HELD_NUSD, 0)
        assert len(place.asked(nonce)) == AFFORDABLE
        place.player.open_gate(nonce)
        replies = [future.result() for future in running]
    assert Counter(reply.status for reply in replies) == {200: AFFORDABLE, 402: CALLS - AFFORDABLE}
    for reply in refused:
        check_refusal(reply)
    holds = tenant.settled(AFFORDABLE)
    assert [hold.charged_nusd for hold in holds] == [44_000] * AFFORDABLE
    assert len(place.asked(nonce)) == AFFORDABLE
    assert sorted(hold.sequence for hold in holds) == list(range(1, AFFORDABLE + 1))
    assert tenant.read("/v1/credits")["posted_nusd"] == 8_260_000 - AFFORDABLE * 44_000


def ask(tenant: Tenant, nonce: str, number: int) -> Reply:
    """A call, the doors and ways in turn."""
    door = tuple(DOORS)[number % 2]
    body = write_body(f"{DOORS[door].language}/held", nonce, stream=number % 4 > 1)
    sent = [("Content-Type", "application/json")]
    return tenant.place.gateway.ask("POST", DOORS[door].path, body, sent, key=tenant.key)


def list_done(running: list[Future[Reply]], count: int) -> list[Reply] | None:
    done = [future.result() for future in running if future.done()]
    return done if len(done) >= count else None


def check_refusal(reply: Reply) -> None:
    """It names what was needed, what is left, and what would have passed; official clients do not try again."""
    assert (reply.status, reply.headers["x-should-retry"]) == (402, "false")
    error = reply.json["error"]
    assert "up to 0.000756 USD, and 0.0007 USD are left" in error["message"]
    assert "at most 22 tokens" in error["message"]
    if "metadata" in error:
        told = error["metadata"]
        assert (told["limit_of"], told["output_tokens_affordable"]) == ("workspace", 22)
        assert (told["needed_usd"], told["available_usd"]) == ("0.000756", "0.0007")
