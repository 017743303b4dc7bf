"""Workspaces and their users in the database: create, list, change, disable.

Names arrive checked; who may call these functions is decided above. Nothing here is ever deleted: ledger and receipts
refer to it for ever. A name or an id will do wherever one of these is meant.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tallygate.errors import Conflict, NotFound
from tallygate.store.audit import Change, Detail, new_id, write_audit
from tallygate.store.database import LOCK_RIGHTS, Database
from tallygate.store.pages import EVERYTHING, Page, cut
from tallygate.store.rights import Hearing, Judge
from tallygate.store.rows import ACTIVE, ADMINISTRATOR, DISABLED, FIRST_USER, MEMBER, OPERATOR, UserRow, WorkspaceRow
from tallygate.store.schema import keys, sessions, users, wallets, workspaces


def create_workspace(database: Database, name: str, change: Change) -> WorkspaceRow:
    """Create a workspace and its first user. Raises Conflict where the name is taken."""
    with database.writing() as connection:
        workspace, _ = insert_workspace(connection, name, change)
        return workspace


def list_workspaces(database: Database, page: Page = EVERYTHING) -> list[WorkspaceRow]:
    """All of them, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(cut(connection, select(workspaces), workspaces, page))
        return [WorkspaceRow(*row) for row in rows]


def disable_workspace(database: Database, workspace: str, change: Change) -> WorkspaceRow:
    """Disable it: from the commit on, no key of it opens anything. Disabling twice changes nothing. Raises NotFound."""
    with database.writing() as connection:
        found = find_workspace(connection, workspace)
        done = connection.execute(
            update(workspaces)
            .where(workspaces.c.id == found.id, workspaces.c.status == ACTIVE)
            .values(status=DISABLED, disabled_at_ns=change.at_ns)
        )
        if done.rowcount:
            detail = {"name": found.name}
            write_audit(
                connection, change, "workspace.disable", workspace_id=found.id, object_id=found.id, detail=detail
            )
        return find_workspace(connection, found.id)


def create_user(
    database: Database, workspace: str, name: str, change: Change, *, role: str = MEMBER, judge: Judge | None = None
) -> UserRow:
    """Create a user. Raises NotFound for the workspace, Conflict where it is disabled or the name is taken, and what
    the judge raises.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = find_workspace(connection, workspace)
        if found.status != ACTIVE:
            raise Conflict(f"The workspace {found.name!r} is disabled.")
        row = _insert_user(connection, found, name, role, change)
        hearing.hear_user(None, row)
        return row


def list_users(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[UserRow]:
    """The users of one workspace, or all, oldest first. Raises NotFound."""
    with database.reading() as connection:
        within = [] if workspace is None else [users.c.workspace_id == find_workspace(connection, workspace).id]
        return [UserRow(*row) for row in connection.execute(cut(connection, _select_users(), users, page, *within))]


def show_user(database: Database, workspace: str, user: str) -> UserRow:
    """The user of this name or id in a workspace. Raises NotFound."""
    with database.reading() as connection:
        return find_user(connection, workspace, user)


def change_user(
    database: Database,
    workspace: str,
    user: str,
    change: Change,
    *,
    name: str | None = None,
    role: str | None = None,
    disables: bool = False,
    judge: Judge | None = None,
) -> UserRow:
    """Rename a user, give them another role, disable them for ever: all or nothing, and what is not given stays.

    A role counts every key of the user on, so that no call passes on what it was before, and ends their sessions; who
    becomes an operator needs another password. Raises NotFound, Conflict, and what the judge raises.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        before = find_user(connection, workspace, user)
        if name is not None and name != before.name:
            _rename_user(connection, before, name, change)
        if role is not None and role != before.role:
            _give_role(connection, before, role, change)
        if disables and before.status == ACTIVE:
            _disable_user(connection, before, change)
        after = find_user(connection, before.workspace_id, before.id)
        hearing.hear_user(before, after)
        return after


def disable_user(database: Database, workspace: str, user: str, change: Change) -> UserRow:
    """Disable a user: from the commit on, no key of theirs opens anything. Twice changes nothing. Raises NotFound."""
    return change_user(database, workspace, user, change, disables=True)


