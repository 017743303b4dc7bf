"""API keys in the database: create, list, change, revoke, and the first key of all.

A key is stored as its digest; what it looks like and what its permissions mean is known in `access`. Each change bumps
the key's version, so that whoever remembers an older one can be told so. The lookup of a call is in `reader`.
"""

from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, RowMapping, Select, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tallygate.errors import Conflict, NotFound
from tallygate.store.audit import Change, Detail, new_id, write_audit
from tallygate.store.budgets import set_budgets
from tallygate.store.database import LOCK_FIRST_RUN, Database
from tallygate.store.pages import EVERYTHING, Page, cut
from tallygate.store.rows import ACTIVE, REVOKED, KeyRecord, NewKey, UserRow, pack_texts, unpack_texts
from tallygate.store.schema import keys, users, workspaces
from tallygate.store.tenants import find_user, find_workspace, insert_workspace

FIRST_WORKSPACE = "default"


def create_key(database: Database, workspace: str, user: str, key: NewKey, change: Change) -> KeyRecord:
    """Store a new key of a user. Raises NotFound, and Conflict for a disabled owner or a name in use."""
    with database.writing() as connection:
        owner = find_user(connection, workspace, user)
        if owner.status != ACTIVE:
            raise Conflict(f"The user {owner.name!r} of the workspace {owner.workspace!r} is disabled.")
        if find_workspace(connection, owner.workspace_id).status != ACTIVE:
            raise Conflict(f"The workspace {owner.workspace!r} is disabled.")
        return _insert_key(connection, owner, key, change)


def create_first_key(database: Database, key: NewKey, change: Change) -> KeyRecord | None:
    """On a database without workspaces, make the first workspace, its user and one key, all or nothing.

    None where a workspace exists already: of several processes that start at once exactly one gets the key.
    """
    with database.writing(lock=LOCK_FIRST_RUN) as connection:
        if connection.execute(select(workspaces.c.id).limit(1)).first():
            return None
        _, owner = insert_workspace(connection, FIRST_WORKSPACE, change)
        return _insert_key(connection, owner, key, change)


def list_keys(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[KeyRecord]:
    """The keys of one workspace, or all, revoked ones too, oldest first. Raises NotFound."""
    with database.reading() as connection:
        statement = cut(connection, _select_keys(), keys, page)
        if workspace is not None:
            statement = statement.where(keys.c.workspace_id == find_workspace(connection, workspace).id)
        return [_record(row) for row in connection.execute(statement).mappings()]


def change_key(
    database: Database,
    key: str,
    workspace: str | None,
    change: Change,
    *,
    permissions: frozenset[str] | UnsetType = UNSET,
    models: frozenset[str] | UnsetType | None = UNSET,
    expires_at_ns: int | UnsetType | None = UNSET,
) -> KeyRecord:
    """Change what a live key may do; what is not given stays. Raises NotFound, and Conflict for a revoked key."""
    values: dict[str, Any] = {}
    detail: dict[str, Detail] = {}
    if permissions is not UNSET:
        values["permissions"] = pack_texts(permissions)
        detail["permissions"] = sorted(permissions)
    if models is not UNSET:
        values["models"] = None if models is None else pack_texts(models)
        detail["models"] = None if models is None else sorted(models)
    if expires_at_ns is not UNSET:
        values["expires_at_ns"] = detail["expires_at_ns"] = expires_at_ns
    with database.writing() as connection:
        found = find_key(connection, key, workspace)
        if not update_live(connection, found.id, values):
            raise Conflict(f"The key {found.id} is revoked and cannot be changed.")
        write_audit(
            connection, change, "key.change", workspace_id=found.workspace_id, object_id=found.id, detail=detail
        )
        return find_key(connection, found.id, None)


def revoke_key(database: Database, key: str, workspace: str | None, change: Change) -> KeyRecord:
    """Revoke a key: from the commit on it opens nothing, for ever. Revoking twice changes nothing. Raises NotFound."""
    with database.writing() as connection:
        found = find_key(connection, key, workspace)
        if update_live(connection, found.id, {"status": REVOKED, "revoked_at_ns": change.at_ns}):
            detail: dict[str, Detail] = {"name": found.name, "last4": found.last4}
            write_audit(
                connection, change, "key.revoke", workspace_id=found.workspace_id, object_id=found.id, detail=detail
            )
        return find_key(connection, found.id, None)


def find_key(connection: Connection, key: str, workspace: str | None) -> KeyRecord:
    """The key of this id, or the live key of this name. Raises NotFound, and Conflict where a name is not enough."""
    statement = _select_keys().where(or_(keys.c.id == key, (keys.c.name == key) & (keys.c.status == ACTIVE)))
    if workspace is not None:
        statement = statement.where(keys.c.workspace_id == find_workspace(connection, workspace).id)
    found = connection.execute(statement.limit(2)).mappings().all()
    if not found:
        raise NotFound(f"There is no key {key!r}.")
    if len(found) > 1:
        raise Conflict(f"Several workspaces have a key named {key!r}: name the workspace, or give the key's id.")
    return _record(found[0])


def update_live(connection: Connection, key_id: str, values: dict[str, Any]) -> bool:
    """Change columns of a key and count its version on, unless it is revoked: then False."""
    done = connection.execute(
        update(keys).where(keys.c.id == key_id, keys.c.status == ACTIVE).values(version=keys.c.version + 1, **values)
    )
    return done.rowcount == 1


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
                status=ACTIVE,
                expires_at_ns=key.expires_at_ns,
                version=1,
                created_at_ns=change.at_ns,
                slots_max=key.slots_max,
                shortens=int(key.shortens),
            )
        )
    except IntegrityError as error:
        raise Conflict(f"There is already a key named {key.name!r} in the workspace {owner.workspace!r}.") from error
    set_budgets(connection, "key", key_id, owner.workspace_id, key.budgets_nusd, change)
    detail: dict[str, Detail] = {
        "name": key.name,
        "user_id": owner.id,
        "last4": key.last4,
        "permissions": sorted(key.permissions),
        "models": None if key.models is None else sorted(key.models),
        "expires_at_ns": key.expires_at_ns,
        "slots_max": key.slots_max,
        "shortens": int(key.shortens),
        **{f"{period}_nusd": limit_nusd for period, limit_nusd in key.budgets_nusd.items()},
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
    values["models"] = None if row["models"] is None else unpack_texts(row["models"])
    return KeyRecord(**values)
