"""News of prices for a running worker: the rows that came after the last one it has seen.

One indexed look on a plain connection, cheap enough for every few seconds. Administrative queries are in `prices`.
"""

from typing import Any

from tallygate.genai.price_row import PriceRow
from tallygate.store.driver import DriverConnection


def load_prices(connection: DriverConnection, after_seq: int = 0) -> list[PriceRow]:
    """The rows with a higher number than `after_seq`, in order; all of them after 0. Raises DriverError.

    A row is never seen before one with a lower number: `prices` numbers and commits them one by one.
    """
    rows = connection.fetch(
        "SELECT version, kind, name, effective_from_ns, terms, created_at_ns, seq FROM prices"
        " WHERE seq > ? ORDER BY seq",
        (after_seq,),
    )
    return [_read(*row) for row in rows]


def _read(version: str, kind: Any, name: str, from_ns: int, terms: str, created_at_ns: int, seq: int) -> PriceRow:
    return PriceRow(
        version=version,
        kind=kind,
        name=name,
        effective_from_ns=from_ns,
        terms=terms,
        created_at_ns=created_at_ns,
        seq=seq,
    )
