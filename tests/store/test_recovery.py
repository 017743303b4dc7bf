"""Whoever dies, its calls end once, its slots and its money come back, and nobody who lives is taken for dead."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import LiteralString

import pytest

from tallygate.genai.book import Rows
from tallygate.genai.items import Admission, Item, Recovery, TopUp
from tallygate.genai.results import Folded, Held
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store import recovery
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import Life, locks_folder
from tallygate.store.lock_file import LockFile
from tallygate.store.migrate import migrate
from tallygate.store.recovery import Sweeper, Swept, keep_beating
from tallygate.store.writer import Fold, Writer
from tests.fakes.ledger import NOON_NS, ask, build_town
from tests.fakes.owner import Owner
from tests.fakes.receipts import draft_recovered
from tests.fakes.shelving import put_into
from tests.fixtures.postgresql import PrivateServer

CREDIT_NUSD = 1_000_000
DAY_NS = 86_400 * 10**9


class Observer:
    """A process that sweeps, on clocks that are moved by hand."""

    def __init__(self, address: DatabaseAddress, fold: Fold) -> None:
        self.now_s = 0.0
        self.now_ns = NOON_NS
        self.writer = Writer(address, fold, complete, owner="observer", on_broken=lambda _: None)
        self.sweeper = Sweeper(
            address, self.writer, draft_recovered, clock_s=lambda: self.now_s, clock_ns=lambda: self.now_ns
        )
        self._beats = 0

    async def beat(self) -> None:
        """Beat, and wait until that is committed."""
        self._beats += 1
        self.writer.beat()
        await self.writer.change(TopUp(f"{self.writer.epoch}-{self._beats}", "w2", 1, "promo"))

    async def watch(self, span_s: float) -> list[Swept]:
        """Beat and sweep every two seconds."""
        swept: list[Swept] = []
        end_s = self.now_s + span_s
        while self.now_s < end_s:
            self.now_s += 2
            await self.beat()
            swept.append(await self.sweeper.sweep())
        return swept

    def close(self) -> None:
        self.sweeper.close()
        self.writer.close()


@asynccontextmanager
async def observing(address: DatabaseAddress, fold: Fold = fold) -> AsyncGenerator[Observer]:
    observer = Observer(address, fold)
    observer.writer.start()
    try:
        yield observer
    finally:
        await asyncio.to_thread(observer.close)


@pytest.fixture
def town(address: DatabaseAddress, database: Database) -> DatabaseAddress:
    """A database with the town of the ledger's tests in it."""
    put_into(database, build_town(credit_nusd=CREDIT_NUSD), epochs=())
    return address


@pytest.fixture
def connection(town: DatabaseAddress) -> Generator[DriverConnection]:
    with closing(DriverConnection(town)) as opened:
        yield opened


def states(connection: DriverConnection) -> Counter[str]:
    return Counter(state for (state,) in connection.fetch("SELECT state FROM holds"))


def assert_settled(connection: DriverConnection, paid_nusd: int) -> None:
    """Every slot is free, nothing is held, each hold ended once, and the wallet paid what it should."""
    assert connection.fetch("SELECT max(slots_used) FROM users") == [(0,)]
    wallet = connection.fetch("SELECT posted_nusd, held_nusd FROM wallets WHERE workspace_id = 'w1'")
    assert wallet == [(CREDIT_NUSD - paid_nusd, 0)]
    ends = connection.fetch("SELECT hold_id FROM transfers WHERE kind IN ('post', 'void')")
    assert sorted(ends) == sorted(connection.fetch("SELECT id FROM holds"))


async def hold_many(writer: Writer, count: int) -> None:
    asked = [request(writer, f"h{number:03}") for number in range(count)]
    results = await asyncio.gather(*map(writer.admit, asked))
    assert all(isinstance(result, Held) for result in results)


def request(writer: Writer, hold_id: str) -> Admission:
    return ask(hold_id, 100, epoch=writer.epoch, slots_max=10_000)


def all_complete(swept: list[Swept]) -> bool:
    return all(one.complete for one in swept)


def total(swept: list[Swept]) -> int:
    return sum(one.recovered for one in swept)


