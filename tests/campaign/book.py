"""The gateway's ledger as a stranger reads it: every table by SQL on a connection of its own, and snapshots of what
must hold at any moment. It shares no statement with the gateway. Rows are dictionaries by column.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import psycopg

Row = dict[str, Any]
Query = Callable[[str], list[Row]]

EVERY_S = 0.1


class Book(NamedTuple):
    """The tables at one moment; holds, wallets, users, keys and epochs by id."""

    holds: dict[str, Row]
    transfers: dict[str, Row]
    wallets: dict[str, Row]
    users: dict[str, Row]
    keys: dict[str, Row]
    budgets: dict[str, Row]
    claims: dict[str, Row]
    living: frozenset[str]


class Snapshot(NamedTuple):
    """Balances, slots and budgets at one moment. `open_calls` counts the open holds of each user."""

    wallets: list[Row]
    users: list[Row]
    budgets: list[Row]
    open_calls: dict[str, int]


@contextmanager
def reading(url: str) -> Generator[Query]:
    """One moment of the database, for as many questions as wanted."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10, isolation_level=None)) as lite:
            lite.row_factory = sqlite3.Row
            lite.execute("BEGIN")
            yield lambda sql: [dict(row) for row in lite.execute(sql)]
        return
    with psycopg.connect(url) as wide:
        wide.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

        def ask(sql: str) -> list[Row]:
            cursor = wide.execute(sql.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        yield ask


def read_book(url: str) -> Book:
    """All of it."""
    with reading(url) as ask:

        def by(key: str, table: str) -> dict[str, Row]:
            return {row[key]: row for row in ask(f"SELECT * FROM {table}")}

        living = frozenset(row["epoch"] for row in ask("SELECT epoch FROM epochs WHERE ended_at_ns IS NULL"))
        return Book(
            by("id", "holds"),
            by("id", "transfers"),
            by("workspace_id", "wallets"),
            by("id", "users"),
            by("id", "keys"),
            by("id", "budgets"),
            by("id", "claims"),
            living,
        )


def read_snapshot(url: str) -> Snapshot:
    """What is asked ten times a second."""
    with reading(url) as ask:
        counted = ask("SELECT user_id, count(*) AS calls FROM holds WHERE state = 'open' GROUP BY user_id")
        return Snapshot(
            ask("SELECT workspace_id, posted_nusd, held_nusd FROM wallets"),
            ask("SELECT id, slots_used FROM users"),
            ask("SELECT id, limit_nusd, spent_nusd, held_nusd FROM budgets"),
            {row["user_id"]: cast(int, row["calls"]) for row in counted},
        )


def count_open(url: str) -> int:
    """How many holds are open now."""
    with reading(url) as ask:
        return ask("SELECT count(*) AS calls FROM holds WHERE state = 'open'")[0]["calls"]


class Poller:
    """Looks at the database every 100 ms from a thread of its own, for the length of a `with` block, and keeps what
    `judge` finds wrong. A database that is away or locked is looked at the next time.
    """

    def __init__(self, url: str, judge: Callable[[Snapshot], list[Any]]) -> None:
        self._url, self._judge = url, judge
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
        self.looks = 0
        self.found: list[Any] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            with suppress(sqlite3.OperationalError, psycopg.OperationalError):
                self.found += self._judge(read_snapshot(self._url))
                self.looks += 1


def wait_until_closed(url: str, timeout_s: float) -> bool:
    """Wait until no call is open; whether that came to pass in time."""
    deadline_s = time.monotonic() + timeout_s
    while count_open(url):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True
