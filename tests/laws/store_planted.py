"""Books on a database with one defect each: the real one with something left out or added.

The kinds are those that stores of money have had: a row that is not saved, a commit that is not made, a lock that is
not taken, a transaction that leaves something behind.
"""

from collections.abc import Sequence

from msgspec import structs

from tallygate.genai.lockset import Lockset
from tallygate.genai.results import Folded
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Book, Loaded
from tallygate.store.engines import open_book
from tallygate.store.receipt_rows import ReceiptRow


class HonestBook:
    """Another book, as it is."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.book: Book = open_book(address)
        self.turn = 0

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        self.turn += 1
        return self.book.load(names, epoch, durable=durable, wait_ms=wait_ms)

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        self.book.commit(self.spoil(folded), receipts, beats=beats)

    def spoil(self, folded: Folded) -> Folded:
        """What is saved of what was folded."""
        return folded

    def rollback(self) -> None:
        self.book.rollback()

    def find_outcome(self, transaction: str) -> bool | None:
        return self.book.find_outcome(transaction)

    def cut(self) -> None:
        self.book.cut()

    def close(self) -> None:
        self.book.close()


class ForgetsSlots(HonestBook):
    """The table of users is not saved."""

    def spoil(self, folded: Folded) -> Folded:
        return structs.replace(folded, changed=structs.replace(folded.changed, users={}))


class ForgetsBudgets(HonestBook):
    """The table of budgets is not saved."""

    def spoil(self, folded: Folded) -> Folded:
        return structs.replace(folded, changed=structs.replace(folded.changed, budgets={}))


class ForgetsRates(HonestBook):
    """The table of rates is not saved."""

    def spoil(self, folded: Folded) -> Folded:
        return structs.replace(folded, changed=structs.replace(folded.changed, rates={}))


class ForgetsALine(HonestBook):
    """Of many lines, the last is not written."""

    def spoil(self, folded: Folded) -> Folded:
        lines = folded.transfers
        return structs.replace(folded, transfers=lines[:-1] if len(lines) > 1 else lines)


class ForgetsEnds(HonestBook):
    """A hold that was there is not changed any more."""

    def spoil(self, folded: Folded) -> Folded:
        fresh = {row_id: row for row_id, row in folded.changed.holds.items() if row.state == "open"}
        return structs.replace(folded, changed=structs.replace(folded.changed, holds=fresh))


class KeepsClaims(HonestBook):
    """An Idempotency-Key that was set free stays."""

    def spoil(self, folded: Folded) -> Folded:
        return structs.replace(folded, claims_released=())


class SaysItIsDone(HonestBook):
    """Now and then a commit is reported that was not made."""

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        if self.turn % 10 == 0:
            self.book.rollback()
        else:
            self.book.commit(folded, receipts, beats=beats)


class CommitsLate(HonestBook):
    """A commit is reported first and made with the next transaction."""

    waiting: tuple[Folded, Sequence[ReceiptRow], bool] | None = None

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        if self.waiting is not None:
            folded, receipts, beats = self.waiting
            self.waiting = None
            self.book.commit(folded, receipts, beats=beats)
        return super().load(names, epoch, durable=durable, wait_ms=wait_ms)

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        self.waiting = folded, receipts, beats


class FindsNoStrangersBudget(HonestBook):
    """A budget is loaded for the calls that know it, not for every call of its owner."""

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        return super().load(structs.replace(names, budget_owners=()), epoch, durable=durable, wait_ms=wait_ms)


class FindsNoStrangersRate(HonestBook):
    """A rate is loaded for the calls that know it, not for every call of its owner."""

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        return super().load(structs.replace(names, rate_owners=()), epoch, durable=durable, wait_ms=wait_ms)


class RemembersRows(HonestBook):
    """Rows that were loaded once are not loaded again for a while."""

    seen: Loaded | None = None

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        loaded = super().load(names, epoch, durable=durable, wait_ms=wait_ms)
        if self.seen is None or self.turn % 4 == 0:
            self.seen = loaded
        wallets = {**loaded.rows.wallets, **{k: v for k, v in self.seen.rows.wallets.items() if k in names.wallets}}
        return structs.replace(loaded, rows=structs.replace(loaded.rows, wallets=wallets))


class TakesNoLock(HonestBook):
    """What was read is not locked until it is written."""

    asked: tuple[Lockset, str] | None = None

    def load(self, names: Lockset, epoch: str, *, durable: bool, wait_ms: int) -> Loaded:
        loaded = super().load(names, epoch, durable=durable, wait_ms=wait_ms)
        self.book.rollback()
        self.asked = names, epoch
        return loaded

    def commit(self, folded: Folded, receipts: Sequence[ReceiptRow] = (), *, beats: bool) -> None:
        assert self.asked is not None
        self.book.load(*self.asked, durable=True, wait_ms=5_000)
        self.book.commit(folded, receipts, beats=beats)


ALONE = (
    ForgetsSlots,
    ForgetsBudgets,
    ForgetsRates,
    ForgetsALine,
    ForgetsEnds,
    KeepsClaims,
    SaysItIsDone,
    CommitsLate,
    FindsNoStrangersBudget,
    FindsNoStrangersRate,
    RemembersRows,
)
"""Those that show with one process alone."""
