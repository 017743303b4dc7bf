"""The book on PostgreSQL alone: rows that somebody else has, commits whose answer is lost, servers that come and go."""

import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from tallygate.genai.book import Budget, Rate, Rows, Transfer, Wallet
from tallygate.genai.items import ClaimRequest, Item, LimitChange, Settlement, TopUp
from tallygate.genai.lockset import Lockset, name_rows
from tallygate.genai.results import Folded
from tallygate.ledger.fold import fold
from tallygate.store import postgresql_driver
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.book import Away, Book, BookError, Broken, Busy, Full, Loaded, Walled
from tallygate.store.driver import DriverConnection
from tallygate.store.engines import open_book
from tallygate.store.epochs import begin_life, bury, end_sessions, list_living
from tallygate.store.migrate import migrate
from tallygate.store.postgresql_book import PostgresqlBook, classify
from tests.fakes.ledger import DAY_NS, NOON_NS, ask
from tests.fakes.receipts import DRAFT
from tests.fakes.severer import Severer
from tests.fakes.twin import EPOCH, Twin, locked_elsewhere
from tests.fixtures.postgresql import PrivateServer

LONG_MS = 60_000
"""For a wait that the test ends itself, long before."""

BUDGET = Budget(id="b1", level="key", owner_id="k1", period="total", limit_nusd=9_000)
OTHER_BUDGET = Budget(id="b2", level="key", owner_id="k3", period="total", limit_nusd=9_000)
RATE = Rate(id="r1", level="key", owner_id="k1", kind="requests", per_minute=1_000)


@pytest.fixture
def engine() -> str:
    return "postgresql"


@pytest.fixture
def twin(address: DatabaseAddress) -> Generator[Twin]:
    with closing(Twin(address, BUDGET, OTHER_BUDGET, RATE)) as opened:
        yield opened


def load(book: Book, *items: Item, epoch: str = EPOCH, wait_ms: int = 0) -> Loaded:
    return book.load(name_rows(items), epoch, durable=True, wait_ms=wait_ms)


def named(**names: tuple[str, ...]) -> Lockset:
    return Lockset(**{table: names.get(table, ()) for table in Lockset.__struct_fields__})


@pytest.mark.parametrize(
    ("table", "row_id", "locked"),
    [
        ("users", "u1", named(users=("u1",))),
        ("wallets", "w1", named(wallets=("w1",))),
        ("budgets", "b1", named(budgets=("b1",), budget_owners=("k1",))),
        ("rates", "r1", named(rates=("r1",), rate_owners=("k1",))),
        ("claims", "u1/c", named(claims=("u1/c",))),
        ("holds", "h1", named(holds=("h1",))),
    ],
)
def test_a_row_that_somebody_else_has_is_left_out_and_named(
    twin: Twin, address: DatabaseAddress, table: str, row_id: str, locked: Lockset
) -> None:
    (held,) = twin.commit(ask("h1", claim=ClaimRequest("u1/c", b"x", DAY_NS)))
    items = (
        Settlement(hold=held.hold, epoch=EPOCH, amount_nusd=1, receipt=DRAFT),
        ask("h2"),
        ask("h3", key_id="k3"),
        ask("h4", key_id="k4"),
    )
    everything = twin.shelf.load(items)
    with locked_elsewhere(address, table, row_id):
        loaded = twin.load(*items)
        twin.book.rollback()
    assert loaded.locked == locked
    for name in everything.__struct_fields__:
        rows = dict(getattr(everything, name))
        if name == table:
            del rows[row_id]
        assert getattr(loaded.rows, name) == rows
    assert twin.load(*items).locked is None


def test_a_budget_named_by_its_id_is_named_too(twin: Twin, address: DatabaseAddress) -> None:
    with locked_elsewhere(address, "budgets", "b2"):
        loaded = twin.load(LimitChange("b1", 1), LimitChange("b2", 1))
        twin.book.rollback()
    assert loaded.locked == named(budgets=("b2",), budget_owners=("k3",))
    assert list(loaded.rows.budgets) == ["b1"]


