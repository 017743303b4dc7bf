"""A book with somebody who looks on: before and after each step of a transaction, who may wait there, raise, or kill.

The steps are those of the writer: load (which locks), fold, commit; `within commit` is after the rows were written and
before they are committed, where the engine lets it be seen.
"""

from collections.abc import Callable, Sequence

from tallygate.genai.book import Rows
from tallygate.genai.items import Item
from tallygate.genai.lockset import Lockset
from tallygate.genai.results import Folded
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Book, Loaded
from tallygate.store.engines import open_book
from tallygate.store.receipt_rows import ReceiptRow
from tests.fakes.ledger import Fold

Look = Callable[[str], None]


class WatchedBook:
    """Another book."""

    def __init__(self, book: Book, look: Look) -> None:
        self.book = book
        self._look = look
        look("opened")

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        self._look("before load")
        loaded = self.book.load(names, epoch, durable=durable, wait_ms=wait_ms)
        self._look("after load")
        return loaded

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        self._look("before commit")
        self.book.commit(folded, receipts, beats=beats)
        self._look("after commit")

    def rollback(self) -> None:
        self.book.rollback()

    def find_outcome(self, transaction: str) -> bool | None:
        self._look("before outcome")
        return self.book.find_outcome(transaction)

    def cut(self) -> None:
        self.book.cut()

    def close(self) -> None:
        self.book.close()


class Watch:
    """A book and a fold under one pair of eyes, as the writer takes them. `look` may be changed; `batches` are those
    that were folded.
    """

    def __init__(self, look: Look | None = None, fold: Fold = fold) -> None:
        self.look: Look = look or (lambda moment: None)
        self.batches: list[list[Item]] = []
        self._fold = fold

    def open_book(self, address: DatabaseAddress) -> Book:
        return WatchedBook(open_book(address), self._look)

    def _look(self, moment: str) -> None:
        self.look(moment)

    def fold(self, rows: Rows, items: Sequence[Item], now_ns: int) -> Folded:
        self.batches.append(list(items))
        self.look("before fold")
        folded = self._fold(rows, items, now_ns)
        self.look("after fold")
        return folded
