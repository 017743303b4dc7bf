"""A process that works on a town's book and log like a gateway, writes down what it is told, and may end at any moment.

Many calls at once on hot and crossed wallets; at a named moment, the so-manieth time it comes, the process kills or
stops itself, as no handler can prevent. Started by forking from a process that has imported all this already.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from tallygate.errors import StoreUnavailable
from tallygate.genai.details import write_details
from tallygate.genai.items import Admission, ClaimRequest, Progress, Settlement, TopUp, Void
from tallygate.genai.results import Held, Posted, Voided
from tallygate.receipts.commitment import Label, commit
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.book import Book
from tallygate.store.recovery import keep_beating
from tallygate.store.writer import Writer
from tests.fakes.ledger import OWNERS, ask
from tests.fakes.receipts import ISSUER
from tests.faults.money_book import Watch, WatchedBook
from tests.faults.money_journal import Journal
from tests.faults.receipts_log import make_sequencer
from tests.receipts.making import BODIES, DETAILS, SEED

MOMENTS = (
    "before load",
    "after load",
    "before fold",
    "after fold",
    "before commit",
    "within commit",
    "after commit",
    "before reply",
    "after reply",
)
"""Where a transaction can be cut short: around the lock, the fold, the write, the commit and the answer."""

STATUSES = ("ok", "ok", "partial", "cancelled", "failed")
COMMITMENTS: dict[Label, str] = {label: commit(SEED, label, data) for label, data in BODIES.items()}

BEAT_S = 0.2
KEEP_NS = 10**15


class Task(Struct, frozen=True, kw_only=True):
    """What a worker does: `calls` calls, `at_once` of them, with `keys`; and it tops up the wallets `fills`.

    If it `signs`, it takes turns at the log with the keys in `log_keys` on a `machine`, the folder of its high-water
    mark. Every choice is made from `seed`, and `name` starts each id. With a `moment`, it sends itself `signal` when
    that comes for the `count`th time.
    """

    url: str
    journal: str
    name: str
    seed: int
    calls: int = 200
    at_once: int = 12
    log_keys: str
    machine: str
    signs: bool = True
    keys: tuple[str, ...] = ("k1", "k1", "k2", "k3", "k4")
    fills: tuple[str, ...] = ("w1", "w2")
    moment: str = ""
    count: int = 1
    signal: int = signal.SIGKILL


def start_worker(task: Task) -> BaseProcess:
    """Start one. It exits with 0 when all its calls have ended."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=run_worker, args=(task,), daemon=True)
    process.start()
    return process


def run_worker(task: Task) -> None:
    """The whole life of a worker."""
    asyncio.run(_Worker(task).run())


class _Worker:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._seen: Counter[str] = Counter()
        self._journal = Journal(Path(task.journal))
        watch = Watch(self._look)
        address = parse_address(task.url, Path())
        self._sequencer = make_sequencer(
            address, Path(task.log_keys), Path(task.machine), lambda: self._writer.epoch, self._look
        )
        self._writer = Writer(
            address,
            watch.fold,
            complete,
            owner=task.name,
            on_broken=lambda error: os._exit(3),
            on_posted=self._wake,
            open_book=lambda address: self._see_commits(address, watch.open_book(address)),
        )

    async def run(self) -> None:
        self._writer.start()
        if self._task.signs:
            self._sequencer.start()
        beating = asyncio.ensure_future(keep_beating(self._writer.beat, BEAT_S))
        source = random.Random(self._task.seed)
        shares = [self._task.calls // self._task.at_once] * self._task.at_once
        await asyncio.gather(*(self._work(number, share, source) for number, share in enumerate(shares)))
        beating.cancel()
        await asyncio.to_thread(self._writer.close, at_last=self._end_log)

    def _end_log(self) -> None:
        if self._task.signs:
            self._sequencer.close()

    def _wake(self) -> None:
        self._look("before wake")
        self._sequencer.wake()
        self._look("after wake")

    async def _work(self, number: int, calls: int, source: random.Random) -> None:
        for turn in range(calls):
            name = f"{self._task.name}/{number}/{turn}"
            if source.random() < 0.1:
                await self._fill(name, source.choice(self._task.fills), source.randrange(1, 2_000))
            await self._call(name, source)

    async def _call(self, hold_id: str, source: random.Random) -> None:
        item = self._make(hold_id, source)
        amount_nusd, way, loss_nusd = source.randrange(600), source.random(), source.choice((0, 0, 7))
        result = await self._tell("admit", hold_id, self._writer.admit(item))
        if not isinstance(result, Held):
            return
        row = result.hold
        if way < 0.2:
            await self._tell("void", hold_id, self._writer.settle(Void(row, row.epoch)))
            return
        if way < 0.6:
            self._writer.note(
                Progress(hold=row, epoch=row.epoch, input_tokens=1, output_tokens=1, amount_nusd=amount_nusd // 2)
            )
            await asyncio.sleep(0)
        details = structs.replace(DETAILS, request_model=row.model, status=source.choice(STATUSES))
        end = Settlement(
            hold=row,
            epoch=row.epoch,
            amount_nusd=amount_nusd,
            loss_nusd=loss_nusd,
            output_tokens=2,
            details=write_details(details),
            receipt=ISSUER.draft(details, row.workspace_id, "POST /v1/test", "usage", SEED, COMMITMENTS),
        )
        first = await self._tell("settle", hold_id, self._writer.settle(end))
        if way > 0.95 and isinstance(first, Posted | Voided):
            await self._tell("settle", hold_id, self._writer.settle(end))

    def _make(self, hold_id: str, source: random.Random) -> Admission:
        key_id = source.choice(self._task.keys)
        claim = None
        if source.random() < 0.2:
            claim = ClaimRequest(f"{OWNERS[key_id][1]}/{source.randrange(40)}", b"x", KEEP_NS)
        return ask(hold_id, source.randrange(1, 400), key_id, slots_max=source.choice((5, 1_000)), claim=claim)

    async def _fill(self, name: str, workspace_id: str, amount_nusd: int) -> None:
        """A top-up is asked for until it is answered, under one id."""
        while True:
            asked = self._writer.change(TopUp(name, workspace_id, amount_nusd))
            if await self._tell("topup", name, asked) is not None:
                return

    async def _tell(self, asked: str, subject: str, answer: Any) -> Any:
        """The answer, once it is written down; None where there was none."""
        try:
            result = await answer
        except StoreUnavailable as error:
            self._journal.write(asked, subject, error)
            return None
        self._look("before reply")
        self._journal.write(asked, subject, result)
        self._look("after reply")
        return result

    def _look(self, moment: str) -> None:
        self._seen[moment] += 1
        if moment == self._task.moment and self._seen[moment] == self._task.count:
            os.kill(os.getpid(), self._task.signal)
            # A stop may take another thread first: this one waits for it here, and nowhere else.
            time.sleep(0.1)

    def _see_commits(self, address: DatabaseAddress, watched: Book) -> Book:
        """Look when the rows are written and the COMMIT is next, which only the engine's connection can tell."""
        assert isinstance(watched, WatchedBook)
        book: Any = watched.book
        if address.engine is Engine.SQLITE:
            book._connection.set_trace_callback(_at_commit(lambda: self._look("within commit")))
        else:
            run = book._run
            look = _at_commit(lambda: self._look("within commit"))

            def run_watched(sql: str, *values: Any) -> Any:
                look(sql)
                return run(sql, *values)

            book._run = run_watched
        return watched


def _at_commit(look: Callable[[], None]) -> Callable[[str], None]:
    def see(sql: str) -> None:
        if sql.startswith("COMMIT"):
            look()

    return see
