"""What a call's hold and settlement cost: pairs a second and processor time, as ratios within one run.

Each figure stands beside the same work done another way, minute for minute on the same machine: without durability, one
by one, by two processes. The machine's other work moves absolute figures; it moves both sides of a ratio.

One by one: the same code with one call at a time, so that each item has a transaction of its own. PostgreSQL is a
server of our own, as in the tests.

    python -m bench.ledger [--profile sqlite|postgresql]
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import pstats
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tallygate.api.call_id import make_call_id
from tallygate.genai.items import Admission, Bound, Settlement, TopUp
from tallygate.genai.results import Held, Posted
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.book import Book
from tallygate.store.driver import DriverConnection
from tallygate.store.engines import open_book
from tallygate.store.migrate import migrate
from tallygate.store.sqlite_book import SqliteBook
from tallygate.store.writer import Writer
from tests.fakes.receipts import DRAFT
from tests.fixtures.postgresql import PrivateServer

AT_ONCE = 64
PLENTY_NUSD = 10**15
ROUNDS = 3


class Measured(NamedTuple):
    """Pairs of a hold and its settlement, the seconds they took, and the processor seconds this process spent."""

    pairs: int
    took_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Pairs a second."""
        return self.pairs / self.took_s

    @property
    def cpu_us(self) -> float:
        """Processor time of one pair."""
        return self.cpu_s / self.pairs * 1e6


def found(address: DatabaseAddress) -> None:
    """One workspace with one user, one key and plenty of money."""
    migrate(address)
    with closing(DriverConnection(address)) as connection:
        connection.fetch("INSERT INTO workspaces (id, name, status, created_at_ns) VALUES ('w', 'w', 'active', 1)")
        connection.fetch(
            "INSERT INTO users (id, workspace_id, name, status, created_at_ns) VALUES ('u', 'w', 'u', 'active', 1)"
        )
        connection.fetch(
            "INSERT INTO keys (id, workspace_id, user_id, name, digest, prefix, last4, key_class, permissions, status,"
            " version, created_at_ns) VALUES ('k', 'w', 'u', '', ?, '', '', 'k', '[]', 'active', 1, 1)",
            (bytes(32),),
        )
        connection.fetch("INSERT INTO wallets (workspace_id) VALUES ('w')")


def ask(hold_id: str) -> Admission:
    """May a call be made for 1,000 nano-USD?"""
    return Admission(
        hold_id=hold_id,
        epoch="",
        workspace_id="w",
        user_id="u",
        key_id="k",
        key_version=1,
        model="m",
        price_version="p",
        bound=Bound(1_000),
        slots_max=100_000,
    )


async def pair(busy: Writer) -> None:
    """One call's two transactions."""
    held = await busy.admit(ask(make_call_id()))
    assert isinstance(held, Held), held
    row = held.hold
    posted = await busy.settle(
        Settlement(
            hold=row,
            epoch=row.epoch,
            amount_nusd=600,
            input_tokens=100,
            output_tokens=50,
            details='{"a":1}',
            receipt=DRAFT,
        )
    )
    assert isinstance(posted, Posted), posted


async def work(
    address: DatabaseAddress,
    seconds: float,
    at_once: int = AT_ONCE,
    open_: Callable[[DatabaseAddress], Book] = open_book,
    kind: type[Writer] = Writer,
) -> Measured:
    """So many calls at once, each begun when one has ended, for so long."""
    busy = kind(address, fold, complete, owner="bench", on_broken=print, open_book=open_)
    busy.start()
    await busy.change(TopUp(uuid.uuid4().hex, "w", PLENTY_NUSD))
    pairs = 0

    async def loop(until_s: float) -> None:
        nonlocal pairs
        while time.monotonic() < until_s:
            await pair(busy)
            pairs += 1

    await asyncio.gather(*(loop(time.monotonic() + 0.2) for _ in range(at_once)))
    pairs, cpu_s, began_s = 0, time.process_time(), time.monotonic()
    await asyncio.gather(*(loop(began_s + seconds) for _ in range(at_once)))
    measured = Measured(pairs, time.monotonic() - began_s, time.process_time() - cpu_s)
    await asyncio.to_thread(busy.close)
    return measured


