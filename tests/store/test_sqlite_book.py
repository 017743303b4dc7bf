"""The book on SQLite alone: how durable a commit is, how it waits, and what each of its errors means."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tallygate.genai.lockset import name_rows
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.book import Away, BookError, Broken, Busy, Full, Walled
from tallygate.store.engines import open_book
from tallygate.store.sqlite_book import classify
from tests.fakes.ledger import ask
from tests.fakes.twin import Twin, locked_elsewhere

NORMAL, FULL = 1, 2


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def twin(address: DatabaseAddress) -> Generator[Twin]:
    with closing(Twin(address)) as opened:
        yield opened


def connection_of(twin: Twin) -> sqlite3.Connection:
    connection: Any = twin.book
    return connection._connection


@pytest.mark.parametrize(("durable", "level"), [(True, FULL), (False, NORMAL)])
def test_only_what_may_be_lost_goes_without_an_fsync(twin: Twin, durable: bool, level: int) -> None:
    for before in (True, False):
        twin.load(durable=before)
        twin.book.rollback()
        twin.load(durable=durable)
        assert connection_of(twin).execute("PRAGMA synchronous").fetchone() == (level,)
        twin.book.rollback()


def test_a_database_that_is_locked_is_busy_also_without_waiting(twin: Twin, address: DatabaseAddress) -> None:
    with locked_elsewhere(address, "wallets", "w1") as other:
        for _ in range(2):
            with pytest.raises(Busy):
                twin.load(ask("h1"), wait_ms=0)
        other.fetch("ROLLBACK")
    twin.commit(ask("h1"))


def test_a_full_disk_refuses_and_the_book_goes_on(twin: Twin) -> None:
    connection = connection_of(twin)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Full):
        twin.commit(*[ask(f"h{n}", 1, model="m" * 500, slots_max=1_000) for n in range(200)])
    twin.compare()
    connection.execute(f"PRAGMA max_page_count={pages * 10}")
    twin.commit(ask("after", 1, slots_max=1_000))


def test_an_outcome_is_always_known(twin: Twin) -> None:
    assert twin.load(ask("h1")).transaction == ""
    twin.book.rollback()
    assert twin.book.find_outcome("") is False


def test_a_file_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Away):
        open_book(parse_address(f"sqlite:///{tmp_path}/file/x.db", Path()))


def test_a_schema_that_is_not_there_is_away(tmp_path: Path) -> None:
    with closing(open_book(parse_address("", tmp_path))) as book, pytest.raises(Away, match="no such table"):
        book.load(name_rows([]), "e1", durable=True, wait_ms=0)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_BUSY, Busy),
        (sqlite3.SQLITE_BUSY_RECOVERY, Busy),
        (sqlite3.SQLITE_LOCKED, Busy),
        (sqlite3.SQLITE_INTERRUPT, Busy),
        (sqlite3.SQLITE_FULL, Full),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, Walled),
        (sqlite3.SQLITE_CONSTRAINT_TRIGGER, Walled),
        (sqlite3.SQLITE_TOOBIG, Walled),
        (sqlite3.SQLITE_CORRUPT_VTAB, Broken),
        (sqlite3.SQLITE_NOTADB, Broken),
        (sqlite3.SQLITE_IOERR_FSYNC, Broken),
        (sqlite3.SQLITE_IOERR_WRITE, Broken),
        (sqlite3.SQLITE_CANTOPEN, Away),
        (sqlite3.SQLITE_READONLY, Away),
    ],
)
def test_what_an_error_of_a_commit_means(code: int, meaning: type[BookError]) -> None:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    assert classify(error, committing=True) is meaning


@pytest.mark.parametrize(("code", "meaning"), [(sqlite3.SQLITE_IOERR_READ, Away), (sqlite3.SQLITE_IOERR_FSYNC, Broken)])
def test_before_the_commit_only_a_failed_fsync_has_lost_something(code: int, meaning: type[BookError]) -> None:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    assert classify(error, committing=False) is meaning
