"""Processes that work on the book are killed, stopped and cut off: what anybody was told stays true, on both engines.

A few cycles run always; the full campaigns are long.
"""

import random
from pathlib import Path

import pytest

from tallygate.store.address import DatabaseAddress
from tests.faults.money_campaign import (
    CYCLES_EACH,
    SEED,
    Figures,
    Towns,
    kill_once,
    kill_one_of_two,
    stop_once,
)
from tests.faults.money_proxy import Cut, Proxy
from tests.faults.money_stage import MoneyStage, wait_for
from tests.faults.money_worker import MOMENTS
from tests.fixtures.postgresql import PrivateServer


def test_a_kill_at_any_point_leaves_no_trace(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("kills at named points"), towns()
    for moment in (*MOMENTS, ""):
        kill_once(stage, source, moment, figures)
    figures.tell()
    assert figures.recovered > 0


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_leave_no_trace(towns: Towns) -> None:
    source, figures = random.Random(SEED + 1), Figures("kills at named points and at random", SEED + 1)
    moments = [*MOMENTS, "", "", ""] * 18
    for start in range(0, len(moments), CYCLES_EACH):
        stage = towns()
        for moment in moments[start : start + CYCLES_EACH]:
            kill_once(stage, source, moment, figures)
    figures.tell()
    assert figures.cycles >= 200
    assert figures.recovered > figures.cycles


def test_a_death_does_not_hurt_the_neighbour(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("one of two killed"), towns()
    for moment in ("after load", "within commit", "before reply"):
        kill_one_of_two(stage, source, moment, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_deaths_do_not_hurt_the_neighbour(towns: Towns) -> None:
    source, figures = random.Random(SEED + 2), Figures("one of two killed", SEED + 2)
    for _ in range(3):
        stage = towns()
        for moment in MOMENTS:
            kill_one_of_two(stage, source, moment, figures)
    figures.tell()


SLEEPS = ("before load", "after commit", "before load", "after commit")
"""Points without a lock on SQLite: nobody can take that from a process that is stopped."""


def test_who_sleeps_past_its_lease_is_fenced(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("stopped past the lease"), towns()
    for moment in SLEEPS[:2]:
        stop_once(stage, source, moment, figures)
    figures.tell()
    assert any(told.answer == "Fenced" for told in stage.told())


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_who_sleep_are_fenced(towns: Towns, engine: str) -> None:
    source, figures = random.Random(SEED + 3), Figures("stopped past the lease", SEED + 3)
    moments = SLEEPS if engine == "sqlite" else MOMENTS
    for _ in range(36 // len(moments)):
        stage = towns()
        for moment in moments:
            stop_once(stage, source, moment, figures)
    figures.tell()


def crash_server(server: PrivateServer, stage: MoneyStage, source: random.Random, figures: Figures) -> None:
    """The database dies under two processes, one of which dies too; the other goes on when it is back."""
    before = len(stage.told())
    seeds = source.randrange(2**32), source.randrange(2**32)
    survivor = stage.start(stage.task(seed=seeds[0], calls=400))
    victim = stage.start(stage.task(seed=seeds[1], calls=10_000))
    stage.wait_until_told()
    survivor.join(source.random() * 0.5)
    server.kill()
    victim.kill()
    server.start()
    wait_for(survivor, killed=False)
    recovered = stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)


def test_a_crash_of_the_server_loses_nothing(own_server: PrivateServer, own_towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("PostgreSQL killed"), own_towns()
    for _ in range(2):
        crash_server(own_server, stage, source, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_crashes_of_the_server_lose_nothing(own_server: PrivateServer, own_towns: Towns) -> None:
    source, figures = random.Random(SEED + 4), Figures("PostgreSQL killed", SEED + 4)
    for _ in range(8):
        stage = own_towns()
        for _ in range(5):
            crash_server(own_server, stage, source, figures)
    figures.tell()


def cut_commits(stage: MoneyStage, source: random.Random, cuts: int, figures: Figures) -> None:
    """The line is cut at COMMITs, before them or after, while two processes work through it."""
    before = len(stage.told())
    name = stage.address.target.reveal().partition("?")[0].rpartition("/")[2]
    with Proxy(_folder_of(stage.address)) as proxy:
        tasks = [stage.task(url=proxy.url(name), seed=source.randrange(2**32), calls=60 * cuts) for _ in range(2)]
        workers = [stage.start(task) for task in tasks]
        for number in range(cuts):
            cut: Cut = source.choice(("request", "answer", "delay"))
            proxy.cut_next(cut)
            while proxy.cuts <= number and any(worker.is_alive() for worker in workers):
                workers[0].join(0.01)
            proxy.release()
        for worker in workers:
            wait_for(worker, killed=False)
        assert proxy.cuts == cuts
    recovered = stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)


def test_a_cut_at_a_commit_is_never_answered_falsely(own_towns: Towns) -> None:
    figures = Figures("6 cuts at COMMIT")
    cut_commits(own_towns(), random.Random(SEED), 6, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_cuts_are_never_answered_falsely(own_towns: Towns) -> None:
    source, figures = random.Random(SEED + 5), Figures("10 cuts at COMMIT", SEED + 5)
    for _ in range(12):
        cut_commits(own_towns(), source, 10, figures)
    figures.tell()


def _folder_of(address: DatabaseAddress) -> Path:
    """Where the server's socket is."""
    return Path(address.target.reveal().partition("host=")[2])
