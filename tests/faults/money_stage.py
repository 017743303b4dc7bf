"""A town in a database of its own, processes that work on it, and the recovery of what the dead leave behind."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tallygate.genai.items import LimitChange
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.receipts.sequencer import bind_log
from tallygate.store.address import DatabaseAddress
from tallygate.store.recovery import Sweeper
from tallygate.store.writer import Writer
from tests.fakes.ledger import Shelf
from tests.fakes.receipts import draft_recovered
from tests.faults.money_journal import Told, read_journal
from tests.faults.money_judge import judge_campaign
from tests.faults.money_worker import Task, start_worker
from tests.faults.receipts_judge import LogJudge
from tests.faults.receipts_log import make_keys, read_keys
from tests.laws.store_town import Town, found_town

HEARTBEAT_S, LEASE_S = 2.0, 15.0
PATIENCE_S = 60
CREDIT_NUSD = 20_000


class MoneyStage:
    """Its workers' journals lie in `folder`."""

    def __init__(self, address: DatabaseAddress, folder: Path) -> None:
        self.address = address
        self._folder = folder
        self._names = itertools.count()
        self._journals: list[Path] = []
        self._processes: list[BaseProcess] = []
        self._log_keys = make_keys(folder)
        bind_log(address, read_keys(self._log_keys), time.time_ns())
        self.log = LogJudge(address, self._url(), self._log_keys, [])
        self.add_machine()
        found_town(address, credit_nusd=CREDIT_NUSD)

    def add_machine(self) -> Path:
        """One more machine that processes may run on, with a high-water file of its own."""
        self.log.machines.append(self._folder / f"machine-{len(self.log.machines)}")
        self.log.machines[-1].mkdir()
        return self.log.machines[-1]

    def task(self, *, url: str = "", seed: int = 0, machine: Path | None = None, **choices: Any) -> Task:
        """A task under a new name, on the first machine if no other is named."""
        name = f"p{next(self._names)}"
        path = self._folder / name
        self._journals.append(path)
        machines = {"log_keys": str(self._log_keys), "machine": str(machine or self.log.machines[0])}
        return Task(url=url or self._url(), journal=str(path), name=name, seed=seed, **machines, **choices)

    def start(self, task: Task) -> BaseProcess:
        self._processes.append(start_worker(task))
        return self._processes[-1]

    def close(self) -> None:
        """Leave no process behind, stopped ones included."""
        for process in self._processes:
            process.kill()
            process.join()

    def told(self) -> list[Told]:
        """What all workers so far were told."""
        return [told for path in self._journals for told in read_journal(path)]

    def wait_until_told(self) -> None:
        """Wait until every worker has had an answer."""
        _poll(lambda: all(path.exists() and path.stat().st_size for path in self._journals))

    def judge(self, *, all_ended: bool = True) -> Shelf:
        """The book against what was told, and once all is ended also receipts and the log."""
        if all_ended:
            self.log.look()
        return judge_campaign(self.address, self.told(), all_ended=all_ended)

    def recover(self) -> int:
        """What a gateway does that comes after the dead, with a clock that passes a heartbeat at each look.

        Returns how many holds were ended.
        """
        self.log.see()
        return asyncio.run(self._recover())

    async def _recover(self) -> int:
        broken: list[Exception] = []
        writer = Writer(self.address, fold, complete, owner="recovery", on_broken=broken.append)
        writer.start()
        ticks = itertools.count()
        sweeper = Sweeper(
            self.address,
            writer,
            draft_recovered,
            heartbeat_s=HEARTBEAT_S,
            lease_s=LEASE_S,
            clock_s=lambda: next(ticks) * HEARTBEAT_S,
        )
        try:
            recovered = 0
            # PostgreSQL takes some seconds to end the transaction of one who was stopped inside it.
            until_s = time.monotonic() + PATIENCE_S
            while time.monotonic() < until_s:
                writer.beat()
                # Nothing comes of this, but by then the sign of life is in the database.
                await writer.change(LimitChange("nowhere", 0))
                swept = await sweeper.sweep()
                recovered += swept.recovered
                if swept.complete and not await asyncio.to_thread(self.count_living, writer.epoch):
                    return recovered
            raise AssertionError("the dead are not all buried")
        finally:
            await asyncio.to_thread(sweeper.close)
            await asyncio.to_thread(writer.close)
            assert not broken

    def count_living(self, own: str) -> int:
        with closing(Town(self.address)) as town:
            return len(town.living() - {own})

    def _url(self) -> str:
        target = self.address.target.reveal()
        return target if "://" in target else f"sqlite:///{target}"


def wait_for(process: BaseProcess, *, killed: bool) -> None:
    """Wait until a worker has ended, as it should."""
    process.join(PATIENCE_S)
    assert process.exitcode == (-signal.SIGKILL if killed else 0), process.exitcode


def wait_until_stopped(process: BaseProcess) -> None:
    """Wait until a worker has stopped itself."""
    state = Path(f"/proc/{process.pid}/stat")
    _poll(lambda: state.read_text().rpartition(")")[2].split()[0] == "T" or not process.is_alive())
    assert process.is_alive()


def go_on(process: BaseProcess) -> None:
    """Let a stopped worker go on."""
    assert process.pid
    os.kill(process.pid, signal.SIGCONT)


def _poll(is_done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < until_s
        time.sleep(0.005)
