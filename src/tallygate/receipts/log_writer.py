"""One turn at the log: take what waits into the tree, and sign how far it goes, unless that would contradict the past.

The order is what makes it safe: the nodes are committed, then the high-water mark is on the disk, then the checkpoint
is published. A crash between any two leaves a tree that continues whatever was published. Everything is read anew each
turn, so it does not matter who had the turn before, or how that ended.
"""

import logging
import time
from collections.abc import Callable

from msgspec import Struct

from tallygate.receipts import checkpoint, merkle, note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.tiles import DamagedTree, TileNodes, grow
from tallygate.store import log
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.log import Head, Published

logger = logging.getLogger("tallygate.receipts")

BATCH_MAX = 1_024
"""Entries taken in one transaction: some milliseconds of hashing, during which nobody is kept from the database."""

EVERY_NS = 1_000_000_000
"""Checkpoints are at least this far apart."""


class LogRefused(Exception):
    """No checkpoint may be signed. The text says why and what to do, for the operator."""


class Turn(Struct, frozen=True):
    """What a turn came to. `held` False: somebody else adds to the log. `more`: there is more to be done at once.

    `signed` is the checkpoint that was published, `due_ns` how long it is until the next one may be.
    """

    held: bool
    appended: int = 0
    signed: Checkpoint | None = None
    more: bool = False
    due_ns: int = 0


