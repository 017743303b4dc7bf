"""Mistakes that somebody could make with receipts and the log, planted in the real gateway as those of `bugs` are.

Those that a restored backup brings to light stand in RESTORED and are looked for where one is restored.
"""

import itertools
import random
import time
from hashlib import sha256
from typing import Any

from msgspec import structs

from tallygate.api.proofs import Proofs
from tallygate.genai.items import Recovery
from tallygate.pipeline.commitments import Commitments
from tallygate.receipts import checkpoint, merkle, receipt
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.log_writer import BATCH_MAX, LogWriter, Turn
from tallygate.receipts.receipt import Issuer
from tallygate.receipts.tiles import grow
from tallygate.store import log
from tallygate.store.driver import DriverConnection
from tallygate.store.log import Head, Published, Waiting
from tallygate.store.queue import Entry
from tallygate.store.receipt_rows import ReceiptRow
from tallygate.store.writer import Writer
from tests.campaign.bugs import Bug
from tests.receipts import trees

PAUSE_S = 0.4
"""Between two steps in the wrong order, so that a kill can come between them."""


def skip_receipts() -> None:
    """One posting in four has no receipt."""
    make, turns = Writer._make_receipts, itertools.count()

    def forget(self: Writer, entries: list[Entry], folded: Any) -> list[ReceiptRow]:
        return [row for row in make(self, entries, folded) if next(turns) % 4]

    Writer._make_receipts = forget


def skip_recovered() -> None:
    """What is ended in a dead process's place has no receipt."""
    make = Writer._make_receipts

    def forget(self: Writer, entries: list[Entry], folded: Any) -> list[ReceiptRow]:
        recovered = {entry.item.hold.id for entry in entries if isinstance(entry.item, Recovery)}
        return [row for row in make(self, entries, folded) if row.id not in recovered]

    Writer._make_receipts = forget


def receipt_for_nothing() -> None:
    """Now and then there is a receipt more than there are calls."""
    make, turns = Writer._make_receipts, itertools.count()

    def add(self: Writer, entries: list[Entry], folded: Any) -> list[ReceiptRow]:
        rows = make(self, entries, folded)
        return rows + [
            structs.replace(row, id=f"{row.id}x", sequence=row.sequence + 10**6) for row in rows if not next(turns) % 5
        ]

    Writer._make_receipts = add


def repeat_numbers() -> None:
    """Of every two receipts, the second bears the number of the first."""
    make = Writer._make_receipts

    def repeat(self: Writer, entries: list[Entry], folded: Any) -> list[ReceiptRow]:
        return [
            _renumber(row, row.sequence - 1) if row.sequence % 2 == 0 else row for row in make(self, entries, folded)
        ]

    Writer._make_receipts = repeat


def _renumber(row: ReceiptRow, number: int) -> ReceiptRow:
    body = row.body.replace(b'"seq":%d}' % row.sequence, b'"seq":%d}' % number)
    return structs.replace(row, body=body, entry=sha256(body).digest())


def call_it_served() -> None:
    """A receipt never says that a call was broken off."""
    receipt._STATUSES.update(partial="ok", cancelled="ok", failed="ok")


def blame_nobody() -> None:
    """The call of a dead process counts as one that failed."""
    draft = Issuer.draft_unseen
    Issuer.draft_unseen = lambda self, hold, status, basis: draft(self, hold, "failed", basis)


def commit_to_another_answer() -> None:
    """What a receipt commits to is not what the client was given."""
    note = Commitments._hash
    Commitments._hash = lambda self, data: note(self, data[:-1])


def forget_some() -> None:
    """One receipt in ten never gets a place in the log."""
    read = log.read_waiting

    def overlook(connection: DriverConnection, origin: str, limit: int) -> list[Waiting]:
        return [one for one in read(connection, origin, limit) if one.seq % 10 != 3]

    log.read_waiting = overlook


def publish_first() -> None:
    """A checkpoint is shown before what it covers is written; what waits is taken in any order."""

    def work(self: LogWriter, head: Head, epoch: str) -> Turn:
        waiting = log.read_waiting(self._connection, self._origin, BATCH_MAX)
        if waiting:
            random.shuffle(waiting)
            entries = log.read_entries(self._connection, self._origin, 0, head.size) + [one.entry for one in waiting]
            show(self, Checkpoint(self._origin, len(entries), trees.mth(entries)))
            time.sleep(PAUSE_S)
            grown = grow(head.size, self._read_tile, [merkle.leaf_hash(one.entry) for one in waiting])
            seqs = [one.seq for one in waiting]
            log.append(self._connection, self._origin, epoch, head.size, seqs, grown.tiles)
            self._connection.fetch("UPDATE logs SET checkpoint_size = size")
        return Turn(held=True, appended=len(waiting))

    def show(self: LogWriter, reached: Checkpoint) -> None:
        note = self._keys.signer.sign(checkpoint.write(reached))
        self._connection.fetch(
            "INSERT INTO log_checkpoints (log, size, note, at_ns) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (self._origin, reached.size, note, self._clock_ns()),
        )

    LogWriter._work = work


def sign_alone() -> None:
    """Who signs does not ask who else does, and takes entries as it finds them."""
    take_turn = LogWriter.take_turn
    mine: dict[bytes, None] = {}
    signed: list[Published] = []

    def sign_too(self: LogWriter, epoch: str) -> Turn:
        turn = take_turn(self, epoch)
        found = [entry for (entry,) in self._connection.fetch("SELECT entry FROM log_entries")]
        random.shuffle(found)
        mine.update(dict.fromkeys(found))
        reached = Checkpoint(self._origin, len(mine), trees.mth(list(mine)))
        signed.append(Published(reached.size, self._keys.signer.sign(checkpoint.write(reached)), self._clock_ns()))
        return turn

    async def show_own(self: Proofs) -> Published | None:
        return signed[-1] if signed else None

    LogWriter.take_turn, Proofs.read_checkpoint = sign_too, show_own


def forget_high_water() -> None:
    """Nobody remembers what was signed, but the database."""
    HighWater.read = lambda self: None
    HighWater.rise = lambda self, signed: True


LOG_BUGS: dict[str, Bug] = {
    "skip-receipts": Bug(skip_receipts, ("P1",)),
    "skip-recovered": Bug(skip_recovered, ("P1",)),
    "receipt-for-nothing": Bug(receipt_for_nothing, ("P1",)),
    "repeat-numbers": Bug(repeat_numbers, ("P2",)),
    "call-it-served": Bug(call_it_served, ("P2",)),
    "blame-nobody": Bug(blame_nobody, ("P2",)),
    "commit-to-another-answer": Bug(commit_to_another_answer, ("P6",)),
    "forget-some": Bug(forget_some, ("P4",)),
    "publish-first": Bug(publish_first, ("P5",)),
    "sign-alone": Bug(sign_alone, ("P5",)),
}
"""By name."""

RESTORED: dict[str, Bug] = {"forget-high-water": Bug(forget_high_water, ("R10",))}
