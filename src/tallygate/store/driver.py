"""Plain connections to both engines, opened the one way that keeps the store's promises.

SQLite: WAL, `synchronous=FULL`, foreign keys, a busy timeout; the file is made with mode 0600 in a folder of mode 0700.
PostgreSQL: psycopg 3, synchronous commits whatever the server's default is. Connections are in autocommit; who wants a
transaction begins one. SQLAlchemy is not imported here: a warm start and every call go through this file.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.refusal import DatabaseUnusable

BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 2
"""The least that libpq accepts; a call waits no longer for its database than this."""

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)

Value = str | int | bytes | None | list[bytes]


class DriverConnection:
    """One autocommit connection for statements spelled by hand. It belongs to the thread that opened it."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._connection: sqlite3.Connection | psycopg.Connection[tuple[Any, ...]]
        self.engine = address.engine
        if address.engine is Engine.SQLITE:
            self._connection = connect_sqlite(address)
        else:
            self._connection = connect_postgresql(address)

    def fetch(self, sql: LiteralString, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with `?` for values and give all its rows, so that no read stays open behind it."""
        if isinstance(self._connection, sqlite3.Connection):
            return self._connection.execute(sql, values).fetchall()
        cursor = self._connection.execute(sql.replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []

    def descriptor(self) -> int | None:
        """The socket's number on PostgreSQL, for one who must cut a connection that hangs; None on SQLite."""
        if isinstance(self._connection, sqlite3.Connection):
            return None
        return self._connection.fileno()

    def close(self) -> None:
        """Close it; closing a broken connection is fine."""
        self._connection.close()


def connect_sqlite(address: DatabaseAddress, *, foreign_keys: bool = True) -> sqlite3.Connection:
    """Open the file, making it where it is missing. Raises DatabaseUnusable.

    A migration that rebuilds a table needs `foreign_keys` off (https://www.sqlite.org/lang_altertable.html, section 7)
    and checks them itself before it commits.
    """
    try:
        _create_file(address.path)
        connection = sqlite3.connect(address.path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable_file(address, error) from error
    try:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON" if foreign_keys else "PRAGMA foreign_keys=OFF")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable_file(address, error) from error
    return connection


def connect_postgresql(address: DatabaseAddress) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection in autocommit. Raises DatabaseUnusable."""
    try:
        connection = psycopg.connect(address.target.reveal(), autocommit=True, connect_timeout=CONNECT_TIMEOUT_S)
    except psycopg.Error as error:
        raise DatabaseUnusable(
            f"The database {address.shown} cannot be opened: {_first_line(error)}\n"
            "Check that PostgreSQL runs there, that the database exists and that this user may use it, "
            "or correct the setting database_url."
        ) from error
    try:
        connection.execute("SET synchronous_commit TO on")
    except psycopg.Error:
        connection.close()
        raise
    return connection


def _create_file(path: Path) -> None:
    """Make folder and file for this user alone. What exists keeps its mode: its owner chose it."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An empty file is an empty database. SQLite gives the mode of this file to its -wal and -shm files.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, once in a file's life.

    The switch needs the file for itself and does not wait under the busy timeout, so two processes that start at once
    on a new file have to take turns here (https://www.sqlite.org/wal.html, section 3).
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise sqlite3.OperationalError("this file system cannot hold SQLite's write-ahead log")
        return


def _unusable_file(address: DatabaseAddress, error: Exception) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The database file {address.shown} cannot be opened: {_first_line(error)}\n"
        "Check that its folder is on a local disk with free space and that this user may write there, "
        "or set database_url (or data) to another place."
    )


def _first_line(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason.strip().split("\n")[0].rstrip(".") + "."
