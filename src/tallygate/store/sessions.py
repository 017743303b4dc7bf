"""Who is signed in to the pages, and the passwords they sign in with, as the database keeps them.

A session is known by the digest of its token; the token itself is never here. Whether one is still good is decided in
`access`, from what is read here anew each time, so that it ends on every worker at once.
"""

from msgspec import Struct
from sqlalchemy import Row, Select, delete, insert, or_, select, update

from tallygate.store.audit import Change, write_audit
from tallygate.store.database import LOCK_RIGHTS, Database
from tallygate.store.rights import Hearing, Judge
from tallygate.store.schema import sessions, users, workspaces
from tallygate.store.tenants import find_user


class Holder(Struct, frozen=True):
    """The user that signs in or has signed in. `password` is a hash; None: they have none."""

    user_id: str
    user: str
    role: str
    status: str
    password: str | None
    workspace_id: str
    workspace: str
    workspace_status: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Holder(user_id={self.user_id!r}, role={self.role!r})"


class SessionRow(Struct, frozen=True):
    """A session. `holder` None: it was opened with the admin key."""

    bound_to: str
    seen_at_ns: int
    ends_at_ns: int
    holder: Holder | None


def find_holder(database: Database, workspace: str, user: str) -> Holder | None:
    """The user of this name or id in a workspace, itself given by name or id."""
    named = (
        or_(users.c.name == user, users.c.id == user),
        or_(workspaces.c.name == workspace, workspaces.c.id == workspace),
    )
    with database.reading() as connection:
        row = connection.execute(_select_holders().where(*named)).first()
        return None if row is None else Holder(*row)


def find_session(database: Database, digest: bytes) -> SessionRow | None:
    """The session of this digest, with its user as they are now."""
    with database.reading() as connection:
        kept = connection.execute(select(sessions).where(sessions.c.digest == digest)).mappings().first()
        if kept is None:
            return None
        holder: Holder | None = None
        if kept["user_id"] is not None:
            found: Row[str, str, str, str, str | None, str, str, str] = connection.execute(
                _select_holders().where(users.c.id == kept["user_id"])
            ).one()
            holder = Holder(*found)
        return SessionRow(kept["bound_to"], kept["seen_at_ns"], kept["ends_at_ns"], holder)


def begin_session(
    database: Database, digest: bytes, holder: Holder | None, bound_to: str, ends_at_ns: int, change: Change
) -> None:
    """Keep a new session, and forget those that have ended."""
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.ends_at_ns <= change.at_ns))
        connection.execute(
            insert(sessions).values(
                digest=digest,
                user_id=None if holder is None else holder.user_id,
                bound_to=bound_to,
                created_at_ns=change.at_ns,
                seen_at_ns=change.at_ns,
                ends_at_ns=ends_at_ns,
            )
        )
        write_audit(
            connection,
            change,
            "session.begin",
            workspace_id=None if holder is None else holder.workspace_id,
            object_id=change.actor,
            detail={},
        )


def note_seen(database: Database, digest: bytes, now_ns: int) -> None:
    """The session is in use."""
    with database.writing() as connection:
        connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at_ns=now_ns))


def end_session(database: Database, digest: bytes) -> None:
    """Forget one session."""
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.digest == digest))


def end_sessions(database: Database, user_id: str | None) -> None:
    """Forget every session of a user; None: all that were opened with the admin key."""
    with database.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def set_password(
    database: Database, workspace: str, user: str, password: str, change: Change, judge: Judge | None = None
) -> str:
    """Keep the hash of a user's new password, and forget all their sessions. Their id. Raises NotFound, and what the
    judge raises: whoever gives somebody a password can be them.
    """
    with database.writing(lock=LOCK_RIGHTS) as connection:
        hearing = Hearing(connection, judge, change.at_ns)
        found = find_user(connection, workspace, user)
        hearing.hear_user(found, found)
        connection.execute(update(users).where(users.c.id == found.id).values(password=password))
        connection.execute(delete(sessions).where(sessions.c.user_id == found.id))
        write_audit(
            connection,
            change,
            "user.password",
            workspace_id=found.workspace_id,
            object_id=found.id,
            detail={"name": found.name},
        )
        return found.id


def _select_holders() -> Select[str, str, str, str, str | None, str, str, str]:
    """The columns of a Holder, in its order."""
    return select(
        users.c.id,
        users.c.name,
        users.c.role,
        users.c.status,
        users.c.password,
        workspaces.c.id,
        workspaces.c.name,
        workspaces.c.status,
    ).join(workspaces, workspaces.c.id == users.c.workspace_id)
