"""Connections to SQLite: WAL, `synchronous=FULL`, foreign keys, a busy timeout.

The file is made with mode 0600 in a folder of mode 0700. Connections are in autocommit; who wants a transaction begins
one.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

from tallygate.store.address import DatabaseAddress
from tallygate.store.refusal import DatabaseUnusable, first_line

BUSY_TIMEOUT_MS = 5_000
ERROR = sqlite3.Error


def connect(address: DatabaseAddress, *, foreign_keys: bool = True) -> sqlite3.Connection:
    """Open the file, making it where it is missing. Raises DatabaseUnusable.

    A migration that rebuilds a table needs `foreign_keys` off (https://www.sqlite.org/lang_altertable.html, section 7)
    and checks them itself before it commits.
    """
    try:
        _create_file(address.path)
        connection = sqlite3.connect(address.path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(address, error) from error
    try:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON" if foreign_keys else "PRAGMA foreign_keys=OFF")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(address, error) from error
    return connection


def fetch(connection: sqlite3.Connection, sql: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement and give all its rows, so that no read stays open behind it."""
    return connection.execute(sql, values).fetchall()


def cut(connection: sqlite3.Connection) -> None:
    """Called from another thread: interrupt a statement that takes long. Raises nothing.

    One that waits for a lock ends by itself with its busy timeout.
    """
    with suppress(sqlite3.Error):
        connection.interrupt()


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


def _unusable(address: DatabaseAddress, error: Exception) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The database file {address.shown} cannot be opened: {first_line(error)}\n"
        "Check that its folder is on a local disk with free space and that this user may write there, "
        "or set database_url (or data) to another place."
    )
