"""Budgets of a workspace, a user or a key, as an administrator sets them; what is spent and held belongs to the book.

Written in the transaction of the change that asks for it. A call names the budgets that hold its money, so one that is
removed while calls run is not missed: what it held is forgotten with it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tallygate.errors import Conflict, NotFound
from tallygate.genai.book import Budget, Level, Period
from tallygate.store.audit import Change, new_id
from tallygate.store.book_rows import unpack_budget
from tallygate.store.schema import budgets


def list_budgets(connection: Connection, owner_id: str) -> tuple[Budget, ...]:
    """The budgets of one owner, by id."""
    columns: list[Column[Any]] = [budgets.c[name] for name in Budget.__struct_fields__]
    chosen = select(*columns).where(budgets.c.owner_id == owner_id).order_by(budgets.c.id)
    return tuple(unpack_budget(row) for row in connection.execute(chosen).all())


def set_budgets(
    connection: Connection,
    level: Level,
    owner_id: str,
    workspace_id: str,
    limits_nusd: Mapping[Period, int],
    change: Change,
) -> None:
    """Give an owner budgets, or those it has another limit. A new one begins with nothing spent and nothing held.

    Raises Conflict where another transaction has just made one of them.
    """
    known = list_budgets(connection, owner_id)
    for budget in known:
        if budget.period in limits_nusd:
            changed = update(budgets).where(budgets.c.id == budget.id)
            connection.execute(changed.values(limit_nusd=limits_nusd[budget.period]))
    fresh = [
        {
            "id": new_id("bud_"),
            "workspace_id": workspace_id,
            "level": level,
            "owner_id": owner_id,
            "period": period,
            "limit_nusd": limits_nusd[period],
            "created_at_ns": change.at_ns,
        }
        for period in sorted(limits_nusd.keys() - {budget.period for budget in known})
    ]
    if fresh:
        try:
            connection.execute(insert(budgets), fresh)
        except IntegrityError as error:
            raise Conflict("Somebody else has just set this budget: look, and try again.") from error


def drop_budgets(connection: Connection, owner_id: str, periods: Iterable[Period]) -> None:
    """Take budgets from an owner. Raises NotFound for a period it has none for."""
    for period in sorted(periods):
        dropped = connection.execute(delete(budgets).where(budgets.c.owner_id == owner_id, budgets.c.period == period))
        if not dropped.rowcount:
            raise NotFound(f"There is no {period} budget to remove.")
