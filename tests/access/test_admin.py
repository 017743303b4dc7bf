"""Administrative operations as the command line calls them, on both engines."""

import time
from pathlib import Path

import pytest

from tallygate.access import admin
from tallygate.access.keys import Minter, well_formed
from tallygate.access.permissions import DEFAULT_GRANT
from tallygate.errors import Conflict, InvalidValue
from tallygate.genai.secret import Secret
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.database import Database

MINTER = Minter(b"p" * 32, "lx-")


def test_a_key_is_shown_once_and_listed_by_its_ends(database: Database) -> None:
    admin.create_workspace(database, "acme", actor="cli")
    created = admin.create_key(database, MINTER, workspace="acme", name="laptop", actor="cli")
    key = created.secret.reveal()
    assert well_formed(key, "lx-")
    (listed,) = admin.list_keys(database, "acme")
    assert listed == created.record
    assert (listed.prefix, listed.last4) == (key[:5], key[-4:])
    assert listed.permissions == sorted(DEFAULT_GRANT)
    assert listed.models is None
    assert key not in repr(created)


def test_no_plaintext_key_is_in_the_database(database: Database, address: DatabaseAddress) -> None:
    first = admin.create_first_key(database, MINTER)
    assert first is not None
    created = admin.create_key(database, MINTER, workspace="default", name="laptop", actor="cli")
    admin.change_key(database, "laptop", actor="cli", models=["m"])
    admin.revoke_key(database, "laptop", actor="cli")
    everything = read_everything(database, address)
    assert b"laptop" in everything
    for secret in (first.secret, created.secret):
        # The prefix is shown anyway; no eight symbols of what follows may be.
        tail = secret.reveal().removeprefix("lx-k_").encode()
        assert not [tail[i : i + 8] for i in range(len(tail) - 7) if tail[i : i + 8] in everything]


def read_everything(database: Database, address: DatabaseAddress) -> bytes:
    """All the engine keeps: the files of SQLite, the rows of PostgreSQL."""
    if address.engine is Engine.SQLITE:
        return b"".join(file.read_bytes() for file in Path(address.path.parent).iterdir())
    rows: list[str] = []
    with database.reading() as connection:
        for table in ("workspaces", "users", "keys", "audit_log", "meta"):
            rows.extend(str(row) for row in connection.exec_driver_sql(f"SELECT t::text FROM {table} t"))
    return "\n".join(rows).encode()


def test_a_key_gets_what_it_is_given(database: Database) -> None:
    admin.create_workspace(database, "acme", actor="cli")
    admin.create_user(database, "acme", "ada@acme.example", actor="cli")
    expires_at_ns = time.time_ns() + 10**12
    created = admin.create_key(
        database,
        MINTER,
        workspace="acme",
        user="ada@acme.example",
        permissions=["models:use"],
        models=["b", "a", "a"],
        expires_at_ns=expires_at_ns,
        actor="cli",
    )
    record = created.record
    assert (record.user, record.permissions, record.models) == ("ada@acme.example", ["models:use"], ["a", "b"])
    assert record.expires_at_ns == expires_at_ns


def test_nothing_is_made_for_a_bad_wish(database: Database) -> None:
    admin.create_workspace(database, "acme", actor="cli")
    now_ns = time.time_ns()
    with pytest.raises(InvalidValue, match="can be granted"):
        admin.create_key(database, MINTER, workspace="acme", permissions=["fly"], actor="cli")
    for models in ([], ["x" * admin.MODELS_BYTES_MAX, "y"], map(str, range(admin.MODELS_MAX + 1))):
        with pytest.raises(InvalidValue, match="list of models"):
            admin.create_key(database, MINTER, workspace="acme", models=models, actor="cli")
    with pytest.raises(InvalidValue, match="future"):
        admin.create_key(database, MINTER, workspace="acme", expires_at_ns=now_ns, actor="cli")
    with pytest.raises(InvalidValue, match="2262"):
        admin.create_key(database, MINTER, workspace="acme", expires_at_ns=2**63, actor="cli")
    assert admin.list_keys(database) == []


def test_a_key_is_changed_and_revoked_by_name(database: Database) -> None:
    admin.create_workspace(database, "acme", actor="cli")
    admin.create_key(database, MINTER, workspace="acme", name="laptop", models=["m"], actor="cli")
    expires_at_ns = time.time_ns() + 10**12
    changed = admin.change_key(database, "laptop", permissions=[], expires_at_ns=expires_at_ns, actor="cli")
    assert (changed.permissions, changed.models, changed.expires_at_ns) == ([], ["m"], expires_at_ns)
    assert admin.change_key(database, "laptop", models=None, expires_at_ns=None, actor="cli").models is None
    with pytest.raises(InvalidValue):
        admin.change_key(database, "laptop", permissions=["fly"], actor="cli")
    assert admin.revoke_key(database, "laptop", workspace="acme", actor="cli").version == 4


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb", "a\x00", "\u202eevil", "\ud800", "ws_1", "usr_x", "key_x"])
def test_names_that_would_mislead_are_refused(tmp_path: Path, name: str) -> None:
    # Refused before the database is opened: this one does not exist.
    nowhere = Database(DatabaseAddress(Engine.SQLITE, Secret(str(tmp_path / "x.db")), "x.db"))
    for call in (
        lambda: admin.create_workspace(nowhere, name, actor="cli"),
        lambda: admin.create_user(nowhere, "acme", name, actor="cli"),
    ):
        with pytest.raises(InvalidValue, match="1 to 64 printable symbols"):
            call()


def test_a_name_is_one_name_however_it_is_typed(database: Database) -> None:
    assert admin.create_workspace(database, "  Zu\u0308rich ", actor="cli").name == "Zürich"
    with pytest.raises(Conflict):
        admin.create_workspace(database, "Zürich", actor="cli")


def test_lists_and_disabling(database: Database) -> None:
    admin.create_workspace(database, "acme", actor="cli")
    admin.create_user(database, "acme", "ada", actor="cli")
    assert [user.name for user in admin.list_users(database)] == ["owner", "ada"]
    assert admin.disable_user(database, "acme", "ada", actor="cli").status == "disabled"
    assert admin.disable_workspace(database, "acme", actor="cli").status == "disabled"
    assert [workspace.status for workspace in admin.list_workspaces(database)] == ["disabled"]


def test_the_first_run(database: Database) -> None:
    created = admin.create_first_key(database, MINTER)
    assert created is not None
    assert (created.record.workspace, created.record.user, created.record.name) == ("default", "owner", "first")
    assert admin.create_first_key(database, MINTER) is None
