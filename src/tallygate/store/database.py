"""Administrative connections: SQLAlchemy over the connections that `driver` opens.

One connection per transaction and no pool: administrative work is rare, and a pool would hold connections that the
server may close behind it. Calls of clients never come through here.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from tallygate.errors import InvalidValue, StoreUnavailable
from tallygate.store import sqlite_driver
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.refusal import DatabaseUnusable
from tallygate.store.registry import load_driver

LOCK_FIRST_RUN = 0x7A11_0001
LOCK_MIGRATE = 0x7A11_0002
LOCK_RIGHTS = 0x7A11_0003
"""Numbers of PostgreSQL advisory locks, for work that one process at a time may do. SQLite has one writer anyway."""


class Database:
    """A database that administrative functions read and write. Transactions end with their `with` block."""

    def __init__(self, address: DatabaseAddress, *, foreign_keys: bool = True) -> None:
        self.engine_name = address.engine
        if address.engine is Engine.SQLITE:
            self._engine = create_engine(
                "sqlite+pysqlite://",
                creator=lambda: sqlite_driver.connect(address, foreign_keys=foreign_keys),
                poolclass=NullPool,
            )
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = create_engine(
                "postgresql+psycopg://",
                creator=lambda: _connect_transactional(address),
                poolclass=NullPool,
                use_native_hstore=False,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything held open."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that only reads. Raises StoreUnavailable, InvalidValue for a text that no column can hold."""
        with _translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Generator[Connection]:
        """A transaction that only reads and sees one moment, however long it takes and whoever writes meanwhile.

        Rows are fetched as they are asked for. Raises StoreUnavailable.
        """
        with self.reading() as connection:
            if self.engine_name is Engine.POSTGRESQL:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection.execution_options(stream_results=True)

    @contextmanager
    def writing(self, *, lock: int | None = None) -> Generator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back when it raises.

        With `lock`, one at a time over all processes. Raises as `reading`.
        """
        writing = self._engine.execution_options(tallygate_writes=True)
        with _translated(), writing.connect() as connection, connection.begin():
            if lock is not None and self.engine_name is Engine.POSTGRESQL:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            yield connection


def _begin_sqlite(connection: Connection) -> None:
    """Begin by hand: sqlite3 itself would begin late and take the write lock in the middle, where it can only fail."""
    writes = connection.get_execution_options().get("tallygate_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _connect_transactional(address: DatabaseAddress) -> Any:
    connection = load_driver(address.engine).connect(address)
    connection.autocommit = False  # SQLAlchemy leaves it to psycopg to begin
    return connection


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, DatabaseUnusable) as error:
        raise StoreUnavailable("The gateway's database cannot be reached.") from error
    except DataError as error:
        # PostgreSQL has no text with the character 0 in it, not even to look for it.
        raise InvalidValue("The database cannot keep, or look for, what was given.") from error
