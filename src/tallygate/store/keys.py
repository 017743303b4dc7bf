"""API keys in the database: create, list, change, rotate, revoke, and the first key of all.

A key is stored as its digest; what it looks like and what its permissions mean is known in `access`. Each change bumps
the key's version, so that whoever remembers an older one can be told so. The lookup of a call is in `reader`.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tallygate.errors import Conflict, NotFound
from tallygate.store.audit import Change, Detail, new_id, write_audit
from tallygate.store.budgets import set_budgets
from tallygate.store.database import LOCK_FIRST_RUN, LOCK_RIGHTS, Database
from tallygate.store.pages import EVERYTHING, Page, cut
from tallygate.store.rates import set_rates, tell_rates
from tallygate.store.rights import Hearing, Judge, read_rights
from tallygate.store.rows import ACTIVE, REVOKED, KeyRecord, KeyText, NewKey, UserRow, pack_texts, unpack_texts
from tallygate.store.schema import keys, users, workspaces
from tallygate.store.tenants import find_user, find_workspace, insert_workspace

FIRST_WORKSPACE = "default"


def create_key(
    database: Database, workspace: str, user: str, key: NewKey, change: Change, judge: Judge | None = None
) -> KeyRecord:
    """Store a new key of a user. Raises NotFound, Conflict for a disabled owner or a name in use, and what the judge
    raises.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        owner = find_user(connection, workspace, user)
        if owner.status != ACTIVE:
            raise Conflict(f"The user {owner.name!r} of the workspace {owner.workspace!r} is disabled.")
        if find_workspace(connection, owner.workspace_id).status != ACTIVE:
            raise Conflict(f"The workspace {owner.workspace!r} is disabled.")
        record = _insert_key(connection, owner, key, change)
        hearing.hear_key(None, record.id)
        return record


def create_first_key(database: Database, key: NewKey, change: Change) -> KeyRecord | None:
    """On a database without workspaces, make the first workspace, its user and one key, all or nothing.

    None where a workspace exists already: of several processes that start at once exactly one gets the key.
    """
    with database.writing(lock=LOCK_FIRST_RUN) as connection:
        if connection.execute(select(workspaces.c.id).limit(1)).first():
            return None
        _, owner = insert_workspace(connection, FIRST_WORKSPACE, change)
        return _insert_key(connection, owner, key, change)


def list_keys(
    database: Database, workspace: str | None = None, page: Page = EVERYTHING, *, key_class: str | None = None
) -> list[KeyRecord]:
    """The keys of one workspace, or all, of one class, or all, revoked ones too, oldest first. Raises NotFound."""
    with database.reading() as connection:
        statement = cut(connection, _select_keys(), keys, page, *_within(connection, workspace, key_class))
        return [_record(row) for row in connection.execute(statement).mappings()]


def show_key(database: Database, key: str, workspace: str | None, *, key_class: str | None = None) -> KeyRecord:
    """One key. Raises as `find_key`."""
    with database.reading() as connection:
        return find_key(connection, key, workspace, key_class)


def change_key(
    database: Database,
    key: str,
    workspace: str | None,
    change: Change,
    *,
    permissions: frozenset[str] | UnsetType = UNSET,
    models: frozenset[str] | UnsetType | None = UNSET,
    networks: frozenset[str] | UnsetType | None = UNSET,
    expires_at_ns: int | UnsetType | None = UNSET,
    name: str | UnsetType = UNSET,
    key_class: str | None = None,
    judge: Judge | None = None,
) -> KeyRecord:
    """Change what a live key may do; what is not given stays. Raises NotFound, Conflict for a revoked or replaced key
    or a name in use, and what the judge raises.
    """
    values: dict[str, Any] = {}
    detail: dict[str, Detail] = {}
    for column, texts in (("permissions", permissions), ("models", models), ("networks", networks)):
        if texts is not UNSET:
            values[column] = None if texts is None else pack_texts(texts)
            detail[column] = None if texts is None else sorted(texts)
    if expires_at_ns is not UNSET:
        values["expires_at_ns"] = detail["expires_at_ns"] = expires_at_ns
    if name is not UNSET:
        values["name"] = detail["name"] = name
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = find_key(connection, key, workspace, key_class)
        before = read_rights(connection, found.id)
        try:
            if not update_live(connection, found.id, values):
                raise _ended(found)
        except IntegrityError as error:
            raise _taken(str(name), found.workspace) from error
        _note(connection, change, "key.change", found, detail)
        hearing.hear_key(before, found.id)
        return find_key(connection, found.id, None)


