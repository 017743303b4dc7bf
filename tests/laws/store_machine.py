"""The fold's machine over a database: whatever it does in memory is done in the database too, and both must agree.

The machine in memory is watched by the judge and the oracle after every item. Here each of its batches is also a
transaction: what the store loads must be what the shelf holds, and what it has saved is read back by other statements.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from tallygate.genai.book import Budget
from tallygate.genai.items import Item, Settlement
from tallygate.genai.lockset import name_rows
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Book
from tallygate.store.engines import open_book
from tests.fakes.ledger import Shelf
from tests.fakes.receipts import DRAFT
from tests.laws.book_machine import Machine
from tests.laws.store_town import Town, same_tables

EPOCHS = ("e1", "e2")
LOOK_EVERY = 6
WRECK_EVERY = 5
REOPEN_EVERY = 23
WAIT_MS = 5_000


class StoredShelf(Shelf):
    """A shelf whose administrator writes into the database as well. One owner has one budget of a period there."""

    def __init__(self, shelf: Shelf, town: Town) -> None:
        super().__init__(shelf.fold)
        self.tables, self.transfers, self.town = shelf.tables, shelf.transfers, town

    def put(self, *rows: Any) -> None:
        for row in rows:
            if isinstance(row, Budget) and any(_is_twin(row, other) for other in self.tables["budgets"].values()):
                continue
            super().put(row)
            self.town.put(row)


class StoreMachine(Machine):
    """`address` is an empty database; `open` opens the book under trial."""

    address: DatabaseAddress
    open: Callable[[DatabaseAddress], Book] = staticmethod(open_book)
    items_max = 6
    transactions = 0

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(type(self).address)
        self.town.clear()
        self.town.begin_epochs(*EPOCHS)
        self.town.put_all(self.shelf)
        self.shelf = StoredShelf(self.shelf, self.town)
        self.store = type(self).open(type(self).address)
        self.turn = 0

    def send(self, item: Item, wait: bool) -> None:
        """A transaction costs more than a fold: of those who would not wait, one in a batch gets its way."""
        type(self).steps += 1
        self.sent.append(item)
        self.queue.append(item)
        if len(self.queue) >= self.items_max or (not wait and len(self.sent) % self.items_max == 0):
            self.flush()

    def flush(self) -> None:
        items = list(self.queue)
        if not items:
            return
        before = self.shelf.load(items)
        super().flush()
        self.turn += 1
        if self.turn % WRECK_EVERY == 0:
            self.wreck(items)
        names, epoch = name_rows(items), EPOCHS[self.turn % 2]
        loaded = self.store.load(names, epoch, durable=self.turn % 3 == 0, wait_ms=WAIT_MS)
        assert loaded.rows == before
        self.store.commit(self.shelf.fold(loaded.rows, items, self.now_ns), beats=self.turn % 7 == 0)
        type(self).transactions += 1
        if self.turn % LOOK_EVERY == 0:
            self.compare()

    def wreck(self, items: list[Item]) -> None:
        """A transaction that is given up, or dies with its connection, leaves nothing."""
        loaded = self.store.load(name_rows(items), EPOCHS[0], durable=True, wait_ms=WAIT_MS)
        self.shelf.fold(loaded.rows, items, self.now_ns)
        if self.turn % REOPEN_EVERY == 0:
            self.store.close()
            self.store = type(self).open(type(self).address)
        else:
            self.store.rollback()

    def compare(self) -> Shelf:
        """The database, read by itself, holds what the shelf holds."""
        found = self.town.read()
        assert same_tables(found, self.shelf)
        return found

    def teardown(self) -> None:
        """Every call ends in the database, too; then the judge reads it from its first line."""
        with closing(self.store), closing(self.town):
            self.flush()
            for row in list(self.shelf.tables["holds"].values()):
                if row.state == "open":
                    self.send(Settlement(hold=row, epoch=row.epoch, amount_nusd=1, receipt=DRAFT), wait=True)
            super().teardown()
            found = self.compare()
            # A clock was set back meanwhile: only the shelf knows in which order all this was written.
            found.transfers = {line_id: found.transfers[line_id] for line_id in self.shelf.transfers}
            found.tables["holds"] = {hold_id: found.hold(hold_id) for hold_id in self.shelf.tables["holds"]}
            self.judge.look(found)


def _is_twin(row: Budget, other: Budget) -> bool:
    return row.id != other.id and (row.owner_id, row.period) == (other.owner_id, other.period)