def test_a_key_may_be_given_to_a_user_whose_row_we_have(twin: Twin, address: DatabaseAddress) -> None:
    twin.load(ask("h1"))
    with closing(DriverConnection(address)) as other:
        other.fetch("SET lock_timeout TO '1ms'")
        assert other.fetch("SELECT 1 FROM users WHERE id = 'u1' FOR KEY SHARE") == [(1,)]


def await_waiter(other: DriverConnection) -> None:
    """Until somebody waits for a lock that this connection has."""
    while not other.fetch("SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"):
        pass


@pytest.mark.parametrize(
    ("table", "row_id"), [("users", "u1"), ("wallets", "w1"), ("budgets", "b1"), ("epochs", EPOCH)]
)
def test_what_is_waited_for_is_read_as_it_was_left(
    twin: Twin, address: DatabaseAddress, table: str, row_id: str
) -> None:
    """Also what its last owner has added beside it: here a claim, whose only lock is that of its user."""
    with locked_elsewhere(address, table, row_id) as other, ThreadPoolExecutor() as pool:
        item = ask("h1", claim=ClaimRequest("u1/c", b"x", DAY_NS))
        other.fetch("UPDATE wallets SET posted_nusd = posted_nusd + 1 WHERE workspace_id = 'w1'")
        other.fetch("INSERT INTO claims (id, request_digest, hold_id, keep_ns) VALUES ('u1/c', ?, 'h0', 1)", (b"x",))
        waiting = pool.submit(twin.load, item, wait_ms=LONG_MS)
        await_waiter(other)
        other.fetch("COMMIT")
        loaded = waiting.result()
    assert loaded.locked is None
    assert loaded.rows.wallets["w1"].posted_nusd == 10_001
    assert loaded.rows.claims["u1/c"].hold_id == "h0"


def test_a_wait_that_is_cut_is_away(twin: Twin, address: DatabaseAddress) -> None:
    with locked_elsewhere(address, "wallets", "w1") as other, ThreadPoolExecutor() as pool:
        waiting = pool.submit(twin.load, ask("h1"), wait_ms=LONG_MS)
        await_waiter(other)
        twin.book.cut()
        for _ in range(2):
            with pytest.raises(Away):
                waiting.result()
            waiting = pool.submit(twin.load, ask("h1"))


def test_a_row_that_somebody_is_about_to_insert_is_busy(twin: Twin, address: DatabaseAddress) -> None:
    item = TopUp("t1", "w1", 5)
    with closing(DriverConnection(address)) as other:
        other.fetch("BEGIN")
        other.fetch("INSERT INTO transfers VALUES ('t1/topup', 'topup', 'a', 'b', 1, 1, '')")
        loaded = twin.load(item)
        connection_of(twin.book).execute("SET LOCAL lock_timeout TO '1ms'")
        with pytest.raises(Busy):
            twin.book.commit(fold(loaded.rows, [item], NOON_NS), beats=False)
        other.fetch("ROLLBACK")
    twin.commit(item)


def test_statements_stay_prepared_whatever_becomes_of_a_transaction(twin: Twin) -> None:
    connection = connection_of(twin.book)

    def prepared() -> set[str]:
        return {row[0] for row in connection.execute("SELECT name FROM pg_prepared_statements", prepare=False)}

    items = [TopUp(f"t{number}", "w1", 1) for number in range(3)]
    twin.commit(items[0])
    before = prepared()
    twin.load(items[1])
    twin.book.rollback()
    twin.load()
    with pytest.raises(Walled):
        twin.book.commit(Folded((), Rows(wallets={"w1": Wallet("w1", -1)}), ()), beats=False)
    twin.commit(items[2])
    assert before <= prepared()


