"""Pages of lists that only grow at their end: rows in the order they were made, from behind a row on."""

from typing import Final, TypeVarTuple

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, Table, select, tuple_

from tallygate.errors import InvalidValue

Columns = TypeVarTuple("Columns")


class Page(Struct, frozen=True):
    """At most `rows_max` rows (None: all) behind the row whose id is `after`, or from the beginning."""

    rows_max: int | None = None
    after: str = ""


EVERYTHING: Final = Page()


def cut(
    connection: Connection, statement: Select[*Columns], table: Table, page: Page, *within: ColumnElement[bool]
) -> Select[*Columns]:
    """The rows of a page, oldest first by the table's `created_at_ns`, of those `within` some conditions.

    Raises InvalidValue for an `after` that is none of them, as for one that is nowhere.
    """
    at_ns, row_id = table.c.created_at_ns, table.c.id
    statement = statement.where(*within)
    if page.after:
        made_at_ns = connection.execute(select(at_ns).where(row_id == page.after, *within)).scalar()
        if made_at_ns is None:
            raise InvalidValue("`cursor` is none that this list gave.", param="cursor")
        statement = statement.where(tuple_(at_ns, row_id) > tuple_(made_at_ns, page.after))
    return statement.order_by(at_ns, row_id).limit(page.rows_max)