class LooseConnection(sqlite3.Connection):
    """Never waits for the disk."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run a statement, but for one that asks for durability."""
        return super().execute("PRAGMA synchronous=OFF" if sql.startswith("PRAGMA synchronous") else sql, *values)


def open_without_durability(address: DatabaseAddress) -> Book:
    """SQLite that leaves everything to the operating system."""
    connection = sqlite3.connect(address.path, isolation_level=None, factory=LooseConnection)
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return SqliteBook(connection)


def measure_together(address: DatabaseAddress, seconds: float, processes: int, at_once: int) -> float:
    """Pairs a second of several processes on the one wallet, each with so many calls at once."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        share = [(address.target.reveal(), seconds, at_once)] * processes
        return sum(pool.starmap(measure_apart, share))


def measure_apart(url: str, seconds: float, at_once: int) -> float:
    """Pairs a second of a process of its own."""
    return asyncio.run(work(parse_address(url, Path()), seconds, at_once)).rate


def compare(name: str, goal: float, above: list[float], below: list[float]) -> None:
    """Print a ratio of medians, and what it should be."""
    one, other = statistics.median(above), statistics.median(below)
    print(f"{name:<48} {one:8.0f} / {other:<8.0f} = {one / other:5.2f}   (at least {goal})")


def run_sqlite(folder: Path, seconds: float) -> None:
    """Durable against not durable, in turns on the same kind of file."""
    durable: list[Measured] = []
    loose: list[Measured] = []
    for turn in range(ROUNDS):
        for name, open_, into in (("full", open_book, durable), ("off", open_without_durability, loose)):
            address = parse_address(f"sqlite:///{folder}/{name}-{turn}.db", Path())
            found(address)
            into.append(asyncio.run(work(address, seconds, open_=open_)))
    compare("SQLite, FULL / OFF, pairs/s", 0.5, [one.rate for one in durable], [one.rate for one in loose])
    print(
        f"{'SQLite, processor time of a pair':<48} {statistics.median(o.cpu_us for o in durable):8.0f} µs (at most 150)"
    )


def run_postgresql(address: DatabaseAddress, seconds: float) -> None:
    """Batches against single items, then two processes against one, in turns on one database."""
    found(address)
    shared: list[Measured] = []
    single: list[float] = []
    one: list[float] = []
    two: list[float] = []
    halves: list[float] = []
    for _ in range(ROUNDS):
        shared.append(asyncio.run(work(address, seconds)))
        single.append(asyncio.run(work(address, seconds, at_once=1)).rate)
        one.append(measure_together(address, seconds, 1, AT_ONCE))
        two.append(measure_together(address, seconds, 2, AT_ONCE))
        halves.append(measure_together(address, seconds, 2, AT_ONCE // 2))
    compare("PostgreSQL, 64 at once / one by one, pairs/s", 10, [turn.rate for turn in shared], single)
    compare("PostgreSQL, two processes, 64 each / one of 64", 0.9, two, one)
    compare("PostgreSQL, two processes, 32 each / one of 64", 0.9, halves, one)
    print(f"{'PostgreSQL, processor time of a pair':<48} {statistics.median(o.cpu_us for o in shared):8.0f} µs")


class ProfiledWriter(Writer):
    """Tells where its thread spends its time."""

    def _run(self) -> None:
        profiler = cProfile.Profile()
        profiler.runcall(super()._run)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a call's hold and settlement cost.")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each load")
    parser.add_argument(
        "--profile", choices=[engine.value for engine in Engine], help="tell where the time goes instead"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PrivateServer() as server:
        url = server.create_database("bench")
        if asked.profile is None:
            run_sqlite(Path(folder), asked.seconds)
            run_postgresql(parse_address(url, Path()), asked.seconds)
            return
        address = parse_address(url if asked.profile == Engine.POSTGRESQL.value else "", Path(folder))
        found(address)
        asyncio.run(work(address, asked.seconds, AT_ONCE, kind=ProfiledWriter))


if __name__ == "__main__":
    main()
