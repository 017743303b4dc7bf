"""Prices in the database: add versions, list them. A row is never changed and never deleted.

What terms mean and how a version is named is known in `ledger`. A running worker hears of new rows through
`price_feed`, which relies on the numbers given here.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, insert, select

from tallygate.errors import Conflict
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.store.audit import Change, Detail, write_audit
from tallygate.store.database import Database
from tallygate.store.schema import prices

LOCK_PRICES: Final = 0x7A11_0003
"""A PostgreSQL advisory lock. Numbers are drawn before commits: without it a worker could see 6, and later 5, whose
writer was slower, and would miss 5 for ever."""


def add_price(database: Database, row: PriceRow, change: Change) -> bool:
    """Add a version. False if it is there already and counts.

    Raises Conflict if it is there but a version that was set later begins at the same moment and counts instead.
    """
    with database.writing(lock=LOCK_PRICES) as connection:
        newest = _find_newest(connection, row)
        if newest is not None and newest.version == row.version:
            return False
        if connection.execute(select(prices.c.seq).where(prices.c.version == row.version)).first():
            raise Conflict("This very price was replaced by one that begins at the same moment. Let it begin later.")
        connection.execute(insert(prices).values(_values(row, change)))
        detail: dict[str, Detail] = {
            "kind": row.kind,
            "name": row.name,
            "terms": row.terms,
            "effective_from_ns": row.effective_from_ns,
        }
        write_audit(connection, change, "price.set", workspace_id=None, object_id=row.version, detail=detail)
        return True


def add_prices(database: Database, rows: Sequence[PriceRow], source: str, change: Change) -> int:
    """Add many versions at once, with one row in the audit log that names their `source`. Returns how many are new."""
    with database.writing(lock=LOCK_PRICES) as connection:
        known = set(connection.execute(select(prices.c.version)).scalars())
        new = {row.version: _values(row, change) for row in rows if row.version not in known}
        if new:
            connection.execute(insert(prices), list(new.values()))
            detail: dict[str, Detail] = {"added": len(new)}
            write_audit(connection, change, "price.import", workspace_id=None, object_id=source, detail=detail)
        return len(new)


def list_prices(database: Database, kind: PriceKind | None = None, name: str | None = None) -> list[PriceRow]:
    """All versions, or those of one kind or name, in the order they were set."""
    statement = _select_prices().order_by(prices.c.seq)
    if kind is not None:
        statement = statement.where(prices.c.kind == kind)
    if name is not None:
        statement = statement.where(prices.c.name == name)
    with database.reading() as connection:
        return [PriceRow(**row) for row in connection.execute(statement).mappings()]


def _find_newest(connection: Connection, row: PriceRow) -> PriceRow | None:
    """The version that counts among those of this kind and name that begin at the same moment."""
    found = connection.execute(
        _select_prices()
        .where(
            prices.c.kind == row.kind,
            prices.c.name == row.name,
            prices.c.effective_from_ns == row.effective_from_ns,
        )
        .order_by(prices.c.seq.desc())
        .limit(1)
    ).mappings()
    return next((PriceRow(**values) for values in found), None)


def _select_prices() -> Select[Any]:
    return select(*(prices.c[field] for field in PriceRow.__struct_fields__))


def _values(row: PriceRow, change: Change) -> dict[str, Any]:
    values = msgspec.structs.asdict(row)
    del values["seq"]
    return {**values, "created_at_ns": change.at_ns}
