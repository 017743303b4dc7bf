"""A price as a row, and back: the one spelling in which a version is stored, put on record, and named.

Whoever has the row can read the price from it and find the name that receipts give it. Pure.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from tallygate.genai.price_row import PriceRow
from tallygate.ledger.prices import Price, name_version, price_free
from tallygate.ledger.terms import FREE, print_price, read_price


def read_row(row: PriceRow) -> Price:
    """The price a row holds. Raises ValueError if its terms are none."""
    terms: Any = msgspec.json.decode(row.terms)
    return read_price(row.kind, row.name, terms, effective_from_ns=row.effective_from_ns)


def write_row(price: Price) -> PriceRow:
    """The row of a price. What is read from it again charges the same, and bears the row's version as its name."""
    free = price_free(price.kind, price.name, price.effective_from_ns)
    terms = FREE if price == free else print_price(price)
    row = PriceRow(
        version="",
        kind=price.kind,
        name=price.name,
        effective_from_ns=price.effective_from_ns,
        terms=msgspec.json.encode(terms).decode(),
    )
    return replace(row, version=name_version(read_row(row)))
