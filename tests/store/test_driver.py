"""Connections keep the store's promises: durable commits, foreign keys, files for their owner alone, plain refusals."""

import stat
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.refusal import DatabaseUnusable
from tests.fixtures.postgresql import PrivateServer


@pytest.fixture
def connection(address: DatabaseAddress) -> Generator[DriverConnection]:
    with closing(DriverConnection(address)) as opened:
        yield opened


def test_commits_are_durable(connection: DriverConnection) -> None:
    if connection.engine is Engine.SQLITE:
        assert connection.fetch("PRAGMA journal_mode") == [("wal",)]
        assert connection.fetch("PRAGMA synchronous") == [(2,)]  # FULL
    else:
        assert connection.fetch("SHOW synchronous_commit") == [("on",)]
        assert connection.fetch("SHOW fsync") == [("on",)]


def test_durability_does_not_depend_on_the_servers_default(postgresql_server: PrivateServer) -> None:
    url = postgresql_server.create_database("relaxed")
    address = parse_address(url, Path())
    with closing(DriverConnection(address)) as connection:
        connection.fetch("ALTER DATABASE relaxed SET synchronous_commit TO off")
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SHOW synchronous_commit") == [("on",)]
    postgresql_server.drop_database("relaxed")


def test_values_are_values_and_rows_are_rows(connection: DriverConnection) -> None:
    hostile = "'; DROP TABLE meta; --"
    assert connection.fetch("INSERT INTO meta (name, value) VALUES (?, ?)", (hostile, "%s")) == []
    assert connection.fetch("SELECT value FROM meta WHERE name = ?", (hostile,)) == [("%s",)]


def test_a_key_cannot_join_one_workspace_to_anothers_user(connection: DriverConnection) -> None:
    for name in ("a", "b"):
        connection.fetch(
            "INSERT INTO workspaces (id, name, status, created_at_ns) VALUES (?, ?, 'active', 1)", (f"ws_{name}", name)
        )
        connection.fetch(
            "INSERT INTO users (id, workspace_id, name, status, created_at_ns) VALUES (?, ?, 'u', 'active', 1)",
            (f"usr_{name}", f"ws_{name}"),
        )
    insert = (
        "INSERT INTO keys (id, workspace_id, user_id, name, digest, prefix, last4, key_class, permissions, status,"
        " version, created_at_ns) VALUES (?, ?, ?, '', ?, '', '', 'k', '[]', 'active', 1, 1)"
    )
    connection.fetch(insert, ("key_1", "ws_a", "usr_a", b"1" * 32))
    for workspace, user, digest in (("ws_a", "usr_b", b"2" * 32), ("ws_a", "usr_a", b"short")):
        with pytest.raises(DriverError):
            connection.fetch(insert, ("key_2", workspace, user, digest))


def test_files_and_folders_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    address = parse_address("", tmp_path / "new" / "data")
    with closing(DriverConnection(address)) as connection:
        connection.fetch("CREATE TABLE t (x)")
        modes = [stat.S_IMODE(file.stat().st_mode) for file in address.path.parent.iterdir()]
    assert modes == [0o600] * 3  # the database, its log and the log's index
    assert stat.S_IMODE(address.path.parent.stat().st_mode) == 0o700


def test_what_exists_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.touch(0o640)
    DriverConnection(parse_address(f"sqlite:///{path}", Path())).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is not a database." * 40)
    with pytest.raises(DatabaseUnusable, match=r"letter\.txt cannot be opened: file is not a database"):
        DriverConnection(parse_address(f"sqlite:///{path}", Path()))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnusable, match="cannot be opened: Not a directory"):
        DriverConnection(parse_address(f"sqlite:///{tmp_path}/file/data/x.db", Path()))


def test_a_server_that_is_not_there_is_refused_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://me:s3cret@/calls?host={tmp_path}"
    with pytest.raises(DatabaseUnusable, match=r"postgresql://me@/calls cannot be opened: .*\nCheck") as caught:
        DriverConnection(parse_address(url, Path()))
    assert "s3cret" not in str(caught.value)


def test_a_database_that_is_not_there_is_refused(postgresql_server: PrivateServer) -> None:
    with pytest.raises(DatabaseUnusable, match='database "nowhere" does not exist'):
        DriverConnection(parse_address(postgresql_server.url("nowhere"), Path()))
