"""What was used and charged: by day, with a plot, by model, by key and by user, over a span of days."""

from typing import Final

from tallygate.api.door import Reply
from tallygate.api.query import read_whole
from tallygate.api.shown import show_day
from tallygate.api.table import write_table
from tallygate.dashboard.rights import find_scope
from tallygate.dashboard.visit import Page, Visit
from tallygate.ledger.money import print_usd
from tallygate.ledger.windows import DAY_NS
from tallygate.store.usage import Group, Span, Sum, sum_calls

DAYS: Final = (7, 30, 90, 365)
DAYS_DEFAULT: Final = 30
ROWS_MAX: Final = 1_000
ROWS_MAX_CSV: Final = 10_000
TOP: Final = 25
"""How many lines a table has; what is below them in cost is in the export."""


async def show_usage(visit: Visit) -> Page:
    """The sums of the last days."""
    days = _read_days(visit)
    by_day = await _sum(visit, days, "day")
    total = Sum(
        day=None,
        model=None,
        key_id=None,
        key_name=None,
        key_last4=None,
        user_id=None,
        user_name=None,
        calls=sum(row.calls for row in by_day),
        input_tokens=sum(row.input_tokens for row in by_day),
        output_tokens=sum(row.output_tokens for row in by_day),
        charged_nusd=sum(row.charged_nusd for row in by_day),
        refunded_nusd=sum(row.refunded_nusd for row in by_day),
    )
    values = {
        "days": days,
        "choices": DAYS,
        "by_day": by_day,
        "by_model": _sort(await _sum(visit, days, "model")),
        "by_key": _sort(await _sum(visit, days, "key")),
        "by_user": _sort(await _sum(visit, days, "user")),
        "total": total,
        "top": TOP,
    }
    return Page("usage.html", values)


async def export_usage(visit: Visit) -> Reply:
    """The sums by day and model as a table for spreadsheets."""
    days = _read_days(visit)
    rows = await _sum(visit, days, "day", "model", rows_max=ROWS_MAX_CSV)
    shown = [
        {
            "day": show_day(row.day or 0),
            "model": row.model,
            "calls": row.calls,
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "charged_usd": print_usd(row.charged_nusd),
            "refunded_usd": print_usd(row.refunded_nusd),
        }
        for row in rows
    ]
    columns = ("day", "model", "calls", "input_tokens", "output_tokens", "charged_usd", "refunded_usd")
    body = write_table(columns, shown)
    disposition = ("content-disposition", f'attachment; filename="usage-{days}-days.csv"')
    return Reply(200, body, (disposition,), "text/csv; charset=utf-8")


async def _sum(visit: Visit, days: int, *groups: Group, rows_max: int = ROWS_MAX) -> list[Sum]:
    if visit.workspace is None:
        return []
    scope, span = find_scope(visit.person, visit.workspace.id), find_span(days, visit.rooms.accounts.clock_ns())
    return await visit.rooms.accounts.enquirer.ask(
        lambda connection: sum_calls(connection, scope, span, groups, rows_max=rows_max)
    )


def find_span(days: int, now_ns: int) -> Span:
    """The last days, today included."""
    end_ns = now_ns // DAY_NS * DAY_NS + DAY_NS
    return Span(end_ns - days * DAY_NS, end_ns)


def _sort(rows: list[Sum]) -> list[Sum]:
    """The dearest first."""
    return sorted(rows, key=lambda row: (-row.charged_nusd, -row.calls))[:TOP]


def _read_days(visit: Visit) -> int:
    return read_whole(visit.read_query("days"), "days", low=1, high=DAYS[-1], otherwise=DAYS_DEFAULT)
