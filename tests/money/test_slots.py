"""The calls that a user may have open: counted over keys, doors and workers, and given back when a worker is killed."""

import http.client
import os
import signal
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contract.gateway import Reply
from tests.fakes.upstream import Upstream
from tests.money.matrix import DOORS
from tests.money.place import Place, Tenant, start_place, wait_until, write_body

SLOTS = 5
STORE = {
    # What comes back before this lease is over does so because the lock of a dead process was found free.
    "sqlite": "[store]\nheartbeat_s = 0.5\nlease_s = 600\n",
    "postgresql": "[store]\nheartbeat_s = 0.5\nlease_s = 3\n",
}


@pytest.fixture
def slot_place(engine: str, empty_database_url: str, player: Upstream, tmp_path: Path) -> Generator[Place]:
    with start_place(tmp_path, player, database_url=empty_database_url, workers=2, settings=STORE[engine]) as running:
        yield running


class Caller:
    """One user with three keys, whose calls the provider holds until its gate is opened."""

    def __init__(self, tenant: Tenant, nonce: str, pool: ThreadPoolExecutor) -> None:
        self.tenant, self.place, self.nonce, self._pool = tenant, tenant.place, nonce, pool
        self._keys = (tenant.key, self.place.make_key(tenant.name), self.place.make_key(tenant.name))
        self._calls = 0

    def start(self, count: int) -> list[Future[Reply]]:
        """So many calls, over keys and doors in turn, until the provider holds them all."""
        held = len(self.place.asked(self.nonce))
        running = [self._pool.submit(self.ask, self._calls + number) for number in range(count)]
        self._calls += count
        self.place.wait_for("holding", self.nonce, held + count)
        return running

    def ask(self, number: int) -> Reply:
        door = tuple(DOORS)[number % 2]
        body = write_body(f"{DOORS[door].language}/held", self.nonce, stream=number % 4 > 1)
        sent, key = [("Content-Type", "application/json")], self._keys[number % 3]
        return self.place.gateway.ask("POST", DOORS[door].path, body, sent, key=key)

    def check_full(self) -> None:
        """One more is refused, whichever key and door."""
        for number in range(4):
            reply = self.ask(number)
            assert (reply.status, reply.headers.get("x-should-retry")) == (429, None)
            assert 1 <= int(reply.headers["retry-after"]) <= 60
            assert "at once, over all keys" in reply.json["error"]["message"]

    def count_open(self) -> int:
        return sum(hold.state == "open" for hold in self.tenant.holds())


def test_the_sixth_call_is_refused_and_slots_return(slot_place: Place) -> None:
    nonce = slot_place.next_nonce()
    with slot_place.calling(nonce, 4 * SLOTS) as pool:
        caller = Caller(slot_place.found(), nonce, pool)
        first = caller.start(SLOTS)
        caller.check_full()
        lost = kill_an_owner(caller)
        returned = wait_until(lambda: SLOTS - caller.count_open() or None)
        assert returned == lost
        second = caller.start(lost)
        caller.check_full()
        slot_place.player.open_gate(nonce)
        answered = [future.result() for future in first + second if future.exception() is None]
    assert [reply.status for reply in answered] == [200] * SLOTS
    holds = caller.tenant.settled(SLOTS + lost)
    assert sorted(hold.charged_nusd for hold in holds) == [0] * lost + [44_000] * SLOTS
    assert sum(isinstance(future.exception(), OSError | http.client.HTTPException) for future in first) == lost
    wait_until(lambda: len(slot_place.workers()) == 2 or None)


def kill_an_owner(caller: Caller) -> int:
    """Kill the worker that owns the most calls; how many those were."""
    epochs = [hold.epoch for hold in caller.tenant.holds()]
    epoch = max(epochs, key=epochs.count)
    os.kill(caller.place.workers()[epoch], signal.SIGKILL)
    return epochs.count(epoch)
