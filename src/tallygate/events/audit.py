"""The audit log as pages and as a whole, for the command line and the admin API alike.

A row is shown with what it says and with the name of its entry in the transparency log, which holds it to that
(docs/reference/audit.md).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tallygate.errors import InvalidValue
from tallygate.genai.audit_row import AuditRow, name_statement
from tallygate.store.audit_log import Wanted, list_changes
from tallygate.store.database import Database
from tallygate.store.pages import Page

COLUMNS: Final = ("seq", "at", "at_ns", "actor", "action", "workspace_id", "object_id", "detail")
"""Of a table. `detail` is JSON in one cell."""

BITE: Final = 1_000


def read_page(database: Database, wanted: Wanted, page: Page) -> list[AuditRow]:
    """The rows of a page, the oldest first. Raises NotFound, InvalidValue for a cursor that no list gave."""
    assert page.rows_max is not None, "a log has no end, a page has"
    return list_changes(database, wanted, read_cursor(page.after), page.rows_max)


def read_all(database: Database, wanted: Wanted) -> Iterator[AuditRow]:
    """Every row that is there, the oldest first, however many they are. Raises NotFound."""
    after = 0
    while bite := list_changes(database, wanted, after, BITE):
        yield from bite
        after = bite[-1].seq


def show_change(row: AuditRow, at: str) -> dict[str, Any]:
    """A row as JSON tells it. `at` is its moment in the words of whoever shows it; `at_ns` is exact, and text."""
    return {
        "seq": row.seq,
        "at": at,
        "at_ns": str(row.at_ns),
        "actor": row.actor,
        "action": row.action,
        "workspace_id": row.workspace_id,
        "object_id": row.object_id,
        "detail": msgspec.Raw(row.detail.encode()),
        "entry": name_statement(row.seq),
    }


def show_cells(row: AuditRow, at: str) -> dict[str, object]:
    """A row as a table tells it: see `COLUMNS`."""
    return {**show_change(row, at), "detail": row.detail}


def read_cursor(text: str) -> int:
    """The number behind which a page begins. Raises InvalidValue."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidValue("`cursor` is none that this list gave.", param="cursor")
    return int(text)