def rotate_key(
    database: Database,
    key: str,
    workspace: str | None,
    change: Change,
    text: KeyText,
    overlap_ns: int,
    *,
    key_class: str | None = None,
    judge: Judge | None = None,
) -> tuple[KeyRecord, KeyRecord]:
    """Give a live key another text; the one it had counts for some time yet, or no longer where that time is 0.

    The key itself stays: its id, its limits and what is spent of them. The earlier text gets a row of its own, which
    leads to the key. Gives both, the key first. Raises as `change_key`.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = find_key(connection, key, workspace, key_class)
        before = read_rights(connection, found.id)
        old = connection.execute(select(keys).where(keys.c.id == found.id)).mappings().one()
        if not update_live(connection, found.id, {"digest": text.digest, "prefix": text.prefix, "last4": text.last4}):
            raise _ended(found)
        earlier = _retire(old, change.at_ns, overlap_ns)
        connection.execute(insert(keys).values(earlier))
        detail: dict[str, Detail] = {"last4": text.last4, "before": found.last4, "overlap_ns": overlap_ns}
        _note(connection, change, "key.rotate", found, detail)
        hearing.hear_key(before, found.id)
        return find_key(connection, found.id, None), find_key(connection, earlier["id"], None)


def _retire(old: RowMapping, now_ns: int, overlap_ns: int) -> dict[str, Any]:
    """The row of a key's earlier text. What it may do is read from the key itself, whatever stands here."""
    row = {**old, "id": new_id("key_"), "name": "", "version": 1, "created_at_ns": now_ns, "replaced_by": old["id"]}
    if not overlap_ns:
        return {**row, "status": REVOKED, "revoked_at_ns": now_ns}
    ends_at_ns = now_ns + overlap_ns
    return {**row, "expires_at_ns": min(ends_at_ns, old["expires_at_ns"] or ends_at_ns)}


