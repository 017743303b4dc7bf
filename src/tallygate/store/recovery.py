"""Ends what dead processes have left open: finds out who is dead, declares it, and hands their holds to the writer.

Every process does this for all others, so somebody always does. All questions are asked on a connection and a thread of
its own; a database that is away is asked again at the next sweep. What a hold comes to is decided by the fold.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from msgspec import Struct

from tallygate.errors import TallygateError
from tallygate.genai.book import Hold
from tallygate.genai.items import Recovery
from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.genai.results import Posted, Refused, Result
from tallygate.store.abandoned import drop_claims, list_ended_owners, list_open, read_hold, read_open
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.epochs import Living, bury, drop_ended, end_sessions, list_living, locks_folder
from tallygate.store.lock_file import is_abandoned, remove_file
from tallygate.store.refusal import DatabaseUnusable
from tallygate.store.watch import Watch

logger = logging.getLogger("tallygate.store")

HANG_S = 10.0
"""A question that takes longer than this is given up: its server is stopped, or behind a dead route."""
END_S = 5.0
"""Ends that take longer than this are not waited for: rows locked elsewhere must not keep others from their money."""
BITE = 64
IDS_BITE = 1_000
TIDY_EVERY = 15
"""Claims and rows that have run out hurt nobody: every so many sweeps they are removed."""
KEEP_ENDED_NS = 24 * 3600 * 10**9
"""An operator may want to see who died."""

T = TypeVar("T")

Draft = Callable[[Hold], ReceiptDraft]
"""The receipt of a call that was recovered."""


class Ender(Protocol):
    """What is needed of the book's writer."""

    @property
    def epoch(self) -> str:
        """The name of this process's present life."""
        ...

    def live_holds(self) -> frozenset[str]:
        """Ids of the holds whose calls live in this process."""
        ...

    async def recover(self, item: Recovery) -> Result:
        """End a hold in its owner's place."""
        ...


class Swept(Struct, frozen=True):
    """What a sweep came to. `complete` False: something could not be asked or ended, the next sweep tries again.

    `unseen_nusd` is the most that the recovered calls may have come to beyond what they paid. `objects` are the names
    of answers nobody can ask for any more; a name can get lost, so objects that are old are nobody's either.
    """

    complete: bool
    buried: tuple[Living, ...] = ()
    recovered: int = 0
    unseen_nusd: int = 0
    objects: tuple[str, ...] = ()


class _Tally:
    """A `Swept` while it grows."""

    def __init__(self) -> None:
        self.complete = True
        self.buried: list[Living] = []
        self.recovered = 0
        self.unseen_nusd = 0
        self.objects: list[str] = []

    def close(self) -> Swept:
        return Swept(self.complete, tuple(self.buried), self.recovered, self.unseen_nusd, tuple(self.objects))


