"""Prices to reckon with, out of the bundles that put them on record. What a price comes to is known to `ledger`."""

from collections.abc import Iterator
from functools import partial

from msgspec.structs import replace

from tallygate.genai.price_row import PriceRow
from tallygate.ledger.price_rows import read_row
from tallygate.ledger.prices import Price, charge, name_version
from tallygate.receipts.entries import PriceEntry, read_price
from tallygate.receipts.verify import VERIFIED, Check, Reckoning, Verdict

_NS_PER_MS = 1_000_000


class NoPrice(ValueError):
    """Nothing can be reckoned with this. The text says why."""


def check_price(verdict: Verdict) -> Verdict:
    """The verdict on a bundle, and whether it is about a price that one can reckon with."""
    if verdict.exit_code != VERIFIED:
        return verdict
    try:
        row, _ = _read(verdict)
    except NoPrice as error:
        check = Check("price", "failed", str(error))
    else:
        check = Check("price", "passed", f"of {row.name!r}, version {row.version}")
    return replace(verdict, checks=(*verdict.checks, check))


def reckon(verdict: Verdict) -> Iterator[Reckoning]:
    """What can be reckoned with the price of a verdict that `check_price` has passed; nothing with any other."""
    if verdict.exit_code == VERIFIED:
        row, price = _read(verdict)
        yield Reckoning(row.version, partial(charge, price), row.effective_from_ns // _NS_PER_MS)


def _read(verdict: Verdict) -> tuple[PriceRow, Price]:
    entry = verdict.entry
    if not isinstance(entry, PriceEntry) or entry.kind != "sale":
        raise NoPrice("it is not about a price that wallets pay")
    try:
        row = read_price(entry)
        price = read_row(row)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise NoPrice(f"its terms cannot be read: {error}") from None
    if name_version(price) != row.version:
        raise NoPrice("its version is not the digest of what it says")
    return row, price
