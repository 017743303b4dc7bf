"""Reads the whole ledger for who re-adds it: every table of the book at one moment, row by row, in fixed orders, and
what was written with it: receipts, and prices on record.

Nothing is added up here, nothing is decided, and no table is ever whole in memory. Ids are compared by their bytes, as
Python compares them.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Executable, collate, func, literal, select

from tallygate.genai.book import Budget, Hold, Rate, Transfer, User, Wallet
from tallygate.genai.price_row import PriceRow
from tallygate.store.address import Engine
from tallygate.store.book_rows import (
    unpack_budget,
    unpack_hold,
    unpack_rate,
    unpack_transfer,
    unpack_user,
    unpack_wallet,
)
from tallygate.store.database import Database
from tallygate.store.log_schema import log_checkpoints, log_entries, log_statements, logs, receipts
from tallygate.store.schema import (
    budgets,
    epochs,
    holds,
    prices,
    rates,
    transfers,
    users,
    wallets,
)

FETCHED_ROWS = 1_000


class KeptBody(Struct, frozen=True):
    """A receipt's row. `body` None: it was erased; `log` empty: it has no entry in any log."""

    id: str
    workspace_id: str
    sequence: int
    body: bytes | None
    log: str


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

    def rates(self) -> Iterator[Rate]:
        """Every limit of requests or tokens."""
        columns = [rates.c[name] for name in Rate.__struct_fields__]
        return map(unpack_rate, self._fetch(select(*columns).order_by(self._by(rates.c.id))))

    def holds(self) -> Iterator[Hold]:
        """Every hold, by id. `details` stays behind: it says nothing about money."""
        columns = [
            holds.c[name] if name != "details" else literal("").label("details") for name in Hold.__struct_fields__
        ]
        chosen = select(*columns).order_by(self._by(holds.c.id))
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

    def receipts(self) -> Iterator[KeptBody]:
        """Every receipt, by id."""
        columns = (receipts.c.id, receipts.c.workspace_id, receipts.c.sequence, receipts.c.body)
        joined = receipts.outerjoin(log_entries, log_entries.c.id == receipts.c.id)
        chosen = select(*columns, func.coalesce(log_entries.c.log, "")).select_from(joined)
        return (KeptBody(*row) for row in self._fetch(chosen.order_by(self._by(receipts.c.id))))

    def first_receipts(self) -> Mapping[str, int]:
        """The lowest number of a receipt, by workspace."""
        chosen = select(receipts.c.workspace_id, func.min(receipts.c.sequence)).group_by(receipts.c.workspace_id)
        return {row[0]: row[1] for row in self._fetch(chosen)}

    def prices_on_record(self) -> Iterator[tuple[str, bytes, PriceRow | None]]:
        """Every statement of a price: the version, its body, and what an operator set; None if nobody did."""
        columns = [prices.c[name] for name in PriceRow.__struct_fields__]
        joined = log_statements.outerjoin(prices, prices.c.version == log_statements.c.id)
        chosen = select(log_statements.c.id, log_statements.c.body, *columns).select_from(joined)
        chosen = chosen.where(log_statements.c.kind == "price").order_by(log_statements.c.id)
        return ((row[0], row[1], _to_price(row[2:])) for row in self._fetch(chosen))

    def prices_off_record(self) -> Iterator[tuple[str, int]]:
        """Every price that an operator set and that has no statement: its version, and when it was set."""
        recorded = select(log_statements.c.id).where(log_statements.c.id == prices.c.version)
        chosen = select(prices.c.version, prices.c.created_at_ns).where(~recorded.exists()).order_by(prices.c.seq)
        return ((row[0], row[1]) for row in self._fetch(chosen))

    def log_lifetime_ns(self) -> tuple[int, int] | None:
        """When receipts began, and when the last checkpoint was published (0: none was); None: they have not begun."""
        began_ns, checked_ns = self._connection.execute(
            select(
                select(func.min(logs.c.created_at_ns)).scalar_subquery(),
                select(func.coalesce(func.max(log_checkpoints.c.at_ns), 0)).scalar_subquery(),
            )
        ).one()
        return None if began_ns is None else (began_ns, checked_ns)

    def _fetch(self, chosen: Executable) -> Iterator[Any]:
        yield from self._connection.execute(chosen).yield_per(FETCHED_ROWS)

    def _by(self, column: Column[str]) -> ColumnElement[str]:
        return collate(column, self._collation)


def _to_price(values: Sequence[Any]) -> PriceRow | None:
    """The row of these values, in the order of its fields; None for one that is not there."""
    named = dict(zip(PriceRow.__struct_fields__, values, strict=True))
    return None if named["version"] is None else PriceRow(**named)


@contextmanager
def open_ledger(database: Database) -> Generator[Snapshot]:
    """The book at the moment of the first question, for as long as the block lasts. Raises StoreUnavailable."""
    with database.snapshot() as connection:
        yield Snapshot(connection, database.engine_name)