def test_no_update_is_lost_between_two_books(twin: Twin, address: DatabaseAddress) -> None:
    """Two processes on two wallets, which one names first and the other last."""
    rounds = 100
    barrier = threading.Barrier(2)
    twin.town.begin_epochs("a", "b")

    def top_up(name: str, wallets: tuple[str, str]) -> None:
        with closing(open_book(address)) as book:
            barrier.wait()
            for number in range(rounds):
                items = [TopUp(f"{name}{number}{wallet}", wallet, 1) for wallet in wallets]
                _commit(book, items, name, wait_ms=0 if number % 2 else LONG_MS)

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(top_up, "a", ("w1", "w2")), pool.submit(top_up, "b", ("w2", "w1"))]:
            done.result()
    town = twin.town.read()
    assert (town.wallet("w1").posted_nusd, town.wallet("w2").posted_nusd) == (10_000 + 2 * rounds, 2 * rounds)


def _commit(book: Book, items: Sequence[Item], epoch: str, wait_ms: int) -> None:
    """Try until every row could be had. Nobody waits in a circle: Busy would be raised and end the test."""
    while True:
        loaded = load(book, *items, epoch=epoch, wait_ms=wait_ms)
        if loaded.locked is None:
            return book.commit(fold(loaded.rows, items, NOON_NS), beats=False)
        book.rollback()


def test_the_outcome_of_a_transaction_is_told_once_it_has_ended(twin: Twin, address: DatabaseAddress) -> None:
    with closing(open_book(address)) as other:
        first = twin.load(ask("h1")).transaction
        assert other.find_outcome(first) is None
        twin.book.rollback()
        assert other.find_outcome(first) is False
        second = twin.load(ask("h1")).transaction
        assert other.find_outcome(second) is None
        twin.book.commit(Folded((), Rows(), ()), beats=False)
        assert other.find_outcome(second) is True
        twin.town.end_epoch(EPOCH)
        assert other.find_outcome(second) is True


def test_an_epoch_that_nobody_knows_is_not_guessed_at(twin: Twin) -> None:
    with pytest.raises(Broken, match="forgotten the epoch never"):
        twin.book.find_outcome("never 1")
    twin.commit(ask("h1"))


@pytest.mark.parametrize(("cut", "is_committed"), [(Severer.cut_before, False), (Severer.cut_after, True)])
def test_a_commit_without_an_answer_is_unknown_until_it_is_asked_for(
    twin: Twin, database_url: str, cut: Callable[[Severer], None], is_committed: bool
) -> None:
    with Severer(database_url) as wire, closing(open_book(parse_address(wire.url, Path()))) as book:
        item = ask("h1")
        loaded = load(book, item)
        folded = fold(loaded.rows, [item], NOON_NS)
        cut(wire)
        with pytest.raises(Away):
            book.commit(folded, beats=True)
        with pytest.raises(Away):
            load(book, item)
    while (outcome := twin.book.find_outcome(loaded.transaction)) is None:
        pass
    assert outcome is is_committed
    assert ("h1" in twin.town.read().tables["holds"]) is is_committed


def connection_of(book: Any) -> psycopg.Connection[Any]:
    return book._connection


def test_an_error_in_the_middle_of_a_commit_is_known(twin: Twin) -> None:
    """Every statement has been sent with its COMMIT when the server refuses the first: none of them counts."""
    item = ask("h1")
    loaded = twin.load(item)
    folded = fold(loaded.rows, [item], NOON_NS)
    connection_of(twin.book).execute("INSERT INTO transfers VALUES ('h1/hold', 'hold', 'a', 'b', 1, 1, 'h1')")
    with pytest.raises(Walled):
        twin.book.commit(folded, beats=True)
    assert twin.town.beats() == 0
    twin.commit(item)