class LogWriter:
    """Takes turns at one log on one connection, for the thread that opened it."""

    def __init__(
        self,
        connection: DriverConnection,
        address: DatabaseAddress,
        keys: LogKeys,
        high_water: HighWater,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._connection = connection
        self._address = address
        self._keys = keys
        self._origin = keys.origin
        self._high_water = high_water
        self._clock_ns = clock_ns
        self._checked = ""
        """The life in which the stored tree was last found sound. A tree that nobody adds to is looked at once."""
        self._followed: Checkpoint | None = None
        """The mark that was last found in the tree."""

    def take_turn(self, epoch: str) -> Turn:
        """Do what there is to do, if it is our turn.

        Raises LogRefused, high_water.BadMark, DriverError, book.Broken, OSError.
        """
        try:
            head = self._take(epoch)
            if head is None:
                self._follow()
                return Turn(held=False)
            return self._work(head, epoch)
        except log.TurnLost:
            return Turn(held=False)
        except DamagedTree as error:
            raise LogRefused(f"The tree of the log {self._origin} is damaged in the database: {error}.") from error

    def give_turn(self, epoch: str) -> None:
        """Let another process have it at once. Raises DriverError."""
        log.give_turn(self._connection, self._origin, epoch)

    def _take(self, epoch: str) -> Head | None:
        return log.take_turn(self._connection, self._address, self._origin, epoch)

    def _work(self, head: Head, epoch: str) -> Turn:
        waiting = log.read_waiting(self._connection, self._origin, BATCH_MAX)
        if not waiting and head.size == head.checkpoint_size and self._checked == epoch:
            return Turn(held=True)
        try:
            last = self._check(head)
        except LogRefused:
            if self._take(epoch) != head:
                raise log.TurnLost from None  # somebody has gone on meanwhile: what was compared is out of date
            raise
        self._checked = epoch
        if waiting:
            grown = grow(head.size, self._read_tile, [merkle.leaf_hash(one.entry) for one in waiting])
            seqs = [one.seq for one in waiting]
            log.append(self._connection, self._origin, epoch, head.size, seqs, grown.tiles)
        return self._sign(Head(head.size + len(waiting), head.checkpoint_size), last, epoch, len(waiting))

    def _check(self, head: Head) -> Published | None:
        """Hold the stored tree to what was signed before. Returns the last checkpoint. Raises LogRefused."""
        last = log.read_checkpoint(self._connection, self._origin, head.checkpoint_size)
        published = None if last is None else self._read_own(last)
        if published is None and head.checkpoint_size > 0:
            raise LogRefused(self._contradiction("its last checkpoint is missing"))
        mark = self._high_water.read()
        nodes = self._nodes()
        for signed in (published, mark if mark != published else None):
            if signed is not None:
                self._compare(signed, head, nodes)
        return last

    def _compare(self, signed: Checkpoint, head: Head, nodes: TileNodes) -> None:
        if signed.size > head.size:
            raise LogRefused(self._contradiction(f"it was signed up to {signed.size} entries and has {head.size}"))
        if merkle.root(signed.size, nodes) != signed.root:
            raise LogRefused(self._contradiction(f"its first {signed.size} entries are not those that were signed"))

    def _sign(self, head: Head, last: Published | None, epoch: str, appended: int) -> Turn:
        now_ns = self._clock_ns()
        more = appended == BATCH_MAX
        # A clock that was set back must not silence the log.
        due_ns = 0 if last is None or last.at_ns > now_ns else max(0, last.at_ns + EVERY_NS - now_ns)
        if head.size == head.checkpoint_size or due_ns > 0:
            return Turn(
                held=True, appended=appended, more=more, due_ns=due_ns if head.size > head.checkpoint_size else 0
            )
        self._check_validity(now_ns)
        reached = Checkpoint(self._origin, head.size, merkle.root(head.size, self._nodes()))
        signed = self._keys.signer.sign(checkpoint.write(reached))
        if not self._high_water.rise(signed):
            raise log.TurnLost  # another process of this machine has gone on while this one stood still
        log.publish(self._connection, self._origin, epoch, Published(head.size, signed, now_ns))
        return Turn(held=True, appended=appended, signed=reached, more=more, due_ns=EVERY_NS)

    def _follow(self) -> None:
        """Remember what the others have signed, and hold what this machine remembers to the log: should the database be
        set back, whoever does not have the turn knows it, too.
        """
        # The mark is read first: a tree is in the database before it is in the file.
        mark = self._high_water.read()
        last = log.read_last_checkpoint(self._connection, self._origin)
        if last is not None and (mark is None or last.size > mark.size):
            self._read_own(last)
            if mark is not None:
                self._compare(mark, Head(last.size, last.size), self._nodes())
            self._high_water.rise(last.note)
        elif mark is not None:
            head = log.read_head(self._connection, self._origin) or Head(0, 0)
            if mark.size > head.size or mark != self._followed:
                self._compare(mark, head, self._nodes())
            self._followed = mark

    def _read_own(self, published: Published) -> Checkpoint:
        """A stored checkpoint, if it is this log's. Raises LogRefused."""
        try:
            signed = note.parse(published.note)
            note.verify(signed, [self._keys.signer.verifier.vkey])
            found = checkpoint.read(signed.text)
        except ValueError as error:
            raise LogRefused(
                self._contradiction(f"its checkpoint {published.size} is not signed by it: {error}")
            ) from error
        if (found.origin, found.size) != (self._origin, published.size):
            raise LogRefused(self._contradiction(f"its checkpoint {published.size} is about another tree"))
        return found

    def _check_validity(self, now_ns: int) -> None:
        now_ms, end_ms = now_ns // 1_000_000, self._keys.not_after_ms
        if now_ms < self._keys.not_before_ms or (end_ms is not None and now_ms >= end_ms):
            raise LogRefused(
                f"The key of the log {self._origin} is not valid now: nothing is signed with it.\n"
                "If its file says otherwise, the clock of this machine is wrong."
            )

    def _nodes(self) -> TileNodes:
        return TileNodes(self._read_tile)

    def _read_tile(self, level: int, index: int) -> bytes:
        return log.read_tile(self._connection, self._origin, level, index)

    def _contradiction(self, what: str) -> str:
        return (
            f"The log {self._origin} in the database contradicts what was signed for it: {what}.\n"
            "The database was set back to an older state, or was changed from outside. No checkpoint is signed, so "
            "that the log never says two different things. Put back the newer database."
        )
