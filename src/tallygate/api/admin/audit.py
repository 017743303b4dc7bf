"""``GET /v1/admin/audit``: who changed what, and when, as pages of JSON or as a file to keep."""

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.door import Reply, Request
from tallygate.api.query import read_moment, read_query, read_whole
from tallygate.api.shown import show_moment
from tallygate.api.table import write_table
from tallygate.errors import InvalidValue
from tallygate.events import audit
from tallygate.genai.audit_row import AuditRow
from tallygate.store.audit_log import Wanted
from tallygate.store.pages import Page

FILTERS: Final = ("workspace", "actor", "action", "from", "to")
FORMATS: Final = ("json", "csv", "ndjson")
FILE_ROWS_MAX: Final = 10_000

_TYPES: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


async def list_changes(desk: Desk, request: Request) -> Reply:
    """The rows, the oldest first. A file (`format`) names the next one in its `link` header.

    Raises InvalidValue, NotFound for a workspace that is not there.
    """
    named = read_query(request.query, (*FILTERS, "format", "limit", "cursor"))
    form = named.get("format", "json")
    if form not in FORMATS:
        raise InvalidValue(f"`format` must be one of {', '.join(FORMATS)}.", param="format")
    if form == "json":
        page, values = read_page(request, *FILTERS, "format")
        rows = await asyncio.to_thread(audit.read_page, desk.database, _read_wanted(values), page)
        return show_page(request, page, rows, lambda row: str(row.seq), lambda row: audit.show_change(row, _at(row)))
    rows_max = read_whole(named, "limit", low=1, high=FILE_ROWS_MAX, otherwise=FILE_ROWS_MAX)
    page = Page(rows_max + 1, named.get("cursor", ""))
    rows = await asyncio.to_thread(audit.read_page, desk.database, _read_wanted(named), page)
    return _write_file(form, rows, rows_max, named)


def _write_file(form: str, found: Sequence[AuditRow], rows_max: int, named: dict[str, str]) -> Reply:
    rows = found[:rows_max]
    if form == "csv":
        body = write_table(audit.COLUMNS, (audit.show_cells(row, _at(row)) for row in rows))
    else:
        body = b"".join(msgspec.json.encode(audit.show_change(row, _at(row))) + b"\n" for row in rows)
    headers: list[tuple[str, str]] = [
        ("cache-control", "no-store"),
        ("content-disposition", f'attachment; filename="audit.{form}"'),
    ]
    if len(found) > rows_max:
        query = urlencode({**named, "cursor": str(rows[-1].seq)})
        headers.append(("link", f'</v1/admin/audit?{query}>; rel="next"'))
    return Reply(200, body, tuple(headers), _TYPES[form])


def _read_wanted(values: dict[str, str]) -> Wanted:
    return Wanted(
        workspace=values.get("workspace"),
        actor=values.get("actor"),
        action=values.get("action"),
        from_ns=read_moment(values["from"], "from") if "from" in values else None,
        to_ns=read_moment(values["to"], "to", end_of_day=True) if "to" in values else None,
    )


def _at(row: AuditRow) -> str:
    return show_moment(row.at_ns) or ""
