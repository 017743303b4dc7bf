"""The same book twice: a shelf in memory and a Book over a database, fed the same batches and compared after each.

Beside it, somebody else: who locks rows and waits for those that the Book has locked.
"""

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from tallygate.genai.book import Rows
from tallygate.genai.items import Item, TopUp
from tallygate.genai.lockset import name_rows
from tallygate.genai.results import Folded
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.book import Loaded
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.engines import open_book
from tests.fakes.ledger import NOON_NS, build_town
from tests.laws.store_town import Town, same_tables

EPOCH = "e1"


class Twin:
    """A shelf and a Book that hold the same: the town, the rows given, and some credit."""

    def __init__(self, address: DatabaseAddress, *rows: Any, credit_nusd: int = 10_000) -> None:
        self.shelf = build_town()
        self.shelf.put(*rows)
        self.town = Town(address)
        self.town.begin_epochs(EPOCH)
        self.town.put_all(self.shelf)
        self.book = open_book(address)
        self.commit(TopUp("opening", "w1", credit_nusd, "promo"))

    def close(self) -> None:
        self.book.close()
        self.town.close()

    def load(self, *items: Item, epoch: str = EPOCH, durable: bool = True, wait_ms: int = 0) -> Loaded:
        return self.book.load(name_rows(items), epoch, durable=durable, wait_ms=wait_ms)

    def commit(self, *items: Item, now_ns: int = NOON_NS, wait_ms: int = 0) -> Sequence[Any]:
        """One transaction in both: they must load the same, come to the same and leave the same behind."""
        loaded = self.load(*items, wait_ms=wait_ms)
        assert loaded.locked is None
        assert loaded.rows == self.shelf.load(items)
        folded = fold(loaded.rows, items, now_ns)
        self.book.commit(folded, beats=False)
        assert self.shelf.commit(items, now_ns) == folded
        self.compare()
        return folded.results

    def compare(self) -> None:
        assert same_tables(self.town.read(), self.shelf)

    def save(self, *transfers: Any, **changed: Any) -> None:
        """Save in the database alone what no fold would make."""
        self.load()
        self.book.commit(Folded((), Rows(**changed), transfers), beats=False)


@contextmanager
def locked_elsewhere(address: DatabaseAddress, table: str, row_id: str) -> Generator[DriverConnection]:
    """Somebody else has locked a row (on SQLite: the database) for the length of the block, or until they roll back."""
    column = {"wallets": "workspace_id", "epochs": "epoch"}.get(table, "id")
    with closing(DriverConnection(address)) as other:
        if address.engine is Engine.SQLITE:
            other.fetch("BEGIN IMMEDIATE")
        else:
            other.fetch("BEGIN")
            sql: Any = f"SELECT {column} FROM {table} WHERE {column} = ? FOR UPDATE"
            assert other.fetch(sql, (row_id,)) == [(row_id,)]
        yield other
        with suppress(DriverError):  # SQLite: there is no transaction any more
            other.fetch("ROLLBACK")
