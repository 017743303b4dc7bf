"""The cycles of the campaigns of money and receipts: somebody dies, or sleeps past its lease, and is recovered."""

import random
import signal
from collections.abc import Callable

from tallygate.store.address import Engine
from tests.faults.money_stage import MoneyStage, go_on, wait_for, wait_until_stopped
from tests.faults.receipts_log import LOG_MOMENTS, ONCE

SEED = 20261121
COUNT_MAX, STEPS_MAX = 25, 6
"""How often a moment may come before it is the one: those of a turn at the log are rarer."""
CYCLES_EACH = 15
"""Cycles on one town, which the judge reads from its first line after each."""

Towns = Callable[[], MoneyStage]


class Figures:
    """What a campaign came to, for whoever reads the run (pytest -s)."""

    def __init__(self, what: str, seed: int = SEED) -> None:
        self._what = what
        self._seed = seed
        self.cycles = 0
        self.recovered = 0
        self.answers = 0

    def add(self, stage: MoneyStage, recovered: int, before: int) -> None:
        self.cycles += 1
        self.recovered += recovered
        self.answers += len(stage.told()) - before

    def tell(self) -> None:
        print(  # noqa: T201 - the figures are the point
            f"\n{self._what}, seed {self._seed}: {self.cycles} cycles, {self.answers} answers, "
            f"{self.recovered} holds recovered; a failure rate above {3 / max(self.cycles, 1):.4f} is ruled out at 95 %"
        )


def kill_once(stage: MoneyStage, source: random.Random, moment: str, figures: Figures) -> None:
    """One cycle: work, die, be recovered, be judged. Without a moment: at a random time."""
    before = len(stage.told())
    few = STEPS_MAX if moment in LOG_MOMENTS else COUNT_MAX
    count = 1 if moment in ONCE else source.randrange(2, few)
    task = stage.task(seed=source.randrange(2**32), calls=10_000, moment=moment, count=count)
    process = stage.start(task)
    if not moment:
        process.join(source.random() * 0.4)
        process.kill()
    wait_for(process, killed=True)
    recovered = stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)


def kill_one_of_two(stage: MoneyStage, source: random.Random, moment: str, figures: Figures) -> None:
    """One dies while the other works on the same wallets, and goes on."""
    before = len(stage.told())
    seeds = source.randrange(2**32), source.randrange(2**32)
    survivor = stage.start(stage.task(seed=seeds[0], calls=240))
    victim = stage.start(stage.task(seed=seeds[1], calls=10_000, moment=moment, count=source.randrange(2, COUNT_MAX)))
    wait_for(victim, killed=True)
    wait_for(survivor, killed=False)
    recovered = stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)


def stop_once(stage: MoneyStage, source: random.Random, moment: str, figures: Figures) -> None:
    """A process sleeps past its lease: its calls are ended for it, and its own ends are refused when it wakes."""
    before = len(stage.told())
    task = stage.task(
        seed=source.randrange(2**32),
        calls=120,
        moment=moment,
        count=source.randrange(2, COUNT_MAX),
        signal=signal.SIGSTOP,
        # On SQLite the log could be stopped in a transaction of its own, with the lock that everybody needs.
        signs=stage.address.engine is not Engine.SQLITE,
    )
    process = stage.start(task)
    wait_until_stopped(process)
    recovered = stage.recover()
    stage.judge(all_ended=False)
    go_on(process)
    wait_for(process, killed=False)
    stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)


def take_over(stage: MoneyStage, source: random.Random, moment: str, number: signal.Signals, figures: Figures) -> None:
    """Who has the log's turn is killed, or sleeps past its lease, at a step of it; one on another machine goes on with
    the log. A sleeper wakes up then, and must not contradict it.
    """
    before = len(stage.told())
    here, there = stage.log.machines
    is_killed = number == signal.SIGKILL
    count = 1 if moment in ONCE else source.randrange(1, STEPS_MAX if is_killed else 3)
    seeds = source.randrange(2**32), source.randrange(2**32)
    calls = 10_000 if is_killed else 4_000  # a sleeper has to come to the end of them
    first = stage.start(stage.task(seed=seeds[0], machine=here, calls=calls, moment=moment, count=count, signal=number))
    wait_for(first, killed=True) if is_killed else wait_until_stopped(first)
    recovered = stage.recover()
    second = stage.start(stage.task(seed=seeds[1], machine=there, calls=120))
    wait_for(second, killed=False)
    stage.log.see()
    if not is_killed:
        go_on(first)
        wait_for(first, killed=False)
        recovered += stage.recover()
    stage.judge()
    figures.add(stage, recovered, before)
