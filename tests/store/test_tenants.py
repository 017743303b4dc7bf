"""Workspaces and users: created once, found by name or id, disabled for good, each change in the audit log."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from tallygate.errors import Conflict, NotFound, StoreUnavailable
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.schema import audit_log
from tallygate.store.tenants import (
    create_user,
    create_workspace,
    disable_user,
    disable_workspace,
    list_users,
    list_workspaces,
)


def at(time_ns: int) -> Change:
    return Change("tester", time_ns)


def audit(database: Database) -> list[tuple[str, int, str, str | None, str, dict[str, object]]]:
    with database.reading() as connection:
        return [
            (row.actor, row.at_ns, row.action, row.workspace_id, row.object_id, msgspec.json.decode(row.detail))
            for row in connection.execute(select(audit_log).order_by(audit_log.c.seq))
        ]


def test_a_workspace_starts_with_its_owner(database: Database) -> None:
    workspace = create_workspace(database, "acme", at(5))
    assert list_workspaces(database) == [workspace]
    (owner,) = list_users(database, "acme")
    assert (owner.name, owner.workspace, owner.workspace_id, owner.status) == ("owner", "acme", workspace.id, "active")
    assert workspace.created_at_ns == owner.created_at_ns == 5
    assert len(workspace.id) == len("ws_") + 32
    assert audit(database) == [
        ("tester", 5, "workspace.create", workspace.id, workspace.id, {"name": "acme"}),
        ("tester", 5, "user.create", workspace.id, owner.id, {"name": "owner", "role": "admin"}),
    ]


def test_names_are_unique_where_they_are_looked_up(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    create_workspace(database, "other", at(2))
    create_user(database, "acme", "ada", at(3))
    create_user(database, "other", "ada", at(4))
    with pytest.raises(Conflict, match="already a workspace named 'acme'"):
        create_workspace(database, "acme", at(5))
    with pytest.raises(Conflict, match="already a user named 'ada' in the workspace 'other'"):
        create_user(database, "other", "ada", at(6))
    assert len(audit(database)) == 6
    assert [user.name for user in list_users(database)] == ["owner", "owner", "ada", "ada"]


def test_disabling_is_noted_once(database: Database) -> None:
    workspace = create_workspace(database, "acme", at(1))
    user = create_user(database, workspace.id, "ada", at(2))
    assert disable_user(database, "acme", "ada", at(3)).disabled_at_ns == 3
    assert disable_user(database, workspace.id, user.id, at(4)).disabled_at_ns == 3
    assert disable_workspace(database, "acme", at(5)).status == "disabled"
    assert disable_workspace(database, workspace.id, at(6)).disabled_at_ns == 5
    assert [entry[1:5] for entry in audit(database)[3:]] == [
        (3, "user.disable", workspace.id, user.id),
        (5, "workspace.disable", workspace.id, workspace.id),
    ]


def test_a_disabled_workspace_takes_no_users(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    disable_workspace(database, "acme", at(2))
    with pytest.raises(Conflict, match="'acme' is disabled"):
        create_user(database, "acme", "ada", at(3))


def test_what_does_not_exist_is_named(database: Database) -> None:
    create_workspace(database, "acme", at(1))
    other = create_workspace(database, "other", at(1))
    (stranger,) = list_users(database, "other")
    for call in (
        lambda: disable_workspace(database, "nobody", at(2)),
        lambda: create_user(database, "nobody", "ada", at(2)),
        lambda: list_users(database, "nobody"),
    ):
        with pytest.raises(NotFound, match="no workspace 'nobody'"):
            call()
    with pytest.raises(NotFound, match="in the workspace 'acme'"):
        disable_user(database, "acme", stranger.id, at(2))
    assert list_users(database, other.id) == [stranger]


def test_a_database_that_went_away_is_said_so(address: DatabaseAddress, tmp_path: Path) -> None:
    if address.engine is Engine.SQLITE:
        (tmp_path / "file").touch()
        gone = parse_address(f"sqlite:///{tmp_path}/file/x.db", Path())
    else:
        gone = parse_address(f"postgresql:///x?host={tmp_path}", Path())
    with Database(gone) as database, pytest.raises(StoreUnavailable):
        list_workspaces(database)


def test_a_writer_that_does_not_end_is_not_waited_for_by_readers(address: DatabaseAddress, database: Database) -> None:
    create_workspace(database, "acme", at(1))
    writer = DriverConnection(address)
    writer.fetch("BEGIN")
    writer.fetch("UPDATE workspaces SET name = 'changed'")
    assert [workspace.name for workspace in list_workspaces(database)] == ["acme"]
    writer.close()
