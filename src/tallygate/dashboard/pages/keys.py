"""API keys: the list, a new one (shown once), one key with its limits, and its end."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from tallygate.access import admin
from tallygate.access.permissions import DEFAULT_GRANT
from tallygate.api.body import read_usd
from tallygate.api.query import read_moment
from tallygate.dashboard.pages import limits
from tallygate.dashboard.rights import find_scope, is_at_least, list_grantable
from tallygate.dashboard.visit import Leave, Page, Visit
from tallygate.errors import InvalidValue, NotFound, TallygateError
from tallygate.store.limits import Owner
from tallygate.store.pages import Page as Cut
from tallygate.store.rows import ACTIVE, FIRST_USER, KeyRecord, UserRow

KEYS_MAX: Final = 1_000
USERS_MAX: Final = 500
BUDGET: Final = ("budget", "period", "concurrency", "shorten", *limits.RATES)
FIELDS: Final = ("form_token", "name", "user", "models", "networks", "expires", *BUDGET)
OVERLAPS: Final = {"0": "at once", "3600": "in an hour", "86400": "in a day", "604800": "in a week"}
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
    record = await find_own(visit)
    try:
        await asyncio.to_thread(limits.change, visit, Owner("key", record.id))
    except TallygateError as error:
        return await _show_one(visit, "", error)
    return Leave(visit.at(f"/dashboard/keys/{record.id}", done="limits"))


async def show_rotate(visit: Visit) -> Page:
    """The question before a key gets another text."""
    return Page("key_rotate.html", {"key": await find_own(visit), "overlaps": OVERLAPS})


async def rotate_key(visit: Visit) -> Page:
    """Give a key another text, and show it: this one time. The earlier one counts for a while yet."""
    values = visit.form.read(("form_token", "overlap"))
    record = await find_own(visit)
    overlap = values.get("overlap", "")
    if overlap not in OVERLAPS:
        raise InvalidValue("The overlap is none of those in the list.", param="overlap")
    rotated = await asyncio.to_thread(
        admin.rotate_key,
        visit.rooms.database,
        visit.rooms.minter,
        record.id,
        actor=visit.person.actor,
        overlap_s=int(overlap),
        by=visit.person.principal,
    )
    return Page("key_made.html", {"key": rotated.record, "secret": rotated.secret.reveal()})


async def show_revoke(visit: Visit) -> Page:
    """The question before a key's end."""
    return Page("key_revoke.html", {"key": await find_own(visit)})


async def revoke_key(visit: Visit) -> Leave:
    """Revoke it: there is no way back."""
    visit.form.read(("form_token",))
    record, person = await find_own(visit), visit.person
    await asyncio.to_thread(admin.revoke_key, visit.rooms.database, record.id, actor=person.actor, by=person.principal)
    return Leave(visit.at("/dashboard/keys", done="revoked"))


async def find_own(visit: Visit) -> KeyRecord:
    """The key that the address names, if this person sees it. Raises NotFound."""
    if visit.workspace is not None:
        place = visit.workspace.id
        record = await asyncio.to_thread(
            admin.show_key, visit.rooms.database, visit.slots["id"], workspace=place, by=visit.person.principal
        )
        if find_scope(visit.person, place).user_id in (None, record.user_id):
            return record
    raise NotFound("There is no key of this id here.")


def _list(visit: Visit) -> list[KeyRecord]:
    if visit.workspace is None:
        return []
    scope = find_scope(visit.person, visit.workspace.id)
    database, by = visit.rooms.database, visit.person.principal
    found = admin.list_keys(database, visit.workspace.id, Cut(KEYS_MAX), by=by)
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
        "permissions": grantable,
        "chosen": visit.form.list("permission") if error else sorted(DEFAULT_GRANT & grantable.keys()),
        "models": list(visit.rooms.catalog().records),
        "given": values,
        "shortens": error is None or "shorten" in values,
        "periods": limits.PERIODS,
        "problem": error.message if error else "",
    }
    return Page("key_new.html", filled, error.status if error else 200)


def _create(visit: Visit, values: Mapping[str, str], permissions: list[str]) -> admin.CreatedKey:
    person = visit.person
    if visit.workspace is None:
        raise NotFound("There is no workspace yet.")
    user = values.get("user", FIRST_USER) if is_at_least(person, "admin") else person.user_id
    models = _read_lines(values.get("models", ""))
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
        slots_max=limits.read_number(values, "concurrency"),
        networks=_read_lines(values.get("networks", "")) or None,
        shortens="shorten" in values,
        rpm=limits.read_number(values, "rpm"),
        tpm=limits.read_number(values, "tpm"),
        actor=person.actor,
        by=person.principal,
    )


def _read_expiry(text: str) -> int | None:
    """A day counts to its end."""
    return read_moment(text, "expires", end_of_day=True) if text else None


def _read_lines(text: str) -> list[str]:
    """What stands on lines of its own, or between commas."""
    return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]


async def _show_one(visit: Visit, done: str, error: TallygateError | None = None) -> Page:
    record = await find_own(visit)
    filled = await asyncio.to_thread(limits.show, visit, Owner("key", record.id))
    values = {
        **filled,
        "key": record,
        "now_ns": time.time_ns(),
        "done": done,
        "problem": error.message if error else "",
    }
    return Page("key.html", values, error.status if error else 200)
