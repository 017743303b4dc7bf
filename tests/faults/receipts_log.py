"""A sequencer with somebody who looks on: before and after each step of a turn at the log, who may wait there, or kill.

The steps: take the turn, append (leaves and nodes), sign, raise the high-water mark, publish. `within` one the rows are
written and the COMMIT is next; within the mark's, the new file is written and not in its place.
"""

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import LiteralString

from msgspec import structs

from tallygate.genai.secret import Secret
from tallygate.receipts import note
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys, make_key_file, read_key_file
from tallygate.receipts.sequencer import Sequencer
from tallygate.store import log
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection
from tallygate.store.registry import Row, Value
from tests.fakes.receipts import LOG

Look = Callable[[str], None]

LOG_MOMENTS = (
    "before wake",
    "after wake",
    "before take",
    "after take",
    "before append",
    "within append",
    "after append",
    "before sign",
    "after sign",
    "before mark",
    "within mark",
    "after mark",
    "before publish",
    "within publish",
    "after publish",
)
"""Where a turn can be cut short."""

ONCE = ("before take", "after take")
"""Comes once in a life."""

_STEPS = {
    "UPDATE logs SET holder = ?": "take",
    "UPDATE logs SET size": "append",
    "UPDATE logs SET checkpoint_size": "publish",
}
SECOND_NS = 10**9


def make_keys(folder: Path) -> Path:
    """A file of keys for the log of the tests' drafts."""
    path = folder / "receipt-keys.json"
    path.write_text(make_key_file(0, origin=LOG))
    return path


def read_keys(path: Path) -> LogKeys:
    """The keys in it."""
    return read_key_file(Secret(path.read_text()))


def make_sequencer(
    address: DatabaseAddress, keys_path: Path, machine: Path, epoch: Callable[[], str], look: Look
) -> Sequencer:
    """The sequencer of a process on a machine, which is a folder with a high-water file."""
    keys = read_keys(keys_path)
    signer = _WatchedSigner(keys.origin, keys.signer._key.private_bytes_raw())
    signer.look = look
    mark = _WatchedMark(machine / "log-high-water", signer.verifier.vkey)
    mark.look = look
    sys.addaudithook(lambda event, _: look("within mark") if event == "os.rename" else None)
    return Sequencer(
        address,
        structs.replace(keys, signer=signer),
        mark,
        epoch,
        list,
        on_broken=_fail,
        open_connection=lambda where: _open(where, look),
        clock_ns=_HastyClock(),
    )


def _fail(error: Exception) -> None:
    raise AssertionError(error)


class _HastyClock:
    """A second later at each look, so that nobody waits until a checkpoint may be signed again."""

    def __init__(self) -> None:
        self._looks = itertools.count()

    def __call__(self) -> int:
        return time.time_ns() + next(self._looks) * SECOND_NS


class _WatchedSigner(note.Signer):
    __slots__ = ("look",)
    look: Look

    def sign(self, text: str) -> bytes:
        self.look("before sign")
        signed = super().sign(text)
        self.look("after sign")
        return signed


class _WatchedMark(HighWater):
    look: Look

    def rise(self, signed: bytes) -> bool:
        self.look("before mark")
        risen = super().rise(signed)
        self.look("after mark")
        return risen


class _WatchedConnection(DriverConnection):
    """Knows from a statement which step it begins, and from the COMMIT where that ends."""

    look: Look
    _step = ""

    def fetch(self, sql: LiteralString, values: Sequence[Value] = ()) -> list[Row]:
        if sql.startswith("BEGIN"):
            self._step = ""
        if step := next((step for start, step in _STEPS.items() if sql.startswith(start)), ""):
            self._step = step
            self.look(f"before {step}")
        if sql == "COMMIT" and self._step:
            self.look(f"within {self._step}")
        rows = super().fetch(sql, values)
        if self._step and (sql == "COMMIT" or step == "take"):
            done, self._step = self._step, ""
            self.look(f"after {done}")
        return rows


def _open(address: DatabaseAddress, look: Look) -> DriverConnection:
    connection = _WatchedConnection(address)
    connection.look = look
    if connection.engine is Engine.POSTGRESQL:
        for statement in log._SESSION:
            connection.fetch(statement)
    return connection