def revoke_key(
    database: Database,
    key: str,
    workspace: str | None,
    change: Change,
    *,
    key_class: str | None = None,
    judge: Judge | None = None,
) -> KeyRecord:
    """Revoke a key and every earlier text of it: from the commit on it opens nothing, for ever. Named by an earlier
    text, only that is revoked. Revoking twice changes nothing. Raises NotFound, and what the judge raises.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = find_key(connection, key, workspace, key_class)
        before = read_rights(connection, found.replaced_by or found.id)
        ended = connection.execute(
            update(keys)
            .where(or_(keys.c.id == found.id, keys.c.replaced_by == found.id), keys.c.status == ACTIVE)
            .values(status=REVOKED, revoked_at_ns=change.at_ns, version=keys.c.version + 1)
        )
        if ended.rowcount:
            if found.replaced_by is not None:
                # Whoever remembers the key by this text must ask anew.
                update_live(connection, found.replaced_by, {})
            _note(connection, change, "key.revoke", found, {"name": found.name, "last4": found.last4})
        hearing.hear_key(before, None)
        return find_key(connection, found.id, None)


def find_key(connection: Connection, key: str, workspace: str | None, key_class: str | None = None) -> KeyRecord:
    """The key of this id, or the live key of this name. Raises NotFound, and Conflict where a name is not enough."""
    statement = _select_keys().where(or_(keys.c.id == key, (keys.c.name == key) & (keys.c.status == ACTIVE)))
    statement = statement.where(*_within(connection, workspace, key_class))
    found = connection.execute(statement.limit(2)).mappings().all()
    if not found:
        raise NotFound(f"There is no key {key!r}.")
    if len(found) > 1:
        raise Conflict(f"Several workspaces have a key named {key!r}: name the workspace, or give the key's id.")
    return _record(found[0])


def _within(connection: Connection, workspace: str | None, key_class: str | None) -> list[ColumnElement[bool]]:
    """Where keys are looked for, as conditions. Raises NotFound."""
    within: list[ColumnElement[bool]] = []
    if workspace is not None:
        within.append(keys.c.workspace_id == find_workspace(connection, workspace).id)
    if key_class is not None:
        within.append(keys.c.key_class == key_class)
    return within


def update_live(connection: Connection, key_id: str, values: Mapping[str, Any]) -> bool:
    """Change columns of a key and count its version on, unless it is revoked or an earlier text: then False."""
    live = update(keys).where(keys.c.id == key_id, keys.c.status == ACTIVE, keys.c.replaced_by.is_(None))
    return connection.execute(live.values(version=keys.c.version + 1, **values)).rowcount == 1


def _note(connection: Connection, change: Change, action: str, key: KeyRecord, detail: dict[str, Detail]) -> None:
    write_audit(connection, change, action, workspace_id=key.workspace_id, object_id=key.id, detail=detail)


def _ended(key: KeyRecord) -> Conflict:
    if key.replaced_by is not None:
        return Conflict(f"The key {key.id} is an earlier text of {key.replaced_by}: change that one.")
    return Conflict(f"The key {key.id} is revoked and cannot be changed.")


def _taken(name: str, workspace: str) -> Conflict:
    return Conflict(f"There is already a key named {name!r} in the workspace {workspace!r}.")


def _insert_key(connection: Connection, owner: UserRow, key: NewKey, change: Change) -> KeyRecord:
    key_id = new_id("key_")
    try:
        connection.execute(
            insert(keys).values(
                id=key_id,
                workspace_id=owner.workspace_id,
                user_id=owner.id,
                name=key.name,
                digest=key.digest,
                prefix=key.prefix,
                last4=key.last4,
                key_class=key.key_class,
                permissions=pack_texts(key.permissions),
                models=None if key.models is None else pack_texts(key.models),
                networks=None if key.networks is None else pack_texts(key.networks),
                status=ACTIVE,
                expires_at_ns=key.expires_at_ns,
                version=1,
                created_at_ns=change.at_ns,
                slots_max=key.slots_max,
                shortens=int(key.shortens),
            )
        )
    except IntegrityError as error:
        raise _taken(key.name, owner.workspace) from error
    set_budgets(connection, "key", key_id, owner.workspace_id, key.budgets_nusd, change)
    set_rates(connection, "key", key_id, owner.workspace_id, key.rates)
    detail: dict[str, Detail] = {
        "name": key.name,
        "user_id": owner.id,
        "last4": key.last4,
        "permissions": sorted(key.permissions),
        "models": None if key.models is None else sorted(key.models),
        "networks": None if key.networks is None else sorted(key.networks),
        "key_class": key.key_class,
        "expires_at_ns": key.expires_at_ns,
        "slots_max": key.slots_max,
        "shortens": int(key.shortens),
        **{f"{period}_nusd": limit_nusd for period, limit_nusd in key.budgets_nusd.items()},
        **tell_rates(key.rates),
    }
    write_audit(connection, change, "key.create", workspace_id=owner.workspace_id, object_id=key_id, detail=detail)
    return find_key(connection, key_id, None)


def _select_keys() -> Select[Any]:
    return (
        select(keys, workspaces.c.name.label("workspace"), users.c.name.label("user"))
        .join(workspaces, workspaces.c.id == keys.c.workspace_id)
        .join(users, users.c.id == keys.c.user_id)
    )


def _record(row: RowMapping) -> KeyRecord:
    values = {field: row[field] for field in KeyRecord.__struct_fields__}
    values["permissions"] = unpack_texts(row["permissions"])
    for name in ("models", "networks"):
        values[name] = None if row[name] is None else unpack_texts(row[name])
    return KeyRecord(**values)
