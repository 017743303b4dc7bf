"""What a workspace, a user or a key may spend, ask for in a minute, and have open at once: shown and changed, each
change in one transaction.

Values arrive checked. The book reads these rows anew for each call, so a change binds the next one and needs no word to
anybody.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field
from sqlalchemy import Connection, Table, select, update

from tallygate.errors import Conflict
from tallygate.genai.book import Budget, Level, Period, Rate, RateKind
from tallygate.store.audit import Change, Detail, write_audit
from tallygate.store.budgets import drop_budgets, list_budgets, set_budgets
from tallygate.store.database import LOCK_RIGHTS, Database
from tallygate.store.keys import find_key, update_live
from tallygate.store.rates import list_rates, set_rates, tell_rates
from tallygate.store.rights import Hearing, Judge, read_rights
from tallygate.store.schema import budgets, keys, rates, users
from tallygate.store.tenants import find_user, find_workspace


class Owner(Struct, frozen=True):
    """Whose limits are meant, by name or id. A user needs its workspace; a key only where its name is not enough.
    `key_class` None: a key of any class.
    """

    level: Level
    name: str
    workspace: str | None = None
    key_class: str | None = None


class LimitsChange(Struct, frozen=True, kw_only=True):
    """What is to change; what is not given stays. `slots_max` None means what everybody has, a rate that is None is
    taken away.
    """

    budgets_nusd: Mapping[Period, int] = field(default_factory=dict[Period, int])
    removed: frozenset[Period] = frozenset()
    rates: Mapping[RateKind, int | None] = field(default_factory=dict[RateKind, int | None])
    slots_max: int | UnsetType | None = UNSET
    shortens: bool | UnsetType = UNSET


class LimitsRow(Struct, frozen=True, kw_only=True):
    """The limits of one owner. `slots_used` are the open calls of the user; a workspace has none of its own, and
    `shortens` is a key's alone.
    """

    level: Level
    id: str
    name: str
    workspace_id: str
    workspace: str
    budgets: tuple[Budget, ...]
    rates: tuple[Rate, ...] = ()
    slots_used: int | None = None
    slots_max: int | None = None
    shortens: bool | None = None


class _Found(Struct, frozen=True):
    id: str
    name: str
    workspace_id: str
    workspace: str


def find_limits(database: Database, owner: Owner) -> LimitsRow:
    """The limits of an owner as they stand. Raises NotFound, Conflict where a key's name is not enough."""
    with database.reading() as connection:
        return _read(connection, owner.level, _find(connection, owner))


def change_limits(
    database: Database, owner: Owner, limits: LimitsChange, change: Change, judge: Judge | None = None
) -> LimitsRow:
    """Change them, all or nothing. Raises NotFound, Conflict for a revoked or replaced key, and as the judge does."""
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = _find(connection, owner)
        before = read_rights(connection, found.id) if owner.level == "key" else None
        if owner.level != "key":
            is_user = owner.level == "user"
            hearing.hear_limits(find_user(connection, found.workspace_id, found.id) if is_user else None)
        _write_row(connection, owner.level, found, limits)
        _lock(connection, budgets, found.id)
        if limits.budgets_nusd:
            set_budgets(connection, owner.level, found.id, found.workspace_id, limits.budgets_nusd, change)
        drop_budgets(connection, found.id, limits.removed)
        _lock(connection, rates, found.id)
        set_rates(connection, owner.level, found.id, found.workspace_id, limits.rates)
        write_audit(
            connection,
            change,
            f"{owner.level}.limits",
            workspace_id=found.workspace_id,
            object_id=found.id,
            detail=tell_limits(limits),
        )
        if owner.level == "key":
            hearing.hear_key(before, found.id)
        return _read(connection, owner.level, found)


def tell_limits(limits: LimitsChange) -> dict[str, Detail]:
    """A change of limits as the audit log tells it. A budget without an amount was removed."""
    detail: dict[str, Detail] = {f"{period}_nusd": amount for period, amount in limits.budgets_nusd.items()}
    detail.update({f"{period}_nusd": None for period in limits.removed})
    detail.update(tell_rates(limits.rates))
    if limits.slots_max is not UNSET:
        detail["slots_max"] = limits.slots_max
    if limits.shortens is not UNSET:
        detail["shortens"] = int(limits.shortens)
    return detail


def _lock(connection: Connection, table: Table, owner_id: str) -> None:
    """Lock an owner's rows in the order in which the book does: in any other, each might wait for the other."""
    chosen = select(table.c.id).where(table.c.owner_id == owner_id).order_by(table.c.id)
    connection.execute(chosen.with_for_update()).all()


def _find(connection: Connection, owner: Owner) -> _Found:
    if owner.level == "workspace":
        workspace = find_workspace(connection, owner.name)
        return _Found(workspace.id, workspace.name, workspace.id, workspace.name)
    if owner.level == "user":
        user = find_user(connection, owner.workspace or "", owner.name)
        return _Found(user.id, user.name, user.workspace_id, user.workspace)
    key = find_key(connection, owner.name, owner.workspace, owner.key_class)
    return _Found(key.id, key.name, key.workspace_id, key.workspace)


def _write_row(connection: Connection, level: Level, found: _Found, limits: LimitsChange) -> None:
    """What stands in the row of the user or the key itself."""
    values: dict[str, Any] = {}
    if limits.slots_max is not UNSET:
        values["slots_max"] = limits.slots_max
    if limits.shortens is not UNSET:
        values["shortens"] = int(limits.shortens)
    if level == "user" and values:
        connection.execute(update(users).where(users.c.id == found.id).values(values))
    if level == "key" and not update_live(connection, found.id, values):
        raise Conflict(f"The key {found.id} is revoked or an earlier text of another, and cannot be changed.")


def _read(connection: Connection, level: Level, found: _Found) -> LimitsRow:
    slots_used = slots_max = shortens = None
    if level == "user":
        chosen = select(users.c.slots_used, users.c.slots_max).where(users.c.id == found.id)
        slots_used, slots_max = connection.execute(chosen).one()
    elif level == "key":
        chosen = select(users.c.slots_used, keys.c.slots_max, keys.c.shortens)
        of_user = chosen.join(users, users.c.id == keys.c.user_id).where(keys.c.id == found.id)
        slots_used, slots_max, shortens = connection.execute(of_user).one()
    return LimitsRow(
        level=level,
        id=found.id,
        name=found.name,
        workspace_id=found.workspace_id,
        workspace=found.workspace,
        budgets=list_budgets(connection, found.id),
        rates=list_rates(connection, found.id),
        slots_used=slots_used,
        slots_max=slots_max,
        shortens=None if shortens is None else shortens == 1,
    )