def test_the_calls_of_a_killed_process_are_ended(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            with Owner(town) as owner:
                assert owner.tell("admit h1 100") == "Held"
                assert owner.tell("admit h2 100") == "Held"
                assert owner.tell("note h2 30") == "done"
                assert total(await observer.watch(2)) == 0
                owner.kill()
                swept = [await observer.sweeper.sweep()]
                if town.engine is Engine.POSTGRESQL:
                    assert total(swept) == 0, "a closed connection proves nothing"
                    swept = await observer.watch(14)
                    assert total(swept) == 0, "14 of its 15 seconds"
                    swept = await observer.watch(2)
                assert (swept[-1].recovered, swept[-1].unseen_nusd) == (2, 170)
                assert [one.epoch for one in swept[-1].buried] == [owner.epoch]
                assert swept[-1].complete

    asyncio.run(run())
    assert states(connection) == {"posted": 2}
    assert_settled(connection, paid_nusd=30)
    assert connection.fetch("SELECT count(*) FROM transfers WHERE kind = 'loss'") == [(0,)]


def test_a_stopped_process_is_fenced_when_it_wakes(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            with Owner(town) as owner:
                assert owner.tell("admit h1 100") == "Held"
                assert owner.tell("note h1 40") == "done"
                owner.stop()
                assert total(await observer.watch(14)) == 0, "it keeps its lock on SQLite, too"
                assert total(await observer.watch(4)) == 1
                owner.wake()
                assert owner.tell("settle h1") == "Fenced"
                assert owner.tell("admit h2 100") == "Held"
                assert owner.tell("settle h2") == "Posted"

    asyncio.run(run())
    assert states(connection) == {"posted": 2}
    assert_settled(connection, paid_nusd=41)


def test_one_that_beats_late_lives_whatever_the_wall_clock_says(
    town: DatabaseAddress, connection: DriverConnection
) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            with Owner(town) as owner:
                assert owner.tell("admit h1 100") == "Held"
                for jump_ns in (DAY_NS * 3650, -DAY_NS * 7300, 1, 0):
                    observer.now_ns += jump_ns
                    swept = await observer.watch(12)
                    assert all_complete(swept)
                    assert not any(one.buried for one in swept)
                    assert owner.tell("beat") == "done"
                assert states(connection) == {"open": 1}
                assert owner.tell("settle h1") == "Posted"

    asyncio.run(run())


def test_an_observer_that_was_stopped_buries_nobody(town: DatabaseAddress) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            with Owner(town) as owner:
                assert owner.tell("admit h1 100") == "Held"
                await observer.watch(4)
                observer.now_s += 3600
                assert not (await observer.sweeper.sweep()).buried, "it has not even beaten itself"
                await observer.beat()
                assert not (await observer.sweeper.sweep()).buried
                assert owner.tell("settle h1") == "Posted"

    asyncio.run(run())


def test_an_end_that_comes_first_stands(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            with Owner(town) as owner:
                assert owner.tell("admit h1 100") == "Held"
                await observer.watch(14)
                assert owner.tell("settle h1") == "Posted"
                assert total(await observer.watch(4)) == 0

    asyncio.run(run())
    assert_settled(connection, paid_nusd=1)


def test_of_two_who_recover_each_call_is_ended_by_one(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> list[Swept]:
        async with observing(town) as dead:
            await hold_many(dead.writer, 150)
            connection.fetch("UPDATE epochs SET ended_at_ns = 1")
            async with observing(town) as first, observing(town) as second:
                return list(await asyncio.gather(first.sweeper.sweep(), second.sweeper.sweep()))

    swept = asyncio.run(run())
    assert all_complete(swept)
    assert total(swept) == 150
    assert states(connection) == {"posted": 150}
    assert_settled(connection, paid_nusd=0)


def test_holds_of_an_epoch_nobody_knows_are_ended(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> int:
        async with observing(town) as dead:
            await hold_many(dead.writer, 3)
            connection.fetch("DELETE FROM epochs")
            async with observing(town) as observer:
                return (await observer.sweeper.sweep()).recovered

    assert asyncio.run(run()) == 3
    assert_settled(connection, paid_nusd=0)


def test_what_an_idempotent_call_came_to_is_the_houses_loss(
    town: DatabaseAddress, connection: DriverConnection
) -> None:
    async def run() -> None:
        async with observing(town) as dead, observing(town) as observer:
            await hold_many(dead.writer, 1)
            connection.fetch("UPDATE holds SET progress_nusd = 60, claim_id = 'c1'")
            connection.fetch("UPDATE epochs SET ended_at_ns = 1 WHERE epoch = ?", (dead.writer.epoch,))
            await observer.sweeper.sweep()

    asyncio.run(run())
    assert_settled(connection, paid_nusd=0)
    assert connection.fetch("SELECT amount_nusd FROM transfers WHERE kind = 'loss'") == [(60,)]


def test_a_hold_of_our_own_that_no_call_knows_is_ended(town: DatabaseAddress, connection: DriverConnection) -> None:
    async def run() -> None:
        async with observing(town) as observer:
            await hold_many(observer.writer, 2)
            life = Life(town, observer.writer.epoch, None)
            twin = Writer(town, fold, complete, owner="twin", on_broken=lambda _: None, begin_life=lambda *_: life)
            twin.start()
            assert isinstance(await twin.admit(request(twin, "orphan")), Held)
            assert (await observer.sweeper.sweep()).recovered == 1
            assert (await observer.sweeper.sweep()).recovered == 0
            assert connection.fetch("SELECT id FROM holds WHERE state = 'posted'") == [("orphan",)]
            await asyncio.to_thread(twin.close)

    asyncio.run(run())


def test_claims_are_removed_when_their_time_is_over(town: DatabaseAddress, connection: DriverConnection) -> None:
    insert: LiteralString = (
        "INSERT INTO claims (id, request_digest, hold_id, keep_ns, ends_at_ns, answer_object)"
        " VALUES (?, ?, '', 1, ?, ?)"
    )
    for number in range(150):
        connection.fetch(insert, (f"over{number:03}", b"", NOON_NS, f"o{number}" if number % 2 else None))
    connection.fetch(insert, ("kept", b"", NOON_NS + 1, "o"))
    connection.fetch(insert, ("running", b"", None, None))

    async def run() -> Swept:
        async with observing(town) as observer:
            return await observer.sweeper.sweep()

    assert sorted(asyncio.run(run()).objects) == sorted(f"o{number}" for number in range(1, 150, 2))
    assert connection.fetch("SELECT id FROM claims ORDER BY id") == [("kept",), ("running",)]


def test_one_that_cannot_be_ended_stops_no_other(town: DatabaseAddress, connection: DriverConnection) -> None:
    def fold_but_one(rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
        if any(isinstance(item, Recovery) and item.hold.id == "h001" for item in items):
            raise ValueError("a row nobody has foreseen")
        return fold(rows, items, now_ns)

    async def run() -> Swept:
        async with observing(town) as dead, observing(town, fold=fold_but_one) as observer:
            await hold_many(dead.writer, 3)
            connection.fetch("UPDATE epochs SET ended_at_ns = 1 WHERE epoch = ?", (dead.writer.epoch,))
            return await observer.sweeper.sweep()

    swept = asyncio.run(run())
    assert (swept.complete, swept.recovered) == (False, 2)
    assert connection.fetch("SELECT id FROM holds WHERE state = 'open'") == [("h001",)]


@pytest.mark.parametrize("engine", ["postgresql"])  # on SQLite a lock is on the whole database
def test_a_wallet_locked_elsewhere_keeps_no_other_from_its_money(
    town: DatabaseAddress, connection: DriverConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "END_S", 0.5)

    async def run() -> list[bool]:
        async with observing(town) as dead, observing(town) as observer:
            await dead.beat()  # which gives the other wallet its money
            for item in (request(dead.writer, "h1"), ask("h2", 1, "k4", epoch=dead.writer.epoch)):
                assert isinstance(await dead.writer.admit(item), Held)
            connection.fetch("UPDATE epochs SET ended_at_ns = 1 WHERE epoch = ?", (dead.writer.epoch,))
            connection.fetch("BEGIN")
            connection.fetch("SELECT 1 FROM wallets WHERE workspace_id = 'w1' FOR UPDATE")
            while not (before := await observer.sweeper.sweep()).recovered:  # one may be too short on a busy machine
                pass
            connection.fetch("ROLLBACK")
            while not (after := await observer.sweeper.sweep()).recovered:
                pass
            return [before.complete, after.complete]

    assert asyncio.run(run()) == [False, True]


def test_a_database_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async def run(server: PrivateServer, address: DatabaseAddress) -> None:
        async with observing(address) as observer:
            assert (await observer.sweeper.sweep()).complete
            server.kill()
            assert [(await observer.sweeper.sweep()).complete for _ in range(3)] == [False] * 3
            server.start()
            assert (await observer.sweeper.sweep()).complete

    with PrivateServer() as server:
        address = parse_address(server.create_database("away"), Path())
        migrate(address)
        with Database(address) as database:
            put_into(database, build_town(credit_nusd=CREDIT_NUSD), epochs=())
        asyncio.run(run(server, address))
    assert caplog.text.count("recovery waits for the database") == 1


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(server: PrivateServer, address: DatabaseAddress) -> None:
        async with observing(address) as observer:
            assert (await observer.sweeper.sweep()).complete
            server.freeze()
            try:
                assert not (await observer.sweeper.sweep()).complete
            finally:
                server.thaw()
            assert (await observer.sweeper.sweep()).complete

    monkeypatch.setattr(recovery, "HANG_S", 0.2)
    with PrivateServer() as server:
        address = parse_address(server.create_database("hanging"), Path())
        migrate(address)
        asyncio.run(run(server, address))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_locks_that_nobody_needs_are_removed(town: DatabaseAddress) -> None:
    lost = LockFile(locks_folder(town) / "ep_lost")
    lost.release(remove=False)
    beginning = LockFile(locks_folder(town) / "ep_beginning")  # locked, its row not yet written

    async def run() -> None:
        async with observing(town) as observer:
            await observer.sweeper.sweep()
            names = {file.name for file in locks_folder(town).iterdir()}
            assert names == {"ep_beginning", observer.writer.epoch}

    asyncio.run(run())
    beginning.release(remove=True)


def test_beats_go_on_until_they_are_cancelled() -> None:
    async def run() -> int:
        beats, enough = 0, asyncio.Event()

        def beat() -> None:
            nonlocal beats
            beats += 1
            if beats == 3:
                enough.set()

        task = asyncio.create_task(keep_beating(beat, 0.001))
        await enough.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return beats

    assert asyncio.run(run()) == 3
