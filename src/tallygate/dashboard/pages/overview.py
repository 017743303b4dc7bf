"""The first page: what there is to spend, what was spent today, what runs, what ran last, and who can be asked."""

from typing import Final

from msgspec import Struct

from tallygate.dashboard.pages.calls import Line
from tallygate.dashboard.pages.usage import find_span
from tallygate.dashboard.rights import find_scope
from tallygate.dashboard.visit import Page, Visit
from tallygate.genai.details import read_details
from tallygate.ledger.windows import DAY_NS, roll
from tallygate.store.calls import CallLine, Wanted, count_open, list_calls
from tallygate.store.driver import DriverConnection
from tallygate.store.usage import Account, Scope, Sum, find_account, sum_calls

LAST: Final = 8
WEEK: Final = 7


class State(Struct, frozen=True):
    """What is read of a workspace for this page, at one go."""

    account: Account | None
    days: list[Sum]
    open_calls: int
    last: list[CallLine]


async def show_overview(visit: Visit) -> Page:
    """The state of one workspace at a glance."""
    visit.read_query()
    if visit.workspace is None:
        return Page("overview.html", {"state": None})
    scope, now_ns = find_scope(visit.person, visit.workspace.id), visit.rooms.accounts.clock_ns()
    state = await visit.rooms.accounts.enquirer.ask(lambda connection: _read(connection, scope, now_ns))
    today = find_span(1, now_ns).from_ns // DAY_NS
    values = {
        "state": state,
        "budgets": [roll(budget, now_ns) for budget in state.account.budgets] if state.account else [],
        "today": next((day for day in state.days if day.day == today), None),
        "week_nusd": sum(day.charged_nusd - day.refunded_nusd for day in state.days),
        "week_calls": sum(day.calls for day in state.days),
        "lines": [Line(call, read_details(call.details)) for call in state.last],
    }
    return Page("overview.html", values)


def _read(connection: DriverConnection, scope: Scope, now_ns: int) -> State:
    owners = (scope.workspace_id, scope.user_id) if scope.user_id else (scope.workspace_id,)
    return State(
        find_account(connection, scope.workspace_id, owners),
        sum_calls(connection, scope, find_span(WEEK, now_ns), ("day",), rows_max=WEEK),
        count_open(connection, scope),
        list_calls(connection, scope, Wanted(), LAST),
    )
