"""Users of a workspace, for its admins and for operators: the list, a new one, one with role, limits and password."""

import asyncio
from functools import partial
from typing import Final

from tallygate.access import admin, passwords
from tallygate.access.roles import ROLES
from tallygate.dashboard.pages import limits
from tallygate.dashboard.rights import is_at_least
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import NotFound, TallygateError
from tallygate.genai.secret import Secret
from tallygate.store.limits import Owner
from tallygate.store.pages import Page as Cut
from tallygate.store.rows import MEMBER, OPERATOR, UserRow

USERS_MAX: Final = 1_000
DONE: Final = {
    "created": "The user is there. Give them a password, and they can sign in.",
    "role": "The role is changed, and the user is signed out.",
    "limits": "The limits are changed.",
    "password": "The password is set, and the user is signed out everywhere.",
    "disabled": "The user is disabled: the next call with any key of theirs is refused.",
}


async def show_users(visit: Visit) -> Page:
    """Everybody of the workspace, oldest first."""
    values = visit.read_query()
    return await _show_all(visit, DONE.get(values.get("done", ""), ""))


async def create_user(visit: Visit) -> Page | Leave:
    """Make one."""
    values = visit.form.read(("form_token", "name", "role"))
    person = visit.person
    try:
        row = await asyncio.to_thread(
            admin.create_user,
            visit.rooms.database,
            _need_workspace(visit),
            values.get("name", ""),
            role=values.get("role", MEMBER),
            actor=person.actor,
            by=person.principal,
        )
    except TallygateError as error:
        return await _show_all(visit, "", error)
    return Leave(visit.at(f"/dashboard/users/{row.id}", done="created"))


async def show_user(visit: Visit) -> Page:
    """One user."""
    values = visit.read_query()
    return await _show_one(visit, DONE.get(values.get("done", ""), ""))


async def change_role(visit: Visit) -> Page | Leave:
    """Give them another role, from their next call on."""
    values = visit.form.read(("form_token", "role"))
    return await _change(visit, "role", role=values.get("role", ""))


async def disable_user(visit: Visit) -> Page | Leave:
    """Shut them out: there is no way back."""
    visit.form.read(("form_token",))
    return await _change(visit, "disabled", disables=True)


async def show_disable(visit: Visit) -> Page:
    """The question before that."""
    return Page("user_disable.html", {"user": await _find(visit)})


async def change_limits(visit: Visit) -> Page | Leave:
    """Change what all keys of a user may spend together and have open."""
    row = await _find(visit)
    try:
        await asyncio.to_thread(limits.change, visit, Owner("user", row.id, row.workspace_id))
    except TallygateError as error:
        return await _show_one(visit, "", error)
    return Leave(visit.at(f"/dashboard/users/{row.id}", done="limits"))


async def give_password(visit: Visit) -> Page | Leave:
    """Set a user's password. Their sessions end."""
    values = visit.form.read(("form_token", "password"))
    row, person = await _find(visit), visit.person
    database, password = visit.rooms.database, Secret(values.get("password", ""))
    give = partial(passwords.give_password, actor=person.actor, by=person.principal)
    try:
        await visit.rooms.gate.run(lambda: give(database, row.workspace_id, row.id, password))
    except TallygateError as error:
        return await _show_one(visit, "", error)
    return Leave(visit.at(f"/dashboard/users/{row.id}", done="password"))


async def _change(visit: Visit, done: str, *, role: str | None = None, disables: bool = False) -> Page | Leave:
    row, person = await _find(visit), visit.person
    try:
        await asyncio.to_thread(
            admin.change_user,
            visit.rooms.database,
            row.workspace_id,
            row.id,
            role=role,
            disables=disables,
            actor=person.actor,
            by=person.principal,
        )
    except TallygateError as error:
        return await _show_one(visit, "", error)
    return Leave(visit.at(f"/dashboard/users/{row.id}", done=done))


async def _find(visit: Visit) -> UserRow:
    return await asyncio.to_thread(admin.show_user, visit.rooms.database, _need_workspace(visit), visit.slots["id"])


def _need_workspace(visit: Visit) -> str:
    if visit.workspace is None:
        raise NotFound("There is no workspace yet.")
    return visit.workspace.id


def _list_roles(visit: Visit) -> list[str]:
    """The roles that this person may give."""
    return [role for role in ROLES if role != OPERATOR or is_at_least(visit.person, "operator")]


async def _show_all(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    users: list[UserRow] = []
    if visit.workspace is not None:
        users = await asyncio.to_thread(admin.list_users, visit.rooms.database, visit.workspace.id, Cut(USERS_MAX))
    values = {
        "users": users,
        "roles": _list_roles(visit),
        "usual": MEMBER,
        "done": done,
        "problem": error.message if error else "",
    }
    return Page("users.html", values, error.status if error else 200)


async def _show_one(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    row = await _find(visit)
    filled = await asyncio.to_thread(limits.show, visit, Owner("user", row.id, row.workspace_id))
    values = {
        **filled,
        "user": row,
        "roles": _list_roles(visit),
        "done": done,
        "problem": error.message if error else "",
    }
    return Page("user.html", values, error.status if error else 200)
