"""What the admin's doors work with, and the pages of lists that all of them read and show alike."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from tallygate.access.doorman import ADMIN
from tallygate.access.keys import Minter
from tallygate.access.principal import Principal
from tallygate.api.admin.editions import Configuration
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query, read_whole
from tallygate.router.health import TargetHealth
from tallygate.store.database import Database
from tallygate.store.pages import Page
from tallygate.store.writer import Writer

ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1_000
PAGE: Final = ("limit", "cursor")

Row = TypeVar("Row")


ListHealth = Callable[[], Sequence[TargetHealth]]


class Desk(Struct, frozen=True):
    """The database, what makes keys, the writer that moves money, how deep a body may nest, the configuration, and
    how targets are.
    """

    database: Database
    minter: Minter
    writer: Writer
    json_depth_max: int
    configuration: Configuration
    list_health: ListHealth
    principal: Principal = ADMIN
    """Who has come to the desk."""

    @property
    def actor(self) -> str:
        """Who the audit log says it was."""
        return self.principal.actor


Serve = Callable[[Desk, Request], Awaitable[Reply]]


def read_page(request: Request, *others: str) -> tuple[Page, dict[str, str]]:
    """The page that the address asks for, one row longer to see whether there is more, and its `others`.

    Raises InvalidValue.
    """
    values = read_query(request.query, (*others, *PAGE))
    rows_max = read_whole(values, "limit", low=1, high=ROWS_MAX, otherwise=ROWS_DEFAULT)
    return Page(rows_max + 1, values.get("cursor", "")), values


def show_page(
    request: Request, page: Page, found: Sequence[Row], name: Callable[[Row], str], show: Callable[[Row], Any]
) -> Reply:
    """The rows of a page, and where it goes on. The cursor is the id of the last row: `name` gives it."""
    assert page.rows_max is not None, "a page that was read from an address has an end"
    rows, more = found[: page.rows_max - 1], len(found) == page.rows_max
    meta = {"has_more": more, "next_cursor": name(rows[-1]) if more else None}
    return envelope_reply([show(row) for row in rows], request, meta)
