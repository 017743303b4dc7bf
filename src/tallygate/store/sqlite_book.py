"""The book on SQLite: one transaction of the writer over `sqlite3`, and what each of its errors means.

There are no row locks. BEGIN IMMEDIATE takes the one write lock of the database before anything is read, so whatever is
loaded stays true until the commit, and the order of reading is of no consequence. Which call is made when, and what is
tried again, is the writer's business.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString, TypeVar

import msgspec

from tallygate.genai.book import Rows
from tallygate.genai.lockset import Lockset
from tallygate.genai.results import Folded
from tallygate.store import sqlite_driver
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away, Book, BookError, Broken, Busy, EpochEnded, Full, Loaded, Walled
from tallygate.store.book_rows import (
    Columns,
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
from tallygate.store.receipt_rows import ENTRIES, RECEIPTS, ReceiptRow, pack_entry, pack_receipt
from tallygate.store.refusal import DatabaseUnusable
from tallygate.store.sqlite_shapes import Shapes

BUSY_MS = 250
"""The least a transaction waits for the database's write lock. Another process has it for some milliseconds, and to
come back later costs more than to wait."""

Row = TypeVar("Row")

_SELECT_EPOCH = "SELECT 1 FROM epochs WHERE epoch = ? AND ended_at_ns IS NULL"
# The ids come as one JSON array: a statement of one shape is compiled once, whatever the size of the batch.
_SELECT_WORKSPACES = "SELECT id, status FROM workspaces WHERE id IN (SELECT value FROM json_each(?))"
_SELECT_USERS = (
    "SELECT id, workspace_id, status, slots_used, slots_max FROM users WHERE id IN (SELECT value FROM json_each(?))"
)
_SELECT_KEYS = (
    "SELECT id, workspace_id, user_id, status, version, expires_at_ns, slots_max, shortens"
    " FROM keys WHERE id IN (SELECT value FROM json_each(?))"
)
_SELECT_WALLETS = (
    "SELECT workspace_id, posted_nusd, held_nusd, next_sequence"
    " FROM wallets WHERE workspace_id IN (SELECT value FROM json_each(?))"
)
# By id or by owner, whichever a batch names: most name one of the two, and a join is the quicker way to a few rows.
_SELECT_BUDGETS: LiteralString = (
    "SELECT budgets.id, level, owner_id, period, limit_nusd, window_start_ns, spent_nusd, held_nusd"
    " FROM json_each(?) AS named CROSS JOIN budgets ON named.value = "
)
_SELECT_RATES: LiteralString = (
    "SELECT rates.id, level, owner_id, kind, per_minute, filled_micro, seen_at_ns, held_tokens"
    " FROM json_each(?) AS named CROSS JOIN rates ON named.value = "
)
_BUDGETS = (_SELECT_BUDGETS + "budgets.id", _SELECT_BUDGETS + "budgets.owner_id")
_RATES = (_SELECT_RATES + "rates.id", _SELECT_RATES + "rates.owner_id")
_SELECT_CLAIMS = (
    "SELECT id, request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object"
    " FROM claims WHERE id IN (SELECT value FROM json_each(?))"
)
_SELECT_HOLDS = (
    "SELECT id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd, output_tokens_max,"
    " opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd, refunded_nusd, sequence,"
    " input_tokens, output_tokens, progress_nusd, details, rate_ids, rate_tokens"
    " FROM holds WHERE id IN (SELECT value FROM json_each(?))"
)
_SELECT_TRANSFERS = (
    "SELECT id, kind, debit, credit, amount_nusd, at_ns, hold_id"
    " FROM transfers WHERE id IN (SELECT value FROM json_each(?))"
)

# A statement that fails ends the transaction (OR ROLLBACK), as its error would here in any case. One that could be
# undone alone copies each page before it changes it, which is a quarter of its work.
_OLD_USERS = Shapes(
    "UPDATE OR ROLLBACK users SET slots_used = new.column1 FROM (", 2, ") AS new WHERE users.id = new.column2"
)
_OLD_WALLETS = Shapes(
    "UPDATE OR ROLLBACK wallets SET posted_nusd = new.column1, held_nusd = new.column2, next_sequence = new.column3"
    " FROM (",
    4,
    ") AS new WHERE wallets.workspace_id = new.column4",
)
_OLD_BUDGETS = Shapes(
    "UPDATE OR ROLLBACK budgets SET limit_nusd = new.column1, window_start_ns = new.column2, spent_nusd = new.column3,"
    " held_nusd = new.column4 FROM (",
    5,
    ") AS new WHERE budgets.id = new.column5",
)
_OLD_RATES = Shapes(
    "UPDATE OR ROLLBACK rates SET filled_micro = new.column1, seen_at_ns = new.column2, held_tokens = new.column3"
    " FROM (",
    4,
    ") AS new WHERE rates.id = new.column4",
)
_NEW_CLAIMS = Shapes(
    "INSERT OR ROLLBACK INTO claims (request_digest, hold_id, keep_ns, ends_at_ns, answer_digest, answer_object, id)", 7
)
_UPDATE_CLAIM = (
    "UPDATE claims SET request_digest = ?, hold_id = ?, keep_ns = ?, ends_at_ns = ?, answer_digest = ?,"
    " answer_object = ? WHERE id = ?"
)
_DELETE_CLAIM = "DELETE FROM claims WHERE id = ?"
_NEW_HOLDS = Shapes(
    "INSERT OR ROLLBACK INTO holds (id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd,"
    " output_tokens_max, opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd,"
    " refunded_nusd, sequence, input_tokens, output_tokens, progress_nusd, details, rate_ids, rate_tokens)",
    24,
)
_OLD_HOLDS = Shapes(
    "UPDATE OR ROLLBACK holds SET epoch = new.column1, price_version = new.column2, state = new.column3,"
    " ended_at_ns = new.column4, charged_nusd = new.column5, loss_nusd = new.column6, refunded_nusd = new.column7,"
    " sequence = new.column8, input_tokens = new.column9, output_tokens = new.column10,"
    " progress_nusd = new.column11, details = new.column12"
    " FROM (",
    13,
    ") AS new WHERE holds.id = new.column13",
)
_NEW_TRANSFERS = Shapes("INSERT OR ROLLBACK INTO transfers (id, kind, debit, credit, amount_nusd, at_ns, hold_id)", 7)
_BEAT = "UPDATE epochs SET beats = beats + 1 WHERE epoch = ?"


def open_book(address: DatabaseAddress) -> Book:
    """Open a connection for the writer. Raises Away."""
    try:
        return SqliteBook(sqlite_driver.connect(address))
    except DatabaseUnusable as error:
        raise Away(str(error)) from error


class SqliteBook:
    """A Book on one connection, which is its own from here on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._is_durable = True
        self._busy_ms = sqlite_driver.BUSY_TIMEOUT_MS
        self._epoch = ""
        self._rows = Rows()

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        """See Book. The names are never reported as locked: it is the whole database that is, and that is Busy."""
        try:
            self._begin(durable=durable, busy_ms=max(wait_ms, BUSY_MS))
            if not self._execute(_SELECT_EPOCH, (epoch,)).fetchone():
                raise EpochEnded(epoch)
            self._rows = self._load_rows(names)
        except EpochEnded:
            self.rollback()
            raise
        except sqlite3.Error as error:
            raise self._end(error, committing=False) from error
        self._epoch = epoch
        return Loaded(self._rows)

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        """See Book. Never raises Away for an unknown outcome: what fails here is rolled back, or is Broken."""
        try:
            self._save(folded)
            self._write(RECEIPTS, pack_receipt, receipts)
            self._write(ENTRIES, pack_entry, receipts)
            if beats:
                self._execute(_BEAT, (self._epoch,))
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise self._end(error, committing=False) from error
        try:
            self._execute("COMMIT")
        except sqlite3.Error as error:
            raise self._end(error, committing=True) from error

    def rollback(self) -> None:
        """See Book."""
        try:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
        except sqlite3.Error:
            # Closing rolls back as well, and whoever comes next is told that the database is away.
            self._connection.close()

    def find_outcome(self, transaction: str) -> bool | None:  # noqa: ARG002 - Book's
        """See Book. A commit that raised has been rolled back: the file is this machine's, no answer gets lost."""
        return False

    def cut(self) -> None:
        """See Book."""
        sqlite_driver.cut(self._connection)

    def close(self) -> None:
        """See Book."""
        self._connection.close()

    def _begin(self, *, durable: bool, busy_ms: int) -> None:
        if busy_ms != self._busy_ms:
            self._execute("PRAGMA busy_timeout=" + str(busy_ms))
            self._busy_ms = busy_ms
        if durable != self._is_durable:
            # FULL syncs the log at each commit, and with it all that earlier commits left in it; NORMAL does not.
            self._execute("PRAGMA synchronous=FULL" if durable else "PRAGMA synchronous=NORMAL")
            self._is_durable = durable
        self._execute("BEGIN IMMEDIATE")

    def _load_rows(self, names: Lockset) -> Rows:
        return Rows(
            workspaces=self._load(_SELECT_WORKSPACES, names.workspaces, unpack_workspace),
            users=self._load(_SELECT_USERS, names.users, unpack_user),
            keys=self._load(_SELECT_KEYS, names.keys, unpack_key),
            wallets=self._load(_SELECT_WALLETS, names.wallets, unpack_wallet),
            budgets=self._load_owned(_BUDGETS, names.budgets, names.budget_owners, unpack_budget),
            rates=self._load_owned(_RATES, names.rates, names.rate_owners, unpack_rate),
            claims=self._load(_SELECT_CLAIMS, names.claims, unpack_claim),
            holds=self._load(_SELECT_HOLDS, names.holds, unpack_hold),
            transfers=self._load(_SELECT_TRANSFERS, names.transfers, unpack_transfer),
        )

    def _load(self, sql: LiteralString, ids: Sequence[str], unpack: Callable[[Sequence[Any]], Row]) -> dict[str, Row]:
        if not ids:
            return {}
        return {row[0]: unpack(row) for row in self._execute(sql, (msgspec.json.encode(ids).decode(),))}

    def _load_owned(
        self,
        both: tuple[LiteralString, LiteralString],
        ids: Sequence[str],
        owners: Sequence[str],
        unpack: Callable[[Sequence[Any]], Row],
    ) -> dict[str, Row]:
        """In the order of their ids, whoever named them."""
        rows: set[tuple[Any, ...]] = set()
        for sql, names in zip(both, (ids, owners), strict=True):
            if names:
                rows.update(self._execute(sql, (msgspec.json.encode(names).decode(),)))
        return {row[0]: unpack(row) for row in sorted(rows)} if rows else {}

    def _save(self, folded: Folded) -> None:
        changed, loaded = folded.changed, self._rows
        self._write(_OLD_USERS, pack_user, changed.users.values())
        self._write(_OLD_WALLETS, pack_wallet, changed.wallets.values())
        self._write(_OLD_BUDGETS, pack_budget, changed.budgets.values())
        self._write(_OLD_RATES, pack_rate, changed.rates.values())
        new_claims, old_claims = part(changed.claims, loaded.claims)
        self._write(_NEW_CLAIMS, pack_claim, new_claims)
        for claim in old_claims:
            self._execute(_UPDATE_CLAIM, pack_claim(claim))
        for claim_id in folded.claims_released:
            self._execute(_DELETE_CLAIM, (claim_id,))
        new_holds, old_holds = part(changed.holds, loaded.holds)
        self._write(_NEW_HOLDS, pack_hold, new_holds)
        self._write(_OLD_HOLDS, pack_hold_change, old_holds)
        self._write(_NEW_TRANSFERS, pack_transfer, folded.transfers)

    def _write(self, shapes: Shapes, pack: Callable[[Row], Columns], rows: Iterable[Row]) -> None:
        for sql, values in shapes.spell([pack(row) for row in rows]):
            self._execute(sql, values)

    def _end(self, error: Exception, *, committing: bool) -> BookError:
        """Roll back, and say what the error means (https://www.sqlite.org/rescode.html)."""
        self.rollback()
        meaning = classify(error, committing=committing)
        if meaning is Away:
            self._connection.close()
        return meaning(str(error))


_MEANINGS: dict[int, type[BookError]] = {
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
    sqlite3.SQLITE_INTERRUPT: Busy,
    sqlite3.SQLITE_FULL: Full,
    sqlite3.SQLITE_CONSTRAINT: Walled,
    sqlite3.SQLITE_MISMATCH: Walled,
    sqlite3.SQLITE_TOOBIG: Walled,
    sqlite3.SQLITE_CORRUPT: Broken,
    sqlite3.SQLITE_NOTADB: Broken,
}
_FAILED_SYNCS = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def classify(error: Exception, *, committing: bool) -> type[BookError]:
    """By the primary code, the low byte. What is not in the table is a database that cannot be used as it is."""
    if not isinstance(error, sqlite3.Error):
        return Walled  # a value that no column can hold
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & 0xFF == sqlite3.SQLITE_IOERR and (committing or code in _FAILED_SYNCS):
        # Whether the log reached the disk nobody can know after a failed fsync, nor find out by trying again.
        return Broken
    return _MEANINGS.get(code & 0xFF, Away)