class Sweeper:
    """Sweeps once before the gateway is ready, then every `heartbeat_s`. The writer has to beat meanwhile: a process
    that cannot beat does not judge others.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        writer: Ender,
        draft: Draft,
        *,
        heartbeat_s: float = 2.0,
        lease_s: float = 15.0,
        clock_s: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._address = address
        self._writer = writer
        self._draft = draft
        self._clock_s = clock_s
        self._clock_ns = clock_ns
        self._watch = Watch(look_s=heartbeat_s, lease_s=lease_s)
        self._sweeps = 0
        self._is_away = False
        # Ends that were asked for and not counted yet, by the ids of their holds.
        self._asked: dict[str, asyncio.Task[Result]] = {}
        self._thread = ThreadPoolExecutor(1, "store-recovery")
        # Written by the thread alone; others only look, to cut it.
        self._connection: DriverConnection | None = None

    def close(self) -> None:
        """End the thread and its connection. A sweep that still runs comes to its end incomplete."""
        self._cut()
        self._thread.submit(self._drop_connection)
        self._thread.shutdown()

    async def sweep(self) -> Swept:
        """End what the dead have left open, and tidy up. Raises nothing: what could not be done is tried again.

        On SQLite whoever was killed is dead at once, as nobody keeps its lock. Else silence decides, and that takes as
        many sweeps as the lease is long.
        """
        tally = _Tally()
        try:
            tally.buried += await self._ask(self._judge)
            await self._recover_abandoned(tally)
            await self._recover_orphans(tally)
            self._collect(tally)
            if self._sweeps % TIDY_EVERY == 0:
                await self._tidy(tally)
            self._sweeps += 1
            self._is_away = False
        except (DriverError, DatabaseUnusable, TallygateError) as error:
            tally.complete = False
            if not self._is_away:
                logger.warning("recovery waits for the database: %s", error)
            self._is_away = True
        except Exception:
            tally.complete = False
            logger.exception("recovery failed and is tried again")
        if tally.recovered:
            logger.warning(
                "ended %d calls whose process died; they may have come to %d nano-USD more than they paid",
                tally.recovered,
                tally.unseen_nusd,
            )
        return tally.close()

    async def _recover_abandoned(self, tally: _Tally) -> None:
        for epoch in await self._ask(list_ended_owners):
            after_id = ""
            while holds := await self._ask(partial(read_open, epoch=epoch, after_id=after_id, limit=BITE)):
                await self._end(holds, tally)
                after_id = holds[-1].id

    async def _recover_orphans(self, tally: _Tally) -> None:
        """Holds of our own that no call here knows of: a commit was done whose outcome nobody could learn."""
        epoch, after_id = self._writer.epoch, ""
        while ids := await self._ask(partial(list_open, epoch=epoch, after_id=after_id, limit=IDS_BITE)):
            # The calls are looked at after the rows: a call is known here before its hold can be there.
            live = self._writer.live_holds()
            orphans = [await self._ask(partial(read_hold, hold_id=hold_id)) for hold_id in ids if hold_id not in live]
            await self._end([hold for hold in orphans if hold is not None and hold.epoch == epoch], tally)
            after_id = ids[-1]

    async def _end(self, holds: Sequence[Hold], tally: _Tally) -> None:
        """Through the writer, all at once, so that they share its transactions.

        What is known of a call is its progress; beyond that no figure would be more than a guess, so none is booked.
        Where rows stay locked elsewhere the writer goes on trying, and the sweep goes on to the next.
        """
        to_epoch = self._writer.epoch
        for hold in holds:
            if hold.id not in self._asked:
                item = Recovery(
                    hold=hold,
                    from_epoch=hold.epoch,
                    to_epoch=to_epoch,
                    estimate_nusd=hold.progress_nusd,
                    receipt=self._draft(hold),
                )
                self._asked[hold.id] = asyncio.ensure_future(self._writer.recover(item))
        asked = [self._asked[hold.id] for hold in holds]
        if asked:
            await asyncio.wait(asked, timeout=END_S)
        self._collect(tally)

    def _collect(self, tally: _Tally) -> None:
        """Count what has been decided, of this sweep and of earlier ones."""
        for hold_id, asked in tuple(self._asked.items()):
            if not asked.done():
                tally.complete = False
                continue
            del self._asked[hold_id]
            match asked.exception() or asked.result():
                case Posted(hold):
                    tally.recovered += 1
                    tally.unseen_nusd += hold.amount_nusd - hold.charged_nusd
                case Refused() | BaseException() as failure:
                    tally.complete = False
                    logger.error("the hold %s of a dead process cannot be ended: %s", hold_id, failure)
                case _:  # its owner, or another who swept, was first
                    pass

    async def _tidy(self, tally: _Tally) -> None:
        now_ns = self._clock_ns()
        while True:
            dropped = await self._ask(partial(drop_claims, now_ns=now_ns, limit=BITE))
            tally.objects += dropped.objects
            if dropped.count < BITE:
                break
        await self._ask(partial(drop_ended, before_ns=now_ns - KEEP_ENDED_NS))
        if self._address.engine is Engine.SQLITE:
            await self._ask(self._remove_locks)

    async def _ask(self, question: Callable[[DriverConnection], T]) -> T:
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(HANG_S, self._cut)
        try:
            return await loop.run_in_executor(self._thread, self._answer, question)
        finally:
            alarm.cancel()

    def _cut(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.cut()

    # From here on: the thread.

    def _answer(self, question: Callable[[DriverConnection], T]) -> T:
        if self._connection is None:
            self._connection = DriverConnection(self._address)
        try:
            return question(self._connection)
        except DriverError:
            self._drop_connection()
            raise

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _judge(self, connection: DriverConnection) -> list[Living]:
        """Declare the dead dead. Returns those that nobody else has declared before."""
        own = self._writer.epoch
        living = list_living(connection)
        silent = self._watch.look({one.epoch: one.beats for one in living}, own, self._clock_s())
        buried: list[Living] = []
        for one in living:
            is_lost = one.epoch != own and self._has_lost_its_lock(one.epoch)
            if not (is_lost or one.epoch in silent):
                continue
            if bury(connection, one.epoch, one.beats, self._clock_ns()):
                why = "ended without a word" if is_lost else "gives no sign of life"
                logger.warning("the process %s (%s) %s: its calls are ended in its place", one.owner, one.epoch, why)
                buried.append(one)
            else:
                end_sessions(connection, one.epoch)
        return buried

    def _has_lost_its_lock(self, epoch: str) -> bool:
        return self._address.engine is Engine.SQLITE and is_abandoned(locks_folder(self._address) / epoch)

    def _remove_locks(self, connection: DriverConnection) -> None:
        """Remove the locks that dead processes have left. A life locks its file before it writes its row."""
        folder = locks_folder(self._address)
        files = list(folder.iterdir()) if folder.is_dir() else []
        living = {one.epoch for one in list_living(connection)}
        for file in files:
            if file.name not in living and is_abandoned(file):
                remove_file(file)


async def keep_beating(beat: Callable[[], None], heartbeat_s: float) -> None:
    """Beat until cancelled. A task of the event loop, so that a loop that hangs gives no sign of life."""
    while True:
        beat()
        await asyncio.sleep(heartbeat_s)
