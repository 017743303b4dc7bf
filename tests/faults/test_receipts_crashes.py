"""A process that writes the book and signs the log is killed between any two steps, or sleeps through its lease: each
charge has its receipt and each receipt its charge, and no checkpoint that anybody saw is ever contradicted.

A few cycles run always; the full campaigns are long, and RECEIPTS_ROUNDS says how long.
"""

import os
import random
import signal

import pytest

from tests.faults.money_campaign import CYCLES_EACH, SEED, Figures, Towns, kill_once, take_over
from tests.faults.money_worker import MOMENTS
from tests.faults.receipts_log import LOG_MOMENTS

ROUNDS = int(os.environ.get("RECEIPTS_ROUNDS", "9"))


@pytest.mark.timeout(600)
def test_a_kill_at_any_step_of_the_log_leaves_no_trace(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("kills at steps of the log"), towns()
    for moment in LOG_MOMENTS:
        kill_once(stage, source, moment, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_at_any_step_leave_no_trace(towns: Towns) -> None:
    source, figures = random.Random(SEED + 6), Figures("kills at steps of book and log", SEED + 6)
    moments = [*LOG_MOMENTS, *MOMENTS[2:7], "", "", ""] * ROUNDS
    source.shuffle(moments)
    for start in range(0, len(moments), CYCLES_EACH):
        stage = towns()
        for moment in moments[start : start + CYCLES_EACH]:
            kill_once(stage, source, moment, figures)
    figures.tell()
    assert figures.cycles == len(moments)


@pytest.mark.timeout(600)
def test_another_machine_takes_the_log_over_from_the_dead(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("log taken over from the dead"), towns()
    stage.add_machine()
    for moment in source.sample(LOG_MOMENTS, 3):
        take_over(stage, source, moment, signal.SIGKILL, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_it_is_taken_over_from_the_dead_at_every_step(towns: Towns) -> None:
    take_over_everywhere(towns, signal.SIGKILL)


# On SQLite nobody can take a lock from a process that is stopped: there the log waits with everything else.
@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.timeout(600)
def test_who_sleeps_through_its_lease_contradicts_nobody(towns: Towns) -> None:
    source, figures, stage = random.Random(SEED), Figures("log taken over from a sleeper"), towns()
    stage.add_machine()
    for moment in ("after sign", "after mark", source.choice(LOG_MOMENTS)):
        take_over(stage, source, moment, signal.SIGSTOP, figures)
    figures.tell()


@pytest.mark.long
@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.timeout(3_600)
def test_nobody_who_sleeps_at_any_step_does(towns: Towns) -> None:
    take_over_everywhere(towns, signal.SIGSTOP)


def take_over_everywhere(towns: Towns, number: signal.Signals) -> None:
    source, figures = random.Random(SEED + 7), Figures(f"log taken over at every step, {number.name}", SEED + 7)
    for _ in range(2):
        stage = towns()
        stage.add_machine()
        for moment in LOG_MOMENTS:
            take_over(stage, source, moment, number, figures)
    figures.tell()
