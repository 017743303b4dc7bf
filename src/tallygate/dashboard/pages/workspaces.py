"""Workspaces and their wallets, for operators: the list, and a new one."""

import asyncio
from typing import Final

from tallygate.access import admin
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import TallygateError
from tallygate.ledger import operations
from tallygate.store.pages import Page as Cut

ROWS_MAX: Final = 500
DONE: Final = {"created": "The workspace is there, with its first user, owner."}


async def show_workspaces(visit: Visit) -> Page:
    """All of them, oldest first, each with its balance."""
    values = visit.read_query()
    return await _show(visit, DONE.get(values.get("done", ""), ""))


async def create_workspace(visit: Visit) -> Page | Leave:
    """Make one."""
    values = visit.form.read(("form_token", "name"))
    try:
        name = values.get("name", "")
        await asyncio.to_thread(admin.create_workspace, visit.rooms.database, name, actor=visit.person.actor)
    except TallygateError as error:
        return await _show(visit, "", error)
    return Leave(visit.at("/dashboard/workspaces", done="created"))


async def _show(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    balances = await asyncio.to_thread(operations.list_balances, visit.rooms.database, None, Cut(ROWS_MAX))
    states = {one.id: one.status for one in visit.workspaces}
    values = {"balances": balances, "states": states, "done": done, "problem": error.message if error else ""}
    return Page("workspaces.html", values, error.status if error else 200)
