"""Reads the whole ledger for who re-adds it: every table of the book at one moment, row by row, in fixed orders.

Nothing is added up here, nothing is decided, and no table is ever whole in memory. Ids are compared by their bytes, as
Python compares them.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, collate, literal, select

from tallygate.genai.book import Budget, Hold, Transfer, User, Wallet
from tallygate.store.address import Engine
from tallygate.store.book_rows import unpack_budget, unpack_hold, unpack_transfer, unpack_user, unpack_wallet
from tallygate.store.database import Database
from tallygate.store.schema import budgets, epochs, holds, transfers, users, wallets

FETCHED_ROWS = 1_000


class Snapshot:
    """The book as it was at one moment."""

    def __init__(self, connection: Connection, engine: Engine) -> None:
        self._connection = connection
        self._collation = "C" if engine is Engine.POSTGRESQL else "BINARY"

    def wallets(self) -> Iterator[Wallet]:
        """Every wallet."""
        return map(unpack_wallet, self._fetch(select(wallets)))

    def users(self) -> Iterator[User]:
        """Every user."""
        columns = (users.c.id, users.c.workspace_id, users.c.status, users.c.slots_used, users.c.slots_max)
        return map(unpack_user, self._fetch(select(*columns)))

    def budgets(self) -> Iterator[Budget]:
        """Every budget."""
        columns = [budgets.c[name] for name in Budget.__struct_fields__]
        return map(unpack_budget, self._fetch(select(*columns)))

    def holds(self) -> Iterator[Hold]:
        """Every hold, by id. `details` stays behind: it says nothing about money."""
        columns = [holds.c[name] for name in Hold.__struct_fields__ if name != "details"]
        chosen = select(*columns, literal("").label("details")).order_by(self._by(holds.c.id))
        return map(unpack_hold, self._fetch(chosen))

    def lines(self) -> Iterator[Transfer]:
        """Every transfer that names a hold, by the hold's id."""
        chosen = select(transfers).where(transfers.c.hold_id != "")
        ordered = chosen.order_by(self._by(transfers.c.hold_id), self._by(transfers.c.id))
        return map(unpack_transfer, self._fetch(ordered))

    def movements(self) -> Iterator[Transfer]:
        """Every transfer that names no hold."""
        return map(unpack_transfer, self._fetch(select(transfers).where(transfers.c.hold_id == "")))

    def postings(self) -> Iterator[tuple[str, int]]:
        """Workspace and sequence of every hold that has one, by both."""
        columns = (holds.c.workspace_id, holds.c.sequence)
        chosen = select(*columns).where(holds.c.sequence > 0).order_by(self._by(columns[0]), columns[1])
        return ((row[0], row[1]) for row in self._fetch(chosen))

    def ended_epochs(self) -> frozenset[str]:
        """Of the epochs that own an open hold, those that have ended or were never there."""
        chosen = (
            select(holds.c.epoch)
            .distinct()
            .outerjoin(epochs, epochs.c.epoch == holds.c.epoch)
            .where(holds.c.state == "open", (epochs.c.epoch.is_(None)) | (epochs.c.ended_at_ns.is_not(None)))
        )
        return frozenset(row[0] for row in self._fetch(chosen))

    def _fetch(self, chosen: Executable) -> Iterator[Any]:
        yield from self._connection.execute(chosen).yield_per(FETCHED_ROWS)

    def _by(self, column: Column[str]) -> ColumnElement[str]:
        return collate(column, self._collation)


@contextmanager
def open_ledger(database: Database) -> Generator[Snapshot]:
    """The book at the moment of the first question, for as long as the block lasts. Raises StoreUnavailable."""
    with database.snapshot() as connection:
        yield Snapshot(connection, database.engine_name)
