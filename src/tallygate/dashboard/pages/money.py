"""Money: the balance, what was paid in and out, the workspace's budgets, and credit that an operator adds.

A form brings its own id along, so that sending it twice moves the money once.
"""

import asyncio
import secrets
from typing import Final

from tallygate.access.limits import show_limits
from tallygate.api.body import read_usd
from tallygate.dashboard.pages import limits
from tallygate.dashboard.rights import find_scope, is_at_least
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import InvalidValue, NotFound, TallygateError
from tallygate.genai.book import Transfer
from tallygate.ledger import operations
from tallygate.ledger.windows import roll
from tallygate.store.limits import Owner
from tallygate.store.usage import find_account

SOURCES: Final = ("payments", "promo")
DONE: Final = {
    "credit": "The credit is in the wallet.",
    "repeated": "This credit had been added before: nothing moved.",
    "limits": "The budgets are changed.",
}


async def show_money(visit: Visit) -> Page:
    """The balance and the last movements."""
    values = visit.read_query()
    return await _show(visit, DONE.get(values.get("done", ""), ""))


async def add_credit(visit: Visit) -> Page | Leave:
    """Put money into the workspace's wallet."""
    values = visit.form.read(("form_token", "usd", "source", "id"))
    if visit.workspace is None:
        raise NotFound("There is no workspace yet.")
    try:
        source = values.get("source", "payments")
        if source not in SOURCES:
            raise InvalidValue("The source is payments or promo.", param="source")
        movement = await operations.add_credit(
            visit.rooms.writer,
            visit.rooms.database,
            workspace=visit.workspace.id,
            amount_nusd=read_usd(values.get("usd", "").strip(), "usd"),
            movement_id=values.get("id", "").strip(),
            actor=visit.person.actor,
            source=source,
        )
    except TallygateError as error:
        return await _show(visit, "", error)
    return Leave(visit.at("/dashboard/money", done="repeated" if movement.repeated else "credit"))


async def change_limits(visit: Visit) -> Page | Leave:
    """Change what all keys of the workspace may spend together."""
    if visit.workspace is None:
        raise NotFound("There is no workspace yet.")
    try:
        await asyncio.to_thread(limits.change, visit, Owner("workspace", visit.workspace.id))
    except TallygateError as error:
        return await _show(visit, "", error)
    return Leave(visit.at("/dashboard/money", done="limits"))


async def _show(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    account, movements, budgets, rates = None, list[Transfer](), [], dict[str, int]()
    if visit.workspace is not None:
        workspace_id = visit.workspace.id
        scope = find_scope(visit.person, workspace_id)
        owners = [workspace_id] if scope.user_id is None else [workspace_id, scope.user_id]
        account = await visit.rooms.accounts.enquirer.ask(
            lambda connection: find_account(connection, workspace_id, owners)
        )
        now_ns = visit.rooms.accounts.clock_ns()
        budgets = [roll(budget, now_ns) for budget in account.budgets] if account is not None else []
        if is_at_least(visit.person, "admin"):
            movements = await asyncio.to_thread(operations.list_movements, visit.rooms.database, workspace_id)
            row = await asyncio.to_thread(show_limits, visit.rooms.database, Owner("workspace", workspace_id))
            rates = limits.list_rates(row)
    values = {
        "account": account,
        "budgets": budgets,
        "own": {budget.period: budget for budget in budgets if budget.level == "workspace"},
        "periods": limits.PERIODS,
        "rates": rates,
        "movements": movements,
        "shown_max": operations.MOVEMENTS_SHOWN_MAX,
        "sources": SOURCES,
        "movement_id": f"dashboard-{secrets.token_hex(12)}",
        "done": done,
        "problem": error.message if error else "",
    }
    return Page("money.html", values, error.status if error else 200)
