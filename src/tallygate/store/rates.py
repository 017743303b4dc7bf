"""Limits of requests and tokens in a minute, as an administrator sets them; what is in the buckets belongs to the book.

Written in the transaction of the change that asks for it. A call names the rates that count it, so one that is removed
while calls run is not missed.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tallygate.errors import Conflict
from tallygate.genai.book import Level, Rate, RateKind
from tallygate.store.audit import Detail, new_id
from tallygate.store.book_rows import unpack_rate
from tallygate.store.schema import rates

_NAMES: Final[Mapping[RateKind, str]] = {"requests": "rpm", "tokens": "tpm"}
_MICRO: Final = 1_000_000


def list_rates(connection: Connection, owner_id: str) -> tuple[Rate, ...]:
    """The rates of one owner, that of requests first."""
    columns: list[Column[Any]] = [rates.c[name] for name in Rate.__struct_fields__]
    chosen = select(*columns).where(rates.c.owner_id == owner_id).order_by(rates.c.kind)
    return tuple(unpack_rate(row) for row in connection.execute(chosen).all())


def set_rates(
    connection: Connection,
    level: Level,
    owner_id: str,
    workspace_id: str,
    per_minute: Mapping[RateKind, int | None],
) -> None:
    """Give an owner rates, or those it has another limit; None takes one away. What is not named stays.

    A bucket never holds more than its new limit: what is in it beyond that would keep its owner waiting for minutes.
    Raises Conflict where another transaction has just made one of them.
    """
    known = {rate.kind for rate in list_rates(connection, owner_id)}
    for kind, limit in per_minute.items():
        mine = (rates.c.owner_id == owner_id, rates.c.kind == kind)
        if limit is None:
            connection.execute(delete(rates).where(*mine))
        elif kind in known:
            most = limit * _MICRO
            filled = case((rates.c.filled_micro > most, most), else_=rates.c.filled_micro)
            connection.execute(update(rates).where(*mine).values(per_minute=limit, filled_micro=filled))
    fresh = [
        {
            "id": new_id("rate_"),
            "workspace_id": workspace_id,
            "level": level,
            "owner_id": owner_id,
            "kind": kind,
            "per_minute": limit,
        }
        for kind, limit in per_minute.items()
        if limit is not None and kind not in known
    ]
    if fresh:
        try:
            connection.execute(insert(rates), fresh)
        except IntegrityError as error:
            raise Conflict("Somebody else has just set this limit: look, and try again.") from error


def tell_rates(per_minute: Mapping[RateKind, int | None]) -> dict[str, Detail]:
    """A change of rates as the audit log tells it. One without a number was removed."""
    return {_NAMES[kind]: limit for kind, limit in per_minute.items()}
