"""Keys in the database: versions, names, revocation, and the one first key of all processes."""

import subprocess
import sys
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from tallygate.errors import Conflict, NotFound, StoreUnavailable
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.keys import change_key, create_first_key, create_key, list_keys, revoke_key
from tallygate.store.rows import NewKey
from tallygate.store.schema import audit_log
from tallygate.store.tenants import create_user, create_workspace, disable_user, disable_workspace, list_workspaces

NEW = NewKey(
    digest=b"d" * 32,
    name="laptop",
    prefix="lx-k_",
    last4="wxyz",
    key_class="k",
    permissions=frozenset({"b", "a"}),
    models=None,
    expires_at_ns=None,
)

FIRST_KEY = """
import sys
from pathlib import Path
from tallygate.store.address import parse_address
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.keys import create_first_key
from tallygate.store.rows import NewKey
new = NewKey(digest=sys.argv[2].encode() * 32, name="first", prefix="", last4="", key_class="k",
             permissions=frozenset(), models=None, expires_at_ns=None)
with Database(parse_address(sys.argv[1], Path())) as database:
    print("ready", flush=True)
    sys.stdin.readline()
    record = create_first_key(database, new, Change("system", 1))
print("nothing" if record is None else record.id)
"""


def at(time_ns: int) -> Change:
    return Change("tester", time_ns)


@pytest.fixture
def acme(database: Database) -> Database:
    create_workspace(database, "acme", at(1))
    return database


def test_a_key_is_listed_without_its_digest(acme: Database) -> None:
    record = create_key(acme, "acme", "owner", NEW, at(2))
    assert list_keys(acme) == list_keys(acme, "acme") == [record]
    assert (record.workspace, record.user, record.name, record.prefix, record.last4) == (
        "acme",
        "owner",
        "laptop",
        "lx-k_",
        "wxyz",
    )
    assert (record.permissions, record.models, record.status, record.version) == (["a", "b"], None, "active", 1)
    assert not hasattr(record, "digest")


def test_each_change_bumps_the_version(acme: Database) -> None:
    record = create_key(acme, "acme", "owner", NEW, at(2))
    limited = change_key(acme, "laptop", None, at(3), models=frozenset({"m2", "m1"}))
    assert limited == replace(record, version=2, models=["m1", "m2"])
    changed = change_key(acme, record.id, "acme", at(4), permissions=frozenset(), expires_at_ns=9, models=None)
    assert changed == replace(record, version=3, permissions=[], expires_at_ns=9)
    revoked = revoke_key(acme, record.id, None, at(5))
    assert revoked == replace(changed, version=4, status="revoked", revoked_at_ns=5)


def test_revoking_twice_changes_nothing_and_a_revoked_key_stays_as_it_is(acme: Database) -> None:
    record = create_key(acme, "acme", "owner", NEW, at(2))
    revoked = revoke_key(acme, "laptop", "acme", at(3))
    assert revoke_key(acme, record.id, None, at(4)) == revoked
    with pytest.raises(Conflict, match="revoked"):
        change_key(acme, record.id, None, at(5), models=None)
    assert list_keys(acme) == [revoked]


def test_a_name_is_free_again_after_revocation(acme: Database) -> None:
    first = create_key(acme, "acme", "owner", NEW, at(2))
    other = replace(NEW, digest=b"e" * 32)
    with pytest.raises(Conflict, match="already a key named 'laptop' in the workspace 'acme'"):
        create_key(acme, "acme", "owner", other, at(3))
    revoke_key(acme, "laptop", None, at(4))
    second = create_key(acme, "acme", "owner", other, at(5))
    assert revoke_key(acme, "laptop", None, at(6)).id == second.id != first.id


def test_many_keys_may_have_no_name(acme: Database) -> None:
    for letter in (b"1", b"2"):
        create_key(acme, "acme", "owner", replace(NEW, name="", digest=letter * 32), at(2))
    with pytest.raises(NotFound):
        revoke_key(acme, "nobody", None, at(3))


def test_a_name_in_two_workspaces_needs_its_workspace(acme: Database) -> None:
    create_workspace(acme, "other", at(2))
    create_key(acme, "acme", "owner", NEW, at(3))
    create_key(acme, "other", "owner", replace(NEW, digest=b"e" * 32), at(3))
    with pytest.raises(Conflict, match="Several workspaces"):
        revoke_key(acme, "laptop", None, at(4))
    assert revoke_key(acme, "laptop", "other", at(4)).workspace == "other"
    with pytest.raises(NotFound, match="no key 'laptop'"):
        revoke_key(acme, "laptop", "other", at(5))


def test_the_disabled_get_no_keys(acme: Database) -> None:
    create_user(acme, "acme", "ada", at(2))
    disable_user(acme, "acme", "ada", at(3))
    with pytest.raises(Conflict, match="user 'ada' of the workspace 'acme' is disabled"):
        create_key(acme, "acme", "ada", NEW, at(4))
    disable_workspace(acme, "acme", at(5))
    with pytest.raises(Conflict, match="workspace 'acme' is disabled"):
        create_key(acme, "acme", "owner", NEW, at(6))
    assert list_keys(acme) == []


def test_every_change_is_in_the_audit_log_without_the_digest(acme: Database) -> None:
    record = create_key(acme, "acme", "owner", NEW, at(2))
    change_key(acme, record.id, None, at(3), expires_at_ns=7)
    revoke_key(acme, record.id, None, at(4))
    revoke_key(acme, record.id, None, at(5))
    with acme.reading() as connection:
        rows: list[Any] = list(connection.execute(select(audit_log).where(audit_log.c.object_id == record.id)))
    assert [(row.at_ns, row.action, row.workspace_id) for row in rows] == [
        (2, "key.create", record.workspace_id),
        (3, "key.change", record.workspace_id),
        (4, "key.revoke", record.workspace_id),
    ]
    assert rows[1].detail == '{"expires_at_ns":7}'
    assert "dddd" not in str(rows)


def test_a_change_without_its_audit_row_is_not_committed(acme: Database) -> None:
    with acme.writing() as connection:
        connection.execute(text("DROP TABLE audit_log"))
    with pytest.raises((StoreUnavailable, ProgrammingError)):
        create_key(acme, "acme", "owner", NEW, at(2))
    assert list_keys(acme) == []


def test_the_first_run_happens_once(database: Database) -> None:
    record = create_first_key(database, NEW, at(1))
    assert record is not None
    assert (record.workspace, record.user) == ("default", "owner")
    assert create_first_key(database, replace(NEW, digest=b"e" * 32), at(2)) is None
    assert list_keys(database) == [record]


def test_of_processes_that_start_at_once_one_gets_the_first_key(database: Database, database_url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_KEY, database_url, letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for letter in "abc"
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said: list[str] = []
    for process in started:
        output, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        said.append(output.strip())
    (record,) = list_keys(database)
    assert sorted(said) == sorted([record.id, "nothing", "nothing"])
    assert len(list_workspaces(database)) == 1
