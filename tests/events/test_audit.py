"""The audit log as it is read: what was asked for, in order, all of it, once."""

from collections.abc import Generator

import pytest

from tallygate.access import admin
from tallygate.errors import InvalidValue, NotFound
from tallygate.events import audit
from tallygate.store.address import DatabaseAddress
from tallygate.store.audit_log import Wanted
from tallygate.store.database import Database
from tallygate.store.pages import Page


@pytest.fixture
def database(address: DatabaseAddress) -> Generator[Database]:
    """Two workspaces, one of them closed again by somebody else."""
    with Database(address) as opened:
        admin.create_workspace(opened, "one", actor="cli")
        admin.create_workspace(opened, "two", actor="admin")
        admin.disable_workspace(opened, "one", actor="usr_1")
        yield opened


def read(database: Database, **wanted: object) -> list[str]:
    return [row.action for row in audit.read_all(database, Wanted(**wanted))]  # pyright: ignore[reportArgumentType]


def test_all_rows_in_order(database: Database) -> None:
    made = ["workspace.create", "user.create"]
    assert read(database) == [*made, *made, "workspace.disable"]


def test_only_what_is_asked_for(database: Database) -> None:
    assert read(database, workspace="one") == ["workspace.create", "user.create", "workspace.disable"]
    assert read(database, actor="usr_1") == ["workspace.disable"]
    assert read(database, action="user.create") == ["user.create"] * 2
    assert read(database, action="workspace") == ["workspace.create"] * 2 + ["workspace.disable"]
    assert read(database, action="work%") == []
    assert read(database, to_ns=5) == []
    assert len(read(database, from_ns=5)) == 5
    with pytest.raises(NotFound):
        read(database, workspace="three")


def test_pages_meet_without_gap_or_overlap(database: Database) -> None:
    found: list[int] = []
    while page := audit.read_page(database, Wanted(), Page(2, str(found[-1]) if found else "")):
        found += [row.seq for row in page]
    assert found == [row.seq for row in audit.read_all(database, Wanted())]


def test_all_is_read_in_bites(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BITE", 2)
    assert len(read(database)) == 5


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 19])
def test_a_cursor_that_no_list_gave_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(InvalidValue):
        audit.read_page(database, Wanted(), Page(2, cursor))
