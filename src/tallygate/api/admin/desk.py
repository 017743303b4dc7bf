"""What the admin's doors work with, and the page of a list that all of them show alike."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from tallygate.access.keys import Minter
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query, read_whole
from tallygate.errors import InvalidValue
from tallygate.store.database import Database
from tallygate.store.writer import Writer

ACTOR: Final = "admin"
"""Who the audit log says it was."""

ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1_000
PAGE: Final = ("limit", "cursor")

Row = TypeVar("Row")


class Desk(Struct, frozen=True):
    """The database, what makes keys, the writer that moves money, and how deep a body may nest."""

    database: Database
    minter: Minter
    writer: Writer
    json_depth_max: int


def list_page(
    request: Request, rows: Sequence[Row], name: Callable[[Row], str], show: Callable[[Row], Any], *others: str
) -> Reply:
    """One page of rows, whose order never changes but at the end. The cursor is the id of a page's last row.

    `others` are parameters of the address besides those of the page. Raises InvalidValue.
    """
    values = read_query(request.query, (*others, *PAGE))
    rows_max = read_whole(values, "limit", low=1, high=ROWS_MAX, otherwise=ROWS_DEFAULT)
    start = 0
    if cursor := values.get("cursor"):
        start = 1 + next((place for place, row in enumerate(rows) if name(row) == cursor), -1)
        if not start:
            raise InvalidValue("`cursor` is none that this address gave.", param="cursor")
    page = rows[start : start + rows_max]
    more = start + rows_max < len(rows)
    meta = {"has_more": more, "next_cursor": name(page[-1]) if more else None}
    return envelope_reply([show(row) for row in page], request, meta)
