"""The lives of processes, as the book knows them: an epoch is one life of one process, and owns the holds it made.

A life begins and ends here, and its row counts the heartbeats. Who is dead is judged elsewhere; here it is only written
down, and never over a heartbeat that came in between. The book's writer refuses to work under an epoch that has ended.
"""

import secrets
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import LiteralString

from msgspec import Struct

from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.lock_file import LockFile
from tallygate.store.refusal import DatabaseUnusable

_BURY: LiteralString = (
    "UPDATE epochs SET ended_at_ns = ? WHERE epoch IN"
    " (SELECT epoch FROM epochs WHERE epoch = ? AND beats = ? AND ended_at_ns IS NULL{}) RETURNING epoch"
)


class Living(Struct, frozen=True):
    """An epoch that has not ended, as far as the database knows."""

    epoch: str
    owner: str
    beats: int
    started_at_ns: int


class Life:
    """One life of this process. On SQLite it holds the lock that says that its owner lives."""

    def __init__(self, address: DatabaseAddress, epoch: str, lock: LockFile | None) -> None:
        self.epoch = epoch
        self._address = address
        self._lock = lock

    def end(self) -> None:
        """End it in good order. Holds that are still open are then anybody's to recover.

        Where the database is away, the lock is let go and its file stays: that says the same. Raises nothing.
        """
        is_written = False
        with suppress(DatabaseUnusable, DriverError), closing(DriverConnection(self._address)) as connection:
            _end(connection, self.epoch)
            is_written = True
        if self._lock is not None:
            self._lock.release(remove=is_written)


def begin_life(address: DatabaseAddress, owner: str) -> Life:
    """Begin a life of this process. `owner` tells an operator who that is. Raises DatabaseUnusable."""
    epoch = f"ep_{secrets.token_hex(16)}"
    lock = _lock(address, epoch)
    try:
        with closing(DriverConnection(address)) as connection:
            connection.fetch(
                "INSERT INTO epochs (epoch, owner, started_at_ns) VALUES (?, ?, ?)", (epoch, owner, time.time_ns())
            )
    except (DatabaseUnusable, DriverError) as error:
        if lock is not None:
            lock.release(remove=True)
        if isinstance(error, DatabaseUnusable):
            raise
        raise DatabaseUnusable(f"The database {address.shown} does not take a new process: {error}") from error
    return Life(address, epoch, lock)


def locks_folder(address: DatabaseAddress) -> Path:
    """The folder of the locks beside a SQLite database, the same however its path is spelled."""
    return address.path.resolve().parent / "epochs"


def list_living(connection: DriverConnection) -> list[Living]:
    """Every epoch that has not ended."""
    found = connection.fetch("SELECT epoch, owner, beats, started_at_ns FROM epochs WHERE ended_at_ns IS NULL")
    return [Living(*row) for row in found]


def bury(connection: DriverConnection, epoch: str, beats: int, at_ns: int) -> bool:
    """Declare an epoch dead, unless it has beaten since it was seen with `beats`. Its owner, if it wakes, is fenced.

    An owner in the middle of a transaction keeps its row locked, and is left alone until that is over.
    """
    skip: LiteralString = " FOR UPDATE SKIP LOCKED" if connection.engine is Engine.POSTGRESQL else ""
    buried = connection.fetch(_BURY.format(skip), (at_ns, epoch, beats))
    return bool(buried)


def end_sessions(connection: DriverConnection, epoch: str) -> None:
    """End the transaction of an epoch that is silent and still keeps its row locked.

    PostgreSQL ends one that idles by itself, but not one whose client was stopped while it was sending: to the server
    that one is at work. The writer's session bears its epoch as a name.
    """
    if connection.engine is Engine.POSTGRESQL:
        connection.fetch(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE application_name = ? AND pid <> pg_backend_pid()",
            (epoch,),
        )


def drop_ended(connection: DriverConnection, before_ns: int) -> None:
    """Forget the epochs that ended before a time and have no open hold."""
    connection.fetch(
        "DELETE FROM epochs WHERE ended_at_ns < ?"
        " AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.epoch = epochs.epoch AND holds.state = 'open')",
        (before_ns,),
    )


def _lock(address: DatabaseAddress, epoch: str) -> LockFile | None:
    """Locked before the row is there: whoever reads the row finds the lock taken."""
    if address.engine is not Engine.SQLITE:
        return None
    try:
        return LockFile(locks_folder(address) / epoch)
    except OSError as error:
        raise DatabaseUnusable(
            f"No file can be locked in {locks_folder(address)}: {error.strerror or error}\n"
            "Check that it is on a local disk with free space and that this user may write there."
        ) from error


def _end(connection: DriverConnection, epoch: str) -> None:
    """Forget a life that leaves nothing behind; else note that it has ended."""
    dropped = connection.fetch(
        "DELETE FROM epochs WHERE epoch = ?"
        " AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.epoch = epochs.epoch AND holds.state = 'open')"
        " RETURNING epoch",
        (epoch,),
    )
    if not dropped:
        connection.fetch(
            "UPDATE epochs SET ended_at_ns = ? WHERE epoch = ? AND ended_at_ns IS NULL", (time.time_ns(), epoch)
        )
