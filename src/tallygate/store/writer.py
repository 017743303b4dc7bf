"""The one thread of a process that writes the book: batches form while a transaction runs, a pure fold decides them.

The fold is handed in, and so is what completes receipts; this file knows no rule of either. It knows what may be lost
and what may not: an admission that waits too long is refused, an end of a call is tried until it is decided, and where
the outcome of a commit is unknown the database is asked. docs/reference/ledger.md tells it in full.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import structs

from tallygate.errors import InternalError, StoreUnavailable
from tallygate.genai.book import Rows
from tallygate.genai.items import (
    Admission,
    Item,
    LimitChange,
    Payout,
    Progress,
    Recovery,
    Refund,
    Settlement,
    TopUp,
    Void,
)
from tallygate.genai.lockset import Lockset, name_rows
from tallygate.genai.receipt_draft import ReceiptDraft
from tallygate.genai.results import Fenced, Folded, Posted, Result
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away, Book, BookError, Broken, Busy, EpochEnded, Full, Loaded, Walled
from tallygate.store.engines import open_book
from tallygate.store.epochs import Life, begin_life
from tallygate.store.figures import Figures
from tallygate.store.patience import Patience
from tallygate.store.queue import Batch, Beat, Close, Entry, Queue
from tallygate.store.receipt_rows import ReceiptRow, make_row
from tallygate.store.waiting import Waiting

logger = logging.getLogger("tallygate.store")

Fold = Callable[[Rows, Sequence[Item], int], Folded]
Complete = Callable[[ReceiptDraft, Posted], bytes]

WAIT_S = 2.0
"""How long an admission waits for its rows, or for the database, before it is refused."""
LOCK_WAIT_MS = 10
"""How long one transaction waits for rows that are locked elsewhere before it does without them."""
HANG_S = 2.0
"""A statement that takes longer than this is taken to hang: the locks it may wait for are waited for much shorter."""
PAUSE_S = 0.05
PAUSE_MAX_S = 1.0
FAILURES_MAX = 2


class Writer:
    """Start it once, after any fork; it belongs to one process. `on_posted` is called on its thread whenever receipts
    were committed; `on_broken` when the disk cannot be trusted any more, and it has to end the process.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        fold: Fold,
        complete: Complete,
        *,
        owner: str,
        on_broken: Callable[[Exception], None],
        on_posted: Callable[[], None] = lambda: None,
        open_book: Callable[[DatabaseAddress], Book] = open_book,
        begin_life: Callable[[DatabaseAddress, str], Life] = begin_life,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._address = address
        self._fold = fold
        self._complete = complete
        self._owner = owner
        self._on_broken = on_broken
        self._on_posted = on_posted
        self._open_book = open_book
        self._begin_life = begin_life
        self._clock_ns = clock_ns
        self._queue = Queue()
        self._waiting = Waiting(self._queue)
        self._patience: dict[float, Patience] = {}
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._life: Life | None = None
        self.figures = Figures()
        # The rest is the thread's own; others only look, to find a statement that hangs.
        self._book: Book | None = None
        self._busy_since: float | None = None
        self._patient = True
        self._pause_s = PAUSE_S
        self._deadline_s: float | None = None

    @property
    def epoch(self) -> str:
        """The name of this process's present life."""
        assert self._life is not None, "the writer was not started"
        return self._life.epoch

    def start(self) -> None:
        """Begin a life and start the thread. Raises DatabaseUnusable."""
        self._life = self._begin_life(self._address, self._owner)
        self._thread.start()

    def close(self, timeout_s: float = 10.0, *, at_last: Callable[[], None] = lambda: None) -> None:
        """Do what is waiting, within a time, then end the thread and this life. What is left open will be recovered.

        `at_last` is called in between: nothing more is written then, and what is done in this life's name still counts.
        """
        self._deadline_s = time.monotonic() + timeout_s
        self._queue.put(Close())
        self._thread.join(timeout_s + WAIT_S)
        at_last()
        if self._life is not None and not self._thread.is_alive():
            with suppress(Exception):  # whoever takes over ends it for us
                self._life.end()

    async def admit(self, item: Admission) -> Result:
        """Held, Stale, Running, Replay, AlreadyDone or Refused. Raises StoreUnavailable after 2 s.

        Whoever stops waiting need not care: what is held for them is voided.
        """
        self._waiting.begin(item)
        return await self._ask(item)

    async def change(self, item: TopUp | Payout | Refund | LimitChange) -> Result:
        """Moved, LimitSet or Refused. Raises StoreUnavailable after 2 s; it may be done all the same, and asking again
        with the same id does no harm.
        """
        return await self._ask(item)

    async def settle(self, item: Settlement | Void, wait_s: float | None = None) -> Result:
        """Posted, Voided, AlreadyDone, Fenced or Refused, once decided. It goes on when nobody waits any more.

        Raises TimeoutError after `wait_s`; None waits for as long as it takes.
        """
        entry = self._put(item)
        if wait_s is not None:
            self._watch(entry, wait_s)
        return await self._take(entry)

    async def recover(self, item: Recovery) -> Result:
        """Posted, AlreadyDone, Fenced or Refused, behind everything else."""
        return await self._take(self._put(item))

    def note(self, item: Progress) -> None:
        """Keep how far a call has come. Nobody waits for that."""
        self._queue.put(Entry(item))

    def beat(self) -> None:
        """Give a sign of life. Called by the event loop, so that a loop that hangs gives none."""
        self._cut_hanging()
        self._queue.put(Beat())

    def count_queued(self) -> int:
        """How many items wait to be written, about."""
        return self._queue.count()

    def live_holds(self) -> frozenset[str]:
        """Ids of the holds whose calls live in this process: asked for, held, or not decided yet."""
        return self._waiting.live_holds()

    async def _ask(self, item: Item) -> Result:
        entry = self._put(item)
        self._watch(entry, WAIT_S)
        try:
            return await self._take(entry)
        except TimeoutError:
            self._cut_hanging()
            raise StoreUnavailable(retry_after_s=2) from None

    async def _take(self, entry: Entry) -> Result:
        """Wait for the answer to an entry. Whoever is stopped in the turn of the loop that brought it never sees it."""
        assert entry.answer is not None, "somebody waits"
        try:
            return await entry.answer
        except asyncio.CancelledError:
            self._waiting.leave(entry)
            raise

    def _watch(self, entry: Entry, seconds: float) -> None:
        assert entry.answer is not None, "somebody waits"
        patience = self._patience.get(seconds)
        if patience is None:
            patience = self._patience[seconds] = Patience(seconds)
        patience.watch(entry.answer)

    def _put(self, item: Item) -> Entry:
        entry = Entry(item, asyncio.get_running_loop().create_future())
        self._queue.put(entry)
        return entry

    def _cut_hanging(self) -> None:
        book, busy_since = self._book, self._busy_since
        if book is not None and busy_since is not None and time.monotonic() - busy_since > HANG_S:
            book.cut()

    # From here on: the thread.

    def _run(self) -> None:
        while not self._is_late() and (batch := self._queue.take()) is not None:
            try:
                self._work(batch)
            except Broken as error:
                logger.critical("the database's disk did not keep what was written: %s", error.__cause__)
                self._on_broken(error)
                break
        self._drop_book()

    def _is_late(self) -> bool:
        return self._deadline_s is not None and time.monotonic() > self._deadline_s

    def _work(self, batch: Batch) -> None:
        """One transaction, or why there was none. Raises Broken."""
        entries = [entry for entry in batch.entries if self._is_wanted(entry) and self._is_ours(entry)]
        if not entries and not batch.beats:
            return
        self._busy_since = time.monotonic()
        try:
            self._transact(Batch(entries, batch.beats))
            self._pause_s = PAUSE_S
        except Busy:
            self._patient = False
            self._queue.put_aside(entries)
        except Away as error:
            self._drop_book()
            self._queue.put_back(entries)
            self._pause(error)
        except Full as error:
            self._refuse_new(entries, error)
            self._pause(error)
        except EpochEnded:
            self._begin_anew()
            self._queue.put_back(entries)
        except Broken:
            raise
        except Exception as error:  # noqa: BLE001 - one bad item must not stop the others, nor the thread
            self._isolate(entries, error)
        finally:
            self._busy_since = None

    def _is_wanted(self, entry: Entry) -> bool:
        """Whether somebody still waits for an entry, or it has to be done all the same."""
        if entry.dropped:
            self._waiting.forget(entry.item, None)
        return not entry.dropped

    def _is_ours(self, entry: Entry) -> bool:
        """Whether an entry may be folded in this life. What belongs to an earlier one was taken over meanwhile."""
        item, epoch = entry.item, self.epoch
        match item:
            case Admission():
                if item.epoch != epoch:
                    entry.item = structs.replace(item, epoch=epoch)
            case Recovery():
                if item.to_epoch != epoch:
                    entry.item = structs.replace(item, to_epoch=epoch)
            case Settlement() | Void() | Progress():
                if item.epoch != epoch:
                    self._waiting.deliver([entry], [Fenced(item.hold)])
                    return False
            case _:
                pass
        return True

    def _transact(self, batch: Batch) -> None:
        book = self._open()
        names = name_rows(entry.item for entry in batch.entries)
        # A sign of life waits for nobody's lock: whoever gives none loses its calls.
        wait_ms = LOCK_WAIT_MS if self._patient and not batch.beats else 0
        loaded = book.load(names, self.epoch, durable=batch.durable, wait_ms=wait_ms)
        ready, stuck = _part(batch.entries, loaded)
        if stuck and not ready and not batch.beats:
            # Only these are left: the next time they are waited for.
            self._patient = True
            self._queue.put_aside(stuck)
            book.rollback()
            return
        try:
            folded = self._fold(loaded.rows, [entry.item for entry in ready], self._clock_ns())
            receipts = self._make_receipts(ready, folded)
        except Exception:
            book.rollback()
            raise
        try:
            book.commit(folded, receipts, beats=batch.beats)
        except Away:
            if not self._was_committed(loaded):
                raise
        self._queue.put_aside(stuck)
        self.figures.note(folded.results)
        self._waiting.deliver(ready, folded.results)
        if receipts:
            self._on_posted()

    def _make_receipts(self, entries: list[Entry], folded: Folded) -> list[ReceiptRow]:
        """One for each call that was posted."""
        return [
            make_row(entry.item.receipt, result, self._complete(entry.item.receipt, result))
            for entry, result in zip(entries, folded.results, strict=True)
            if isinstance(result, Posted) and isinstance(entry.item, Settlement | Recovery)
        ]

    def _open(self) -> Book:
        if self._book is None:
            self._book = self._open_book(self._address)
        return self._book

    def _drop_book(self) -> None:
        book, self._book = self._book, None
        if book is not None:
            book.close()

    def _was_committed(self, loaded: Loaded) -> bool:
        """Ask the database, on a new connection, until it knows. Raises Away when the time to end has come first."""
        while not self._is_late():
            self._drop_book()
            self._busy_since = time.monotonic()
            try:
                outcome = self._open().find_outcome(loaded.transaction)
            except BookError as error:
                self._pause(error)
                continue
            if outcome is not None:
                return outcome
            time.sleep(PAUSE_S)
        raise Away("the outcome of a commit was not known in time")

    def _pause(self, error: BookError) -> None:
        """Wait before the next try, longer each time. Only the first of a row is worth a line in the log."""
        if self._pause_s == PAUSE_S:
            logger.warning("the database does not take the book's changes: %s", error.__cause__ or error)
        time.sleep(self._pause_s)
        self._pause_s = min(PAUSE_MAX_S, self._pause_s * 2)

    def _begin_anew(self) -> None:
        """Somebody has declared us dead: our calls are theirs now. Begin another life for new ones."""
        logger.error("this process was taken for dead and its calls were ended by another one: it begins anew")
        self._drop_book()
        try:
            if self._life is not None:
                self._life.end()
            self._life = self._begin_life(self._address, self._owner)
        except Exception as error:  # noqa: BLE001 - the old epoch stays ended: the next batch comes here again
            self._pause(Away(str(error)))

    def _refuse_new(self, entries: list[Entry], error: BookError) -> None:
        """No space: what is asked for is refused at once, what has to be written waits."""
        refusal = StoreUnavailable("The gateway's database has no space left.", retry_after_s=10)
        refusal.__cause__ = error
        ends = [entry for entry in entries if isinstance(entry.item, Settlement | Void | Recovery | Progress)]
        asked = [entry for entry in entries if entry not in ends]
        self._queue.put_back(ends)
        self._waiting.deliver(asked, [refusal] * len(asked))

    def _isolate(self, entries: list[Entry], error: Exception) -> None:
        """One of these brings a transaction down: each is tried alone, and what fails alone twice is given up."""
        if not isinstance(error, Walled):
            logger.error("a batch of the book failed", exc_info=error)
        if len(entries) > 1:
            for place, entry in enumerate(entries):
                if place and self._book is None:
                    # It is not one of them any more, but the database: they wait for it together.
                    self._queue.put_back(entries[place:])
                    return
                self._work(Batch([entry]))
            return
        for entry in entries:
            entry.failures += 1
            if entry.failures < FAILURES_MAX:
                self._queue.put_back([entry])
                continue
            logger.critical("an item of the book cannot be written: %s", type(entry.item).__name__, exc_info=error)
            broken = InternalError()
            broken.__cause__ = error
            self._waiting.deliver([entry], [broken])


def _part(entries: list[Entry], loaded: Loaded) -> tuple[list[Entry], list[Entry]]:
    """Those whose rows we have, and those with a row that is locked elsewhere."""
    if loaded.locked is None:
        return entries, []
    locked = {name: set(getattr(loaded.locked, name)) for name in Lockset.__struct_fields__}
    ready: list[Entry] = []
    stuck: list[Entry] = []
    for entry in entries:
        names = name_rows([entry.item])
        free = all(locked[name].isdisjoint(getattr(names, name)) for name in Lockset.__struct_fields__)
        (ready if free else stuck).append(entry)
    return ready, stuck