def test_a_writer_that_stops_in_a_transaction_loses_it(twin: Twin, address: DatabaseAddress) -> None:
    connection = connection_of(twin.book)
    assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchall() == [("5s",)]
    connection.execute("SET idle_in_transaction_session_timeout TO '50ms'")
    transaction = twin.load(ask("h1")).transaction
    with closing(open_book(address)) as other:
        twin.town.begin_epochs("e2")
        load(other, ask("h2"), epoch="e2", wait_ms=LONG_MS)  # waits for the locks of the one that stopped
        other.rollback()
        with pytest.raises(Away):
            twin.book.commit(Folded((), Rows(), ()), beats=True)
        assert other.find_outcome(transaction) is False


def test_a_session_that_is_ended_by_the_server_is_away(twin: Twin, address: DatabaseAddress) -> None:
    twin.load(ask("h1"))
    with closing(DriverConnection(address)) as other:
        pid = connection_of(twin.book).info.backend_pid
        other.fetch("SELECT pg_terminate_backend(?, 60000)", (pid,))
    with pytest.raises(Away):
        twin.book.commit(Folded((), Rows(), ()), beats=True)
    twin.book = open_book(address)
    twin.commit(ask("h1"))


def test_a_server_that_goes_is_away_until_it_is_back() -> None:
    with PrivateServer() as server:
        address = parse_address(server.create_database("away"), Path())
        migrate(address)
        with closing(Twin(address)) as twin:
            item = ask("h1")
            transaction = twin.load(item).transaction
            server.kill()
            for _ in range(2):
                with pytest.raises(Away):
                    twin.load(item)
                twin.book.rollback()
            with pytest.raises(Away):
                open_book(address)
            server.start()
            with pytest.raises(Away):
                twin.load(item)
            with closing(open_book(address)) as book:
                assert book.find_outcome(transaction) is False
                load(book, item)


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ("55P03", Busy),
        ("40P01", Busy),
        ("40001", Busy),
        ("57014", Busy),
        ("53100", Full),
        ("23505", Walled),
        ("23514", Walled),
        ("22021", Walled),
        ("P0001", Walled),
        ("XX001", Broken),
        ("57P01", Away),
        ("57P03", Away),
        ("57P05", Away),
        ("25006", Away),
        ("53200", Away),
    ],
)
def test_what_an_error_means(state: str, meaning: type[BookError]) -> None:
    assert classify(psycopg.errors.lookup(state)()) is meaning


def test_the_session_of_a_silent_epoch_can_be_ended_by_name(address: DatabaseAddress) -> None:
    life = begin_life(address, "stopped while it was sending")
    book = open_book(address)
    book.load(name_rows([]), life.epoch, durable=True, wait_ms=LONG_MS)
    with closing(DriverConnection(address)) as judge:
        (seen,) = list_living(judge)
        assert not bury(judge, life.epoch, seen.beats, NOON_NS)
        end_sessions(judge, "ep_another")
        assert not bury(judge, life.epoch, seen.beats, NOON_NS)
        end_sessions(judge, life.epoch)
        assert bury(judge, life.epoch, seen.beats, NOON_NS)
    with pytest.raises(Away):
        book.commit(Folded((), Rows(), ()), beats=False)
    book.close()


class HaltingBook(PostgresqlBook):
    """Sends its statements one after the other, with time between for answers to come in."""

    def _run(self, sql: LiteralString, values: Any = ()) -> Any:
        time.sleep(random.random() / 2_000)
        return super()._run(sql, values)


def test_an_error_that_comes_in_between_two_statements_means_the_same(address: DatabaseAddress) -> None:
    life = begin_life(address, "test")
    book = HaltingBook(postgresql_driver.connect(address))
    line = Transfer(id="x", kind="topup", debit="a", credit="a", amount_nusd=1, at_ns=1)
    for _ in range(200):
        book.load(name_rows([]), life.epoch, durable=True, wait_ms=LONG_MS)
        with pytest.raises(Walled):
            book.commit(Folded((), Rows(), (line, line)), beats=False)
    book.close()
    life.end()
