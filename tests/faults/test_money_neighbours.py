"""Two processes on one wallet, and on crossed wallets: nothing is lost, nobody waits for ever, a lock stops its own."""

from contextlib import closing
from pathlib import Path

import pytest

from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection
from tests.faults.money_stage import MoneyStage, wait_for

HOT = ("k1",)
CROSSED = ("k1", "k4", "k3")


def count_deadlocks(address: DatabaseAddress) -> int:
    """What the server has counted in this database."""
    if address.engine is Engine.SQLITE:
        return 0
    with closing(DriverConnection(address)) as connection:
        # A session's own counts are told at its end or after a while; this one asks for what others have told.
        connection.fetch("SELECT pg_stat_force_next_flush()")
        return connection.fetch("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]


@pytest.mark.parametrize("keys", [HOT, CROSSED], ids=["hot", "crossed"])
def test_two_processes_lose_no_update(address: DatabaseAddress, tmp_path: Path, keys: tuple[str, ...]) -> None:
    stage = MoneyStage(address, tmp_path)
    workers = [stage.start(stage.task(seed=seed, calls=360, at_once=36, keys=keys)) for seed in (1, 2)]
    for worker in workers:
        wait_for(worker, killed=False)
    shelf = stage.judge()
    told = stage.told()
    assert not [answer for answer in told if answer.answer in ("StoreUnavailable", "Fenced")]
    assert len({answer.subject for answer in told if answer.asked == "admit"}) == 720
    assert len(shelf.tables["holds"]) == len({answer.subject for answer in told if answer.answer == "Held"})
    assert count_deadlocks(address) == 0


@pytest.mark.parametrize("engine", ["postgresql"])  # on SQLite a lock is on the whole database
def test_a_locked_wallet_stops_no_neighbour(address: DatabaseAddress, tmp_path: Path) -> None:
    """One works on the locked wallet, one on the other, one on both."""
    stage = MoneyStage(address, tmp_path)
    with closing(DriverConnection(address)) as outside:
        outside.fetch("BEGIN")
        outside.fetch("SELECT 1 FROM wallets WHERE workspace_id = 'w1' FOR UPDATE")
        stopped = stage.start(stage.task(seed=1, calls=24, keys=("k1",)))
        both = stage.start(stage.task(seed=2, calls=240, at_once=60, keys=("k1", "k4")))
        free = stage.start(stage.task(seed=3, calls=120, keys=("k4",), fills=("w2",)))
        wait_for(free, killed=False)
        outside.fetch("ROLLBACK")
    wait_for(stopped, killed=False)
    wait_for(both, killed=False)
    stage.judge()
    free_told = [answer for answer in stage.told() if answer.subject.startswith("p2/")]
    assert not [answer for answer in free_told if answer.answer == "StoreUnavailable"]
    assert count_deadlocks(address) == 0
