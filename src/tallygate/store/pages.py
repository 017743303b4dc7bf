"""Pages of lists that only grow at their end: rows in the order they were made, from behind a row on."""

from typing import Final, TypeVarTuple

from msgspec import Struct
from sqlalchemy import Connection, Select, Table, select, tuple_

from tallygate.errors import InvalidValue

Columns = TypeVarTuple("Columns")


class Page(Struct, frozen=True):
    """At most `rows_max` rows (None: all) behind the row whose id is `after`, or from the beginning."""

    rows_max: int | None = None
    after: str = ""


EVERYTHING: Final = Page()


def cut(connection: Connection, statement: Select[*Columns], table: Table, page: Page) -> Select[*Columns]:
    """The rows of a page, oldest first by the table's `created_at_ns`. Raises InvalidValue for an unknown `after`."""
    at_ns, row_id = table.c.created_at_ns, table.c.id
    if page.after:
        made_at_ns = connection.execute(select(at_ns).where(row_id == page.after)).scalar()
        if made_at_ns is None:
            raise InvalidValue("`cursor` is none that this list gave.", param="cursor")
        statement = statement.where(tuple_(at_ns, row_id) > tuple_(made_at_ns, page.after))
    return statement.order_by(at_ns, row_id).limit(page.rows_max)
