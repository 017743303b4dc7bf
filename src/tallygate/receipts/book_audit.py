"""Holds receipts to the book: each charge has exactly one, which says what the ledger says, and prices are on record.

It reads holds and receipts side by side, so what it remembers grows with accounts and never with calls. Whether the
ledger itself adds up is known to `ledger`, and what the log makes of the receipts to `log_audit`.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct, structs

from tallygate.genai.book import Hold
from tallygate.genai.lockset import derive_transfer_id
from tallygate.genai.price_row import PriceRow
from tallygate.receipts.canonical import NotCanonical, fit_integer, read_canonical
from tallygate.receipts.entries import PriceEntry, read_entry, read_price
from tallygate.receipts.flaw import Flaw
from tallygate.receipts.receipt import Receipt, read_receipt
from tallygate.store.ledger import KeptBody, Snapshot

RECORDED_NS: Final = 60 * 10**9
"""A price is on record some seconds after it was set. One that is still missing when the log has gone on for so long
was forgotten, or removed.
"""

_NS_PER_MS: Final = 1_000_000


class Counts(Struct):
    """How much was read. `erased`: of these receipts only the entry is left; `earlier`: calls that were charged before
    there were receipts; `unrecorded`: prices that receipts name, that no operator set, and that are not on record.
    """

    charged: int = 0
    receipts: int = 0
    erased: int = 0
    earlier: int = 0
    prices: int = 0
    unrecorded: int = 0


class BookAudit:
    """One reading. `run` gives what is wrong as it is met; after that `counts` are complete."""

    def __init__(self, book: Snapshot) -> None:
        self.counts = Counts()
        self._book = book
        self._subjects: dict[tuple[str, str], str] = {}
        self._accounts: dict[tuple[str, str], str] = {}
        self._named: set[str] = set()

    def run(self) -> Iterator[Flaw]:
        """Every flaw, in the order of reading. Raises StoreUnavailable."""
        lifetime = self._book.log_lifetime_ns()
        began_ns, checked_ns = lifetime or (None, 0)
        first = self._book.first_receipts()
        for hold, kept in pair(self._book.holds(), self._book.receipts()):
            if hold is not None and hold.state == "posted":
                self.counts.charged += 1
                if kept is None:
                    yield from self._miss(hold, began_ns, first.get(hold.workspace_id))
            if kept is not None:
                self.counts.receipts += 1
                yield from self._check(hold, kept)
        yield from self._check_prices(checked_ns)

    def _miss(self, hold: Hold, began_ns: int | None, first: int | None) -> Iterator[Flaw]:
        """A charge without a receipt. Those from before there were any come first in their account, without a break."""
        is_before = began_ns is None or (hold.ended_at_ns or 0) < began_ns
        if is_before and (first is None or hold.sequence < first):
            self.counts.earlier += 1
        else:
            yield Flaw(f"call {hold.id}", f"it was charged as number {hold.sequence} and has no receipt")

    def _check(self, hold: Hold | None, kept: KeptBody) -> Iterator[Flaw]:
        place = f"receipt {kept.id}"
        if hold is None:
            yield Flaw(place, "there is no call of this id")
            return
        if hold.state != "posted":
            yield Flaw(place, f"its call is {hold.state} and not charged")
            return
        if (kept.workspace_id, kept.sequence) != (hold.workspace_id, hold.sequence):
            yield Flaw(place, f"it is kept as number {kept.sequence} of {kept.workspace_id}, and {_place(hold)}")
        if kept.body is None:
            self.counts.erased += 1
            return
        try:
            receipt = read_receipt(kept.body)
        except (NotCanonical, msgspec.ValidationError) as error:
            yield Flaw(place, f"its body is no receipt: {error}")
            return
        self._named.add(receipt.charge.price)
        yield from check_body(hold, receipt)
        if receipt.log != kept.log:
            yield Flaw(place, f"it names the log {receipt.log}, and stands in {kept.log or 'none'}")
        yield from self._check_subject(place, kept.workspace_id, receipt)

    def _check_subject(self, place: str, workspace_id: str, receipt: Receipt) -> Iterator[Flaw]:
        """One pseudonym for an account in a log, and one account for a pseudonym."""
        ref = receipt.subject.ref
        if self._subjects.setdefault((receipt.log, workspace_id), ref) != ref:
            yield Flaw(place, "its subject is not that of the account's other receipts")
        elif self._accounts.setdefault((receipt.log, ref), workspace_id) != workspace_id:
            yield Flaw(place, "its subject is another account's")

    def _check_prices(self, checked_ns: int) -> Iterator[Flaw]:
        """What was set is on record by the time the log was last seen alive, and as it was set."""
        for version, statement, row in self._book.prices_on_record():
            self.counts.prices += 1
            self._named.discard(version)
            yield from check_price(version, statement, row)
        for version, set_ns in self._book.prices_off_record():
            self._named.discard(version)
            if set_ns + RECORDED_NS < checked_ns:
                yield Flaw(f"price {version}", "it was set and is not on record")
        self.counts.unrecorded = len(self._named)


def check_body(hold: Hold, receipt: Receipt) -> Iterator[Flaw]:
    """Everything that a receipt and the call it is about say differently. Pure."""
    charge, usage = receipt.charge, receipt.usage
    figures: dict[str, tuple[object, object]] = {
        "id": (receipt.id, hold.id),
        "subject.seq": (receipt.subject.seq, hold.sequence),
        "issued_ms": (receipt.issued_ms, (hold.ended_at_ns or 0) // _NS_PER_MS),
        "charge.amount": (charge.amount, str(hold.charged_nusd)),
        "charge.reserved": (charge.reserved, str(hold.amount_nusd)),
        "charge.price": (charge.price, hold.price_version),
        "charge.transfer": (charge.transfer, derive_transfer_id(hold.id, "post")),
        "usage.input": (usage.input, fit_integer(hold.input_tokens)),
        "usage.output": (usage.output, fit_integer(hold.output_tokens)),
    }
    for name, (said, known) in figures.items():
        if said != known:
            yield Flaw(f"receipt {hold.id}", f"its {name} is {said}, and the call's is {known}")


def check_price(version: str, statement: bytes, row: PriceRow | None) -> Iterator[Flaw]:
    """Whether a statement is about that price, and says what was set if somebody set it. Pure."""
    place = f"price {version}"
    try:
        entry = read_entry(read_canonical(statement))
        said = read_price(entry) if isinstance(entry, PriceEntry) else None
    except ValueError as error:
        yield Flaw(place, f"its statement cannot be read: {error}")
        return
    if said is None or said.version != version:
        yield Flaw(place, "its statement is about something else")
    elif row is not None and said != structs.replace(row, created_at_ns=0, seq=0):
        yield Flaw(place, "its statement says something else than what was set")


def pair(holds: Iterator[Hold], kept: Iterator[KeptBody]) -> Iterator[tuple[Hold | None, KeptBody | None]]:
    """Each call with its receipt, and whatever is alone. Both come in the order of the call's id."""
    receipt = next(kept, None)
    for hold in holds:
        while receipt is not None and receipt.id < hold.id:
            yield None, receipt
            receipt = next(kept, None)
        if receipt is not None and receipt.id == hold.id:
            yield hold, receipt
            receipt = next(kept, None)
        else:
            yield hold, None
    while receipt is not None:
        yield None, receipt
        receipt = next(kept, None)


def _place(hold: Hold) -> str:
    return f"its call is number {hold.sequence} of {hold.workspace_id}"
