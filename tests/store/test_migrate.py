"""Migrations on both engines: from nothing, again, from a newer version, and by several processes at once."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tallygate.access.keys import TENANT
from tallygate.access.roles import bound
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.log_schema import metadata
from tallygate.store.meta import SCHEMA_VERSIONS, VERSION_TABLE, has_workspace, schema_is_current
from tallygate.store.migrate import alembic_config, migrate
from tallygate.store.refusal import DatabaseUnusable, SchemaNewer
from tallygate.store.rows import unpack_texts

MIGRATE = """
import sys
from pathlib import Path
from tallygate.store.address import parse_address
from tallygate.store.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(parse_address(sys.argv[1], Path()))
"""

WARM_START = """
import sys
from pathlib import Path
from tallygate.store.address import parse_address
from tallygate.store.meta import claim_pepper, has_workspace, schema_is_current
from tallygate.store.reader import Reader
from tallygate.access.doorman import Doorman
address = parse_address(sys.argv[1], Path())
assert schema_is_current(address)
claim_pepper(address, "0")
has_workspace(address)
Reader(address)
print(*sorted({"sqlalchemy", "alembic"} & sys.modules.keys()))
"""


@pytest.fixture
def empty(empty_database_url: str) -> DatabaseAddress:
    return parse_address(empty_database_url, Path())


def test_an_empty_database_is_brought_up(empty: DatabaseAddress) -> None:
    assert not schema_is_current(empty)
    migrate(empty)
    assert schema_is_current(empty)
    assert not has_workspace(empty)


def test_a_current_database_is_left_alone(address: DatabaseAddress) -> None:
    migrate(address)
    assert schema_is_current(address)


def test_migrations_add_up_to_the_schema(database: Database) -> None:
    with database.reading() as connection:
        options = {"version_table": VERSION_TABLE, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_the_code_knows_every_revision_in_order() -> None:
    revisions = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    assert tuple(reversed([script.revision for script in revisions])) == SCHEMA_VERSIONS


def test_a_newer_database_is_refused_and_kept(address: DatabaseAddress) -> None:
    with closing(DriverConnection(address)) as connection:
        connection.fetch("UPDATE tallygate_schema SET version_num = ?", ("9999",))
    for refusing in (schema_is_current, migrate):
        with pytest.raises(SchemaNewer, match="9999"):
            refusing(address)
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SELECT version_num FROM tallygate_schema") == [("9999",)]


def test_a_failing_migration_leaves_nothing_behind(empty: DatabaseAddress) -> None:
    with closing(DriverConnection(empty)) as connection:
        connection.fetch("CREATE TABLE audit_log (mine integer)")
    with pytest.raises(DatabaseUnusable, match="could not be migrated"):
        migrate(empty)
    assert not schema_is_current(empty)
    with closing(DriverConnection(empty)) as connection:
        connection.fetch("DROP TABLE audit_log")
    migrate(empty)
    assert schema_is_current(empty)


def test_processes_that_migrate_at_once_all_succeed(empty: DatabaseAddress, empty_database_url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    assert schema_is_current(empty)


def test_a_warm_start_imports_neither_sqlalchemy_nor_alembic(database_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", WARM_START, database_url], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_roles_come_to_users_so_that_no_key_loses_anything(empty: DatabaseAddress) -> None:
    """Owners become admins, as does who has a key that sees the whole workspace; the others become members."""
    _upgrade(empty, "0003")
    with closing(DriverConnection(empty)) as connection:
        connection.fetch("INSERT INTO workspaces (id, name, status, created_at_ns) VALUES ('w', 'acme', 'active', 1)")
        for user in ("owner", "ann", "bob"):
            connection.fetch(
                "INSERT INTO users (id, workspace_id, name, status, created_at_ns) VALUES (?, 'w', ?, 'active', 1)",
                (user, user),
            )
        for number, (user, grant) in enumerate(
            [("ann", '["accounting:view_tenant","models:use"]'), ("bob", '["accounting:view_own","models:use"]')]
        ):
            connection.fetch(
                "INSERT INTO keys (id, workspace_id, user_id, name, digest, prefix, last4, key_class, permissions,"
                " status, version, created_at_ns) VALUES (?, 'w', ?, '', ?, 'lx-k_', 'wxyz', 'k', ?, 'active', 1, 1)",
                (f"key_{number}", user, bytes([number]) * 32, grant),
            )
    migrate(empty)
    with closing(DriverConnection(empty)) as connection:
        roles = dict(connection.fetch("SELECT id, role FROM users"))
        grants = connection.fetch("SELECT u.role, k.permissions FROM keys k JOIN users u ON u.id = k.user_id")
    assert roles == {"owner": "admin", "ann": "admin", "bob": "member"}
    for role, permissions in grants:
        assert set(unpack_texts(permissions)) <= bound(role, TENANT)


def _upgrade(address: DatabaseAddress, revision: str) -> None:
    """As `migrate`, but no further than to a revision."""
    with Database(address, foreign_keys=False) as database, database.writing() as connection:
        command.upgrade(alembic_config(connection), revision)
