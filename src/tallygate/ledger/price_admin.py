"""Administrative operations on prices, for the command line and the admin API alike.

Synchronous functions that take plain values and give frozen ones; a server calls them in a thread. What a price may be
is checked here; `store` keeps it, with an audit row in the same transaction. `actor` says who asks: `cli`, `admin` or a
user's id. A price once set is never changed: setting it again adds a version.
"""

import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tallygate.errors import InvalidValue
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.ledger.price_rows import read_row, write_row
from tallygate.ledger.prices import Price
from tallygate.ledger.terms import Terms, read_price
from tallygate.store import prices as stored
from tallygate.store.audit import Change
from tallygate.store.database import Database

NAME_CHARS_MAX: Final = 256


class SetPrice(Struct, frozen=True):
    """A version as it is kept. `added` False: it was there before, and nothing changed."""

    row: PriceRow
    price: Price
    added: bool


class ImportedPrices(Struct, frozen=True):
    """What an import came to: versions that are new, and prices that were in force already."""

    added: tuple[PriceRow, ...]
    unchanged: int


def set_price(
    database: Database,
    kind: PriceKind,
    name: str,
    terms: Terms,
    *,
    actor: str,
    effective_from_ns: int | None = None,
    listed: Price | None = None,
) -> SetPrice:
    """Set a price from a moment on: now, unless it says otherwise. `listed` is what a lone factor multiplies.

    Raises InvalidValue, and Conflict where a later version begins at the same moment.
    """
    change = Change(actor, time.time_ns())
    start_ns = change.at_ns if effective_from_ns is None else effective_from_ns
    try:
        price = read_price(kind, check_name(kind, name), terms, effective_from_ns=_check_start(start_ns), listed=listed)
    except ValueError as error:
        raise InvalidValue(f"The price cannot be read: {error}.", param="price") from None
    row = write_row(price)
    return SetPrice(row, read_row(row), stored.add_price(database, row, change))


def import_prices(
    database: Database, prices: Sequence[Price], *, source: str, actor: str, dry_run: bool = False
) -> ImportedPrices:
    """Set many prices from now on, or from when they begin if that is later. `source` says where they come from.

    A price that is in force already is left as it is, so that a list can be imported again; of two for one name the
    later in order counts. `dry_run` only counts. Raises InvalidValue.
    """
    change = Change(actor, time.time_ns())
    current = find_current(stored.list_prices(database), change.at_ns)
    added: list[PriceRow] = []
    wanted = {(price.kind, price.name): price for price in prices}
    for price in wanted.values():
        start_ns = max(_check_start(price.effective_from_ns), change.at_ns)
        row = write_row(replace(price, name=check_name(price.kind, price.name), effective_from_ns=start_ns))
        known = current.get((row.kind, row.name))
        if known is None or known.terms != row.terms:
            added.append(row)
    if not dry_run:
        stored.add_prices(database, added, source, change)
    return ImportedPrices(tuple(added), len(wanted) - len(added))


def list_rows(database: Database) -> list[PriceRow]:
    """Every version that was ever set, in the order they were set."""
    return stored.list_prices(database)


def find_current(rows: Sequence[PriceRow], at_ns: int) -> dict[tuple[PriceKind, str], PriceRow]:
    """Of each kind and name the row in force. Of two that begin together the later one in order counts."""
    begun = sorted((row for row in rows if row.effective_from_ns <= at_ns), key=lambda row: row.effective_from_ns)
    return {(row.kind, row.name): row for row in begun}


def check_name(kind: PriceKind, name: str) -> str:
    """The name of a model, or of a target for a cost. Raises InvalidValue."""
    if not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable() or name != name.strip():
        raise InvalidValue(f"The name of a model has 1 to {NAME_CHARS_MAX} printable characters.", param="name")
    provider, slash, model = name.partition("/")
    if kind == "cost" and not (provider and slash and model):
        raise InvalidValue("A cost belongs to a target: write provider/model.", param="name")
    return name


def _check_start(effective_from_ns: int) -> int:
    if not 0 <= effective_from_ns < 2**63:
        raise InvalidValue("A price begins after 1970 and before the year 2262.", param="effective_from")
    return effective_from_ns
