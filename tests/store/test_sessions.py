"""Sessions and passwords as rows: digests only, forgotten once they have ended."""

from sqlalchemy import func, select

from tallygate.errors import InvalidValue
from tallygate.store.address import Engine
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.schema import audit_log, sessions
from tallygate.store.sessions import (
    begin_session,
    end_session,
    end_sessions,
    find_holder,
    find_session,
    note_seen,
    set_password,
)
from tallygate.store.tenants import create_workspace

DIGEST = bytes(32)
OTHER = bytes([1] * 32)


def at(time_ns: int) -> Change:
    return Change("tester", time_ns)


def count(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(sessions)).scalar_one()


def test_a_holder_is_found_by_names_or_ids(database: Database) -> None:
    workspace = create_workspace(database, "acme", at(1))
    holder = find_holder(database, "acme", "owner")
    assert holder is not None
    assert (holder.user, holder.workspace, holder.role, holder.password) == ("owner", "acme", "admin", None)
    assert find_holder(database, workspace.id, holder.user_id) == holder
    assert find_holder(database, "acme", "ada") is find_holder(database, "other", "owner") is None


def test_a_name_that_no_database_can_look_for_breaks_nothing(database: Database) -> None:
    """What anybody may write into the form of the sign-in."""
    for workspace, user in (("acme\0", "owner"), ("acme", "\0")):
        try:
            assert find_holder(database, workspace, user) is None
        except InvalidValue:
            assert database.engine_name is Engine.POSTGRESQL


def test_a_holder_does_not_print_its_password(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    set_password(database, "acme", "owner", "$argon2id$made-up", at(2))
    holder = find_holder(database, "acme", "owner")
    assert holder is not None
    assert holder.password == "$argon2id$made-up"
    assert "argon2" not in repr(holder)


def test_a_session_is_kept_seen_and_forgotten(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    holder = find_holder(database, "acme", "owner")
    begin_session(database, DIGEST, holder, "print", 100, at(10))
    row = find_session(database, DIGEST)
    assert row is not None
    assert (row.bound_to, row.seen_at_ns, row.ends_at_ns, row.holder) == ("print", 10, 100, holder)
    note_seen(database, DIGEST, 20)
    row = find_session(database, DIGEST)
    assert row is not None
    assert row.seen_at_ns == 20
    end_session(database, DIGEST)
    assert find_session(database, DIGEST) is None


def test_sessions_end_by_user_and_those_of_the_admin_key_apart(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    holder = find_holder(database, "acme", "owner")
    assert holder is not None
    begin_session(database, DIGEST, holder, "print", 100, at(10))
    begin_session(database, OTHER, None, "print", 100, at(10))
    end_sessions(database, None)
    assert find_session(database, OTHER) is None
    assert find_session(database, DIGEST) is not None
    end_sessions(database, holder.user_id)
    assert count(database) == 0


def test_what_has_ended_is_forgotten_with_the_next_sign_in(database: Database) -> None:
    begin_session(database, DIGEST, None, "print", 100, at(10))
    begin_session(database, OTHER, None, "print", 300, at(200))
    assert count(database) == 1


def test_a_password_ends_the_users_sessions_and_is_in_no_audit_row(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    holder = find_holder(database, "acme", "owner")
    assert holder is not None
    begin_session(database, DIGEST, holder, "print", 100, at(10))
    assert set_password(database, "acme", "owner", "$argon2id$made-up", at(20)) == holder.user_id
    assert count(database) == 0
    with database.reading() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.seq)).all()
    assert [row.action for row in rows][-2:] == ["session.begin", "user.password"]
    assert all("argon2" not in row.detail for row in rows)