def _rename_user(connection: Connection, user: UserRow, name: str, change: Change) -> None:
    if user.name == FIRST_USER:
        raise Conflict(f"The user {FIRST_USER!r} keeps its name: keys belong to it where nobody else is named.")
    try:
        connection.execute(update(users).where(users.c.id == user.id).values(name=name))
    except IntegrityError as error:
        raise _taken(name, user.workspace) from error
    _note(connection, change, "user.rename", user, {"name": name, "before": user.name})


def _give_role(connection: Connection, user: UserRow, role: str, change: Change) -> None:
    values: dict[str, Any] = {"role": role}
    if role == OPERATOR:
        # An admin of the workspace may have given them the one they have, and would be the operator with it.
        values["password"] = None
    connection.execute(update(users).where(users.c.id == user.id).values(values))
    # They are bound to the role, too, but would be good again once it is what it was.
    connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
    connection.execute(update(keys).where(keys.c.user_id == user.id).values(version=keys.c.version + 1))
    _note(connection, change, "user.role", user, {"role": role, "before": user.role})


def _disable_user(connection: Connection, user: UserRow, change: Change) -> None:
    values = {"status": DISABLED, "disabled_at_ns": change.at_ns}
    connection.execute(update(users).where(users.c.id == user.id).values(values))
    _note(connection, change, "user.disable", user, {"name": user.name})


def _note(connection: Connection, change: Change, action: str, user: UserRow, detail: dict[str, Detail]) -> None:
    write_audit(connection, change, action, workspace_id=user.workspace_id, object_id=user.id, detail=detail)


def insert_workspace(connection: Connection, name: str, change: Change) -> tuple[WorkspaceRow, UserRow]:
    """A workspace with its empty wallet and its first user, in the caller's transaction. Raises Conflict."""
    row = WorkspaceRow(new_id("ws_"), name, ACTIVE, change.at_ns, None)
    try:
        connection.execute(insert(workspaces).values(msgspec.structs.asdict(row)))
    except IntegrityError as error:
        raise Conflict(f"There is already a workspace named {name!r}.") from error
    connection.execute(insert(wallets).values(workspace_id=row.id))
    write_audit(connection, change, "workspace.create", workspace_id=row.id, object_id=row.id, detail={"name": name})
    return row, _insert_user(connection, row, FIRST_USER, ADMINISTRATOR, change)


def find_workspace(connection: Connection, workspace: str) -> WorkspaceRow:
    """The workspace of this name or id. Raises NotFound."""
    statement = select(workspaces).where(or_(workspaces.c.name == workspace, workspaces.c.id == workspace))
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"There is no workspace {workspace!r}.")
    return WorkspaceRow(*row)


def find_user(connection: Connection, workspace: str, user: str) -> UserRow:
    """The user of this name or id in a workspace, itself given by name or id. Raises NotFound."""
    found = find_workspace(connection, workspace)
    statement = _select_users().where(users.c.workspace_id == found.id, or_(users.c.name == user, users.c.id == user))
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"There is no user {user!r} in the workspace {found.name!r}.")
    return UserRow(*row)


def _insert_user(connection: Connection, workspace: WorkspaceRow, name: str, role: str, change: Change) -> UserRow:
    row = UserRow(new_id("usr_"), workspace.id, workspace.name, name, ACTIVE, change.at_ns, None, role)
    values = {"id": row.id, "workspace_id": row.workspace_id, "name": name, "status": ACTIVE, "role": role}
    try:
        connection.execute(insert(users).values(**values, created_at_ns=change.at_ns))
    except IntegrityError as error:
        raise _taken(name, workspace.name) from error
    _note(connection, change, "user.create", row, {"name": name, "role": role})
    return row


def _taken(name: str, workspace: str) -> Conflict:
    return Conflict(f"There is already a user named {name!r} in the workspace {workspace!r}.")


def _select_users() -> Select[Any, Any, Any, Any, Any, Any, Any, Any]:
    """The columns of a UserRow, in its order."""
    return select(
        users.c.id,
        users.c.workspace_id,
        workspaces.c.name,
        users.c.name,
        users.c.status,
        users.c.created_at_ns,
        users.c.disabled_at_ns,
        users.c.role,
    ).join(workspaces, workspaces.c.id == users.c.workspace_id)
