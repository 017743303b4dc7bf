"""Bundles of an account's receipts, to be kept elsewhere: each with its proof, and the prices they name.

All bundles of one log lead to one checkpoint, the last one published when the log was first met, so that whoever keeps
them needs no proof between checkpoints.
"""

from collections.abc import Iterator

from msgspec import Struct

from tallygate.receipts.bundle import write_bundle
from tallygate.receipts.canonical import read_canonical
from tallygate.receipts.commitment import LABELS, Label, derive_salt
from tallygate.receipts.entries import PriceEntry, read_entry
from tallygate.receipts.log_reader import prove_inclusion
from tallygate.receipts.receipt import Receipt, read_receipt
from tallygate.receipts.verify import find_commitment
from tallygate.store.driver import DriverConnection
from tallygate.store.log import find_place, read_last_checkpoint
from tallygate.store.log_statements import find_statement
from tallygate.store.receipts import KeptReceipt, list_receipts
from tallygate.store.usage import Scope

BITE = 500


class Exported(Struct, frozen=True):
    """A bundle and a name for its file."""

    name: str
    bundle: bytes


class Counts(Struct):
    """What became of the receipts. `pending`: no checkpoint covers them yet. `through` is the number up to which all
    that can be exported has been, for who goes on later.
    """

    receipts: int = 0
    prices: int = 0
    pending: int = 0
    erased: int = 0
    through: int = 0


class Export:
    """One export, on one connection. `run` gives the bundles; after that `counts` are complete."""

    def __init__(self, connection: DriverConnection, workspace_id: str, after_seq: int, *, openings: bool) -> None:
        self.counts = Counts(through=after_seq)
        self._connection = connection
        self._scope = Scope(workspace_id)
        self._openings = openings
        self._sizes: dict[str, int] = {}
        self._prices: set[str] = set()

    def run(self) -> Iterator[Exported]:
        """The bundles by number, the price that a receipt is the first to name behind it.

        Raises DriverError, DamagedTree, and NotCanonical for a receipt that is none.
        """
        more = True
        after_seq = self.counts.through
        while more:
            page = list_receipts(self._connection, self._scope, after_seq, BITE)
            for kept in page.receipts:
                yield from self._export(kept)
            after_seq, more = page.seen, page.more

    def _export(self, kept: KeptReceipt) -> Iterator[Exported]:
        if kept.body is None:
            self.counts.erased += 1
        elif (proof := self._prove(kept.log, kept.leaf_index)) is None:
            self.counts.pending += 1
            return
        else:
            receipt = read_receipt(kept.body)
            openings = _open(kept, receipt) if self._openings else None
            self.counts.receipts += 1
            yield Exported(f"{kept.sequence:08d}-{kept.id}.json", write_bundle(kept.body, proof, openings))
            yield from self._export_price(receipt.charge.price)
        if not self.counts.pending:
            self.counts.through = kept.sequence

    def _export_price(self, version: str) -> Iterator[Exported]:
        """The price's bundle, once. One that nobody set is not on record."""
        if version in self._prices:
            return
        self._prices.add(version)
        body, place = find_statement(self._connection, "price", version), find_place(self._connection, version)
        if body is None or place is None or not isinstance(read_entry(read_canonical(body)), PriceEntry):
            return
        proof = self._prove(place.log, place.leaf_index)
        if proof is not None:
            self.counts.prices += 1
            yield Exported(f"price-{version}.json", write_bundle(body, proof))

    def _prove(self, origin: str, leaf_index: int | None) -> bytes | None:
        if leaf_index is None:
            return None
        if origin not in self._sizes:
            last = read_last_checkpoint(self._connection, origin)
            self._sizes[origin] = last.size if last else 0
        return prove_inclusion(self._connection, origin, leaf_index, self._sizes[origin])


def _open(kept: KeptReceipt, receipt: Receipt) -> dict[Label, bytes]:
    """What opens every field that is committed to; nothing once the seed was erased."""
    if not kept.seed:
        return {}
    return {label: derive_salt(kept.seed, label) for label in LABELS if find_commitment(receipt, label)}
