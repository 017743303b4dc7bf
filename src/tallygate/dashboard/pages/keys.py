"""API keys: the list, a new one (shown once), one key with its limits, and its end."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from tallygate.access import admin
from tallygate.access import limits as access_limits
from tallygate.access.permissions import DEFAULT_GRANT, PERMISSIONS
from tallygate.api.body import read_usd
from tallygate.api.query import read_moment
from tallygate.dashboard.rights import find_scope, is_at_least, list_grantable
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import InvalidValue, NotFound, PermissionDenied, TallygateError
from tallygate.store.limits import Owner
from tallygate.store.pages import Page as Cut
from tallygate.store.rows import ACTIVE, FIRST_USER, KeyRecord, UserRow
from tallygate.store.usage import KeyFacts, find_key_facts

KEYS_MAX: Final = 1_000
USERS_MAX: Final = 500
FIELDS: Final = ("form_token", "name", "user", "models", "expires", "budget", "period", "concurrency", "shorten")
DONE: Final = {"revoked": "The key is revoked: its next call is refused.", "limits": "The limits are changed."}


async def show_keys(visit: Visit) -> Page:
    """The keys of the workspace, or one's own; live ones first, the newest before the older."""
    values = visit.read_query()
    records = await asyncio.to_thread(_list, visit)
    return Page("keys.html", {"keys": records, "now_ns": time.time_ns(), "done": DONE.get(values.get("done", ""), "")})


async def show_new_key(visit: Visit) -> Page:
    """The form for a new key."""
    visit.read_query()
    return await _show_form(visit)


async def create_key(visit: Visit) -> Page:
    """Make a key, and show it: this one time. A page that was wrong comes back as it was filled in."""
    values = visit.form.read(FIELDS, ("permission",))
    try:
        made = await asyncio.to_thread(_create, visit, values, visit.form.list("permission"))
    except TallygateError as error:
        return await _show_form(visit, error, values)
    return Page("key_made.html", {"key": made.record, "secret": made.secret.reveal()}, 201)


async def show_key(visit: Visit) -> Page:
    """One key: what it may, its limits, what it has spent."""
    values = visit.read_query()
    return await _show_one(visit, DONE.get(values.get("done", ""), ""))


async def change_limits(visit: Visit) -> Page | Leave:
    """Change a key's budgets and how many calls it may have open. An empty field takes a limit away."""
    facts = await find_own(visit)
    periods = access_limits.PERIODS
    values = visit.form.read(("form_token", "concurrency", "shorten", *periods))
    try:
        budgets = {period: read_usd(values[period].strip(), period) for period in periods if period in values}
        await asyncio.to_thread(
            access_limits.change_limits,
            visit.rooms.database,
            Owner("key", facts.id),
            actor=visit.person.actor,
            budgets_nusd=budgets,
            removed=[period for period in periods if period not in values],
            slots_max=_read_slots(values),
            shortens="shorten" in values,
        )
    except TallygateError as error:
        return await _show_one(visit, "", error)
    return Leave(visit.at(f"/dashboard/keys/{facts.id}", done="limits"))


async def show_revoke(visit: Visit) -> Page:
    """The question before a key's end."""
    facts = await find_own(visit)
    return Page("key_revoke.html", {"key": facts})


async def revoke_key(visit: Visit) -> Leave:
    """Revoke it: there is no way back."""
    visit.form.read(("form_token",))
    facts = await find_own(visit)
    await asyncio.to_thread(admin.revoke_key, visit.rooms.database, facts.id, actor=visit.person.actor)
    return Leave(visit.at("/dashboard/keys", done="revoked"))


async def find_own(visit: Visit) -> KeyFacts:
    """The key that the address names, if this person sees it. Raises NotFound."""
    facts = await visit.rooms.accounts.enquirer.ask(lambda connection: find_key_facts(connection, visit.slots["id"]))
    if facts is not None and visit.workspace is not None and facts.workspace_id == visit.workspace.id:
        scope = find_scope(visit.person, facts.workspace_id)
        if scope.user_id in (None, facts.user_id):
            return facts
    raise NotFound("There is no key of this id here.")


def _list(visit: Visit) -> list[KeyRecord]:
    if visit.workspace is None:
        return []
    scope = find_scope(visit.person, visit.workspace.id)
    found = admin.list_keys(visit.rooms.database, visit.workspace.id, Cut(KEYS_MAX))
    own = [record for record in found if scope.user_id in (None, record.user_id)]
    return sorted(own, key=lambda record: (record.status != ACTIVE, -record.created_at_ns))


async def _show_form(visit: Visit, error: TallygateError | None = None, values: Mapping[str, str] = {}) -> Page:
    person = visit.person
    users: list[UserRow] = []
    if visit.workspace is not None and is_at_least(person, "admin"):
        found = await asyncio.to_thread(admin.list_users, visit.rooms.database, visit.workspace.id, Cut(USERS_MAX))
        users = [user for user in found if user.status == ACTIVE]
    grantable = list_grantable(person)
    filled: dict[str, Any] = {
        "users": users,
        "first_user": FIRST_USER,
        "permissions": {name: text for name, text in PERMISSIONS.items() if name in grantable},
        "chosen": visit.form.list("permission") if error else sorted(DEFAULT_GRANT & grantable),
        "models": list(visit.rooms.catalog().records),
        "given": values,
        "shortens": error is None or "shorten" in values,
        "periods": access_limits.PERIODS,
        "problem": error.message if error else "",
    }
    return Page("key_new.html", filled, error.status if error else 200)


def _create(visit: Visit, values: Mapping[str, str], permissions: list[str]) -> admin.CreatedKey:
    person = visit.person
    if visit.workspace is None:
        raise NotFound("There is no workspace yet.")
    if beyond := set(permissions) - list_grantable(person):
        raise PermissionDenied(f"You cannot give away {min(beyond)!r}, which you do not have.")
    user = values.get("user", FIRST_USER) if is_at_least(person, "admin") else person.user_id
    models = [line.strip() for line in values.get("models", "").replace(",", "\n").splitlines() if line.strip()]
    budgets: dict[str, int] = {}
    if "budget" in values:
        budgets[values.get("period", "monthly")] = read_usd(values["budget"].strip(), "budget")
    return admin.create_key(
        visit.rooms.database,
        visit.rooms.minter,
        workspace=visit.workspace.id,
        user=user,
        name=values.get("name", "").strip(),
        permissions=permissions,
        models=models or None,
        expires_at_ns=_read_expiry(values.get("expires", "")),
        budgets_nusd=budgets,
        slots_max=_read_slots(values),
        shortens="shorten" in values,
        actor=person.actor,
    )


def _read_expiry(text: str) -> int | None:
    """A day counts to its end."""
    return read_moment(text, "expires", end_of_day=True) if text else None


def _read_slots(values: Mapping[str, str]) -> int | None:
    text = values.get("concurrency", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidValue("Calls open at once are a whole number.", param="concurrency")
    return int(text)


async def _show_one(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    facts = await find_own(visit)
    row = await asyncio.to_thread(access_limits.show_limits, visit.rooms.database, Owner("key", facts.id))
    values = {
        "key": facts,
        "limits": row,
        "budgets": {budget.period: budget for budget in row.budgets},
        "periods": access_limits.PERIODS,
        "now_ns": time.time_ns(),
        "done": done,
        "problem": error.message if error else "",
    }
    return Page("key.html", values, error.status if error else 200)
