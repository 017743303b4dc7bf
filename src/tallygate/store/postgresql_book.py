"""The book on PostgreSQL: one transaction of the writer over psycopg 3, and what each of its errors means.

Tables are locked one after the other, each by a statement with a snapshot of its own (READ COMMITTED): what is read
behind a lock is what the last holder of that lock committed. Loading is one round trip and saving another one. Which
call is made when, and what is tried again, is the writer's business; the statements stand in `postgresql_statements`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import pq

from tallygate.genai.book import Rows
from tallygate.genai.lockset import Lockset
from tallygate.genai.results import Folded
from tallygate.store import postgresql_driver
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away, Book, BookError, Broken, Busy, EpochEnded, Full, Loaded, Walled
from tallygate.store.book_rows import (
    pack_budget,
    pack_claim,
    pack_hold,
    pack_hold_change,
    pack_rate,
    pack_transfer,
    pack_user,
    pack_wallet,
    part,
    unpack_budget,
    unpack_claim,
    unpack_hold,
    unpack_key,
    unpack_rate,
    unpack_transfer,
    unpack_user,
    unpack_wallet,
    unpack_workspace,
)
from tallygate.store.postgresql_array import pack_array
from tallygate.store.postgresql_statements import (
    COUNT_COMMIT,
    DELETE_CLAIMS,
    INSERT_CLAIMS,
    INSERT_HOLDS,
    INSERT_TRANSFERS,
    NAME_SESSION,
    SELECT_COMMITS,
    SELECT_EPOCH,
    SELECT_KEYS,
    SELECT_TRANSFERS,
    SELECT_WORKSPACES,
    SESSION,
    SET_LOCK_TIMEOUT,
    SKIPPING,
    UPDATE_BUDGETS,
    UPDATE_CLAIMS,
    UPDATE_HOLDS,
    UPDATE_RATES,
    UPDATE_USERS,
    UPDATE_WALLETS,
    WAITING,
)
from tallygate.store.receipt_rows import INSERT_RECEIPTS, ReceiptRow, pack_columns
from tallygate.store.refusal import DatabaseUnusable

Row = TypeVar("Row")
Columns = Sequence[Any]
Cursor = psycopg.Cursor[tuple[Any, ...]]

_PREPARE_ALL = 0
"""Every statement at its first use."""


def open_book(address: DatabaseAddress) -> Book:
    """Open a connection for the writer. Raises Away."""
    try:
        connection = postgresql_driver.connect(address)
    except DatabaseUnusable as error:
        raise Away(str(error)) from error
    try:
        connection.execute("; ".join(SESSION))
    except psycopg.Error as error:
        connection.close()
        raise Away(str(error)) from error
    return PostgresqlBook(connection)


class PostgresqlBook:
    """A Book on one connection, which is its own from here on.

    It stays in pipeline mode: statements are sent as they come, and `_sync` ends each round trip. To leave that mode
    after each would send a message behind the Sync, and the server would take the session for busy ever after: its
    timeout for sessions that idle in a transaction would never end ours.
    """

    def __init__(self, connection: postgresql_driver.Connection) -> None:
        self._connection = connection
        self._connection.prepare_threshold = _PREPARE_ALL
        self._mode = ExitStack()
        self._sync = self._mode.enter_context(connection.pipeline()).sync
        self._epoch = self._named = ""
        self._rows = Rows()

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:  # noqa: ARG002 - Book's
        """See Book. `durable` is of no consequence: another replica may have seen what a lost commit said."""
        try:
            if epoch != self._named:
                self._bear(epoch)
            loaded = self._load(names, epoch, wait_ms)
        except psycopg.Error as error:
            raise self._end(error) from error
        if loaded is None:
            self.rollback()
            raise EpochEnded(epoch)
        self._epoch, self._rows = epoch, loaded.rows
        return loaded

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        """See Book."""
        try:
            self._save(folded)
            self._write(INSERT_RECEIPTS, map(pack_columns, receipts))
            self._run(COUNT_COMMIT, (str(int(beats)), self._epoch))
            self._run("COMMIT")
            self._sync()
        except (psycopg.Error, UnicodeError) as error:
            raise self._end(error) from error

    def rollback(self) -> None:
        """See Book."""
        try:
            self._drain()
            if self._connection.info.transaction_status != pq.TransactionStatus.IDLE:
                self._run_unseen("ROLLBACK")
                self._sync()
        except psycopg.Error:
            self.close()

    def find_outcome(self, transaction: str) -> bool | None:
        """See Book. True as well for a later transaction of the same epoch, and False once the server has come back
        without a commit that it had confirmed. Raises Broken where nobody knows the epoch any more.
        """
        epoch, commits = transaction.split()
        try:
            answer = self._run(SELECT_COMMITS, (epoch,))
            self._sync()
            found = answer.fetchone()
        except psycopg.errors.LockNotAvailable:
            self.rollback()
            return None
        except psycopg.Error as error:
            raise self._end(error) from error
        if found is None:
            raise Broken(f"the database has forgotten the epoch {epoch}")
        return found[0] > int(commits)

    def cut(self) -> None:
        """See Book."""
        postgresql_driver.cut(self._connection)

    def close(self) -> None:
        """See Book."""
        self._connection.close()
        with suppress(psycopg.Error):  # the mode ends with the connection, and psycopg minds
            self._mode.close()

    def _load(self, names: Lockset, epoch: str, wait_ms: int) -> Loaded | None:
        """None where the epoch has ended. Everything is sent before anything is read."""
        locking = WAITING if wait_ms else SKIPPING
        self._run("BEGIN")
        if wait_ms:
            self._run(SET_LOCK_TIMEOUT, (str(wait_ms),))
        life = self._run(SELECT_EPOCH, (epoch,))
        users = self._ask(locking.users, names.users)
        wallets = self._ask(locking.wallets, names.wallets)
        budgets = self._ask_owned(locking.budgets, names.budgets, names.budget_owners)
        rates = self._ask_owned(locking.rates, names.rates, names.rate_owners)
        claims = self._ask(locking.claims, names.claims)
        holds = self._ask(locking.holds, names.holds)
        workspaces = self._ask(SELECT_WORKSPACES, names.workspaces)
        keys = self._ask(SELECT_KEYS, names.keys)
        transfers = self._ask(SELECT_TRANSFERS, names.transfers)
        self._sync()
        found = life.fetchone()
        if found is None:
            return None
        sieve = _Sieve()
        rows = Rows(
            users=sieve.take("users", users, unpack_user),
            wallets=sieve.take("wallets", wallets, unpack_wallet),
            budgets=sieve.take("budgets", budgets, unpack_budget),
            rates=sieve.take("rates", rates, unpack_rate),
            claims=sieve.take("claims", claims, unpack_claim),
            holds=sieve.take("holds", holds, unpack_hold),
            workspaces=_collect(workspaces, unpack_workspace),
            keys=_collect(keys, unpack_key),
            transfers=_collect(transfers, unpack_transfer),
        )
        return Loaded(rows, sieve.locked(), f"{epoch} {found[0]}")

    def _ask(self, sql: LiteralString, ids: Sequence[str]) -> Cursor | None:
        return self._run(sql, {"ids": pack_array(ids)}) if ids else None

    def _ask_owned(self, sql: LiteralString, ids: Sequence[str], owners: Sequence[str]) -> Cursor | None:
        if not ids and not owners:
            return None
        return self._run(sql, {"ids": pack_array(ids), "owners": pack_array(owners)})

    def _run(self, sql: LiteralString, values: Mapping[str, str] | Sequence[str] = ()) -> Cursor:
        return self._connection.execute(sql, values)

    def _run_unseen(self, sql: LiteralString) -> None:
        """Run a statement past psycopg's cache of prepared statements, which would drop all of them at a ROLLBACK, and
        in a pipeline also one that it has just begun to use again.
        """
        self._connection.prepare_threshold = None
        self._connection.execute(sql)
        self._connection.prepare_threshold = _PREPARE_ALL

    def _drain(self) -> None:
        """Read every answer that is still to come, whatever it says. Raises where the connection is gone.

        An error that was noticed while a statement was being sent has aborted the pipeline until its next Sync.
        """
        while self._is_unread():
            try:
                self._sync()
            except psycopg.Error:
                if self._connection.closed:
                    raise

    def _is_unread(self) -> bool:
        is_aborted = self._connection.pgconn.pipeline_status == pq.PipelineStatus.ABORTED
        return is_aborted or self._connection.info.transaction_status == pq.TransactionStatus.ACTIVE

    def _save(self, folded: Folded) -> None:
        changed, loaded = folded.changed, self._rows
        self._write(UPDATE_USERS, map(pack_user, changed.users.values()))
        self._write(UPDATE_WALLETS, map(pack_wallet, changed.wallets.values()))
        self._write(UPDATE_BUDGETS, map(pack_budget, changed.budgets.values()))
        self._write(UPDATE_RATES, map(pack_rate, changed.rates.values()))
        new_claims, old_claims = part(changed.claims, loaded.claims)
        self._write(INSERT_CLAIMS, map(pack_claim, new_claims))
        self._write(UPDATE_CLAIMS, map(pack_claim, old_claims))
        if folded.claims_released:
            self._run(DELETE_CLAIMS, (pack_array(folded.claims_released),))
        new_holds, old_holds = part(changed.holds, loaded.holds)
        self._write(INSERT_HOLDS, map(pack_hold, new_holds))
        self._write(UPDATE_HOLDS, map(pack_hold_change, old_holds))
        self._write(INSERT_TRANSFERS, map(pack_transfer, folded.transfers))

    def _write(self, sql: LiteralString, rows: Iterable[Columns]) -> None:
        """One statement for all rows: an array for each column."""
        columns = list(zip(*rows, strict=True))
        if columns:
            self._run(sql, [pack_array(column) for column in columns])

    def _bear(self, epoch: str) -> None:
        """Name the session after its epoch, for whoever has to end it: see `epochs.end_sessions`."""
        self._run(NAME_SESSION, (epoch,))
        self._sync()
        self._named = epoch

    def _end(self, error: Exception) -> BookError:
        """Roll back, and say what the error means. Closed where it means Away: it must say so from then on."""
        self.rollback()
        meaning = Away if self._connection.closed else classify(error)
        if meaning is Away:
            self.close()
        return meaning(str(error))


_OWNED = {"budgets": "budget_owners", "rates": "rate_owners"}
"""Tables whose rows are named by their owner as well."""


class _Sieve:
    """Parts the rows that we have locked from the names of those that somebody else has."""

    def __init__(self) -> None:
        self._locked: dict[str, list[str]] = {}

    def take(self, table: str, cursor: Cursor | None, unpack: Callable[[Columns], Row]) -> dict[str, Row]:
        if cursor is None:
            return {}
        rows: dict[str, Row] = {}
        for named, *row in cursor.fetchall():
            if row[0] is None:
                self._locked.setdefault(table, []).append(named)
                if table in _OWNED:
                    self._locked.setdefault(_OWNED[table], []).append(row[-1])
            else:
                rows[named] = unpack(row)
        return rows

    def locked(self) -> Lockset | None:
        if not self._locked:
            return None
        names = {table: tuple(sorted(set(self._locked.get(table, ())))) for table in Lockset.__struct_fields__}
        return Lockset(**names)


def _collect(cursor: Cursor | None, unpack: Callable[[Columns], Row]) -> dict[str, Row]:
    return {} if cursor is None else {row[0]: unpack(row) for row in cursor.fetchall()}


_MEANINGS: dict[str, type[BookError]] = {
    "40001": Busy,  # serialization_failure
    "40P01": Busy,  # deadlock_detected
    "55P03": Busy,  # lock_not_available
    "57014": Busy,  # query_canceled
    "53100": Full,  # disk_full
    "P0001": Walled,  # raise_exception: the triggers on transfers
    "XX001": Broken,  # data_corrupted
    "XX002": Broken,  # index_corrupted
}
_WALLS = ("22", "23")
"""Classes of errors: a value that no column can hold, a constraint."""


def classify(error: Exception) -> type[BookError]:
    """By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). What is not named here is a server
    that cannot be used as it is: shutting down (57P), out of memory, read-only since a failover, or gone.
    """
    if not isinstance(error, psycopg.Error):
        return Walled  # a text that UTF-8 does not know
    state = error.sqlstate or ""
    return Walled if state.startswith(_WALLS) else _MEANINGS.get(state, Away)
