"""Keys in use that may not be used any more, on both engines."""

import pytest

from tallygate.store.address import DatabaseAddress
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.keys import create_key, revoke_key
from tallygate.store.rows import NewKey
from tallygate.store.standing import find_dead_keys
from tallygate.store.tenants import create_user, create_workspace, disable_user, disable_workspace

NOW = Change("tester", 1)


def make_key(database: Database, digest: bytes, workspace: str, user: str, expires_at_ns: int | None = None) -> str:
    new = NewKey(
        digest=digest * 32,
        name="",
        prefix="lx-k_",
        last4="wxyz",
        key_class="k",
        permissions=frozenset({"models:use"}),
        models=None,
        expires_at_ns=expires_at_ns,
    )
    return create_key(database, workspace, user, new, NOW).id


@pytest.fixture
def keys(database: Database) -> dict[str, str]:
    """One key for each way to fall, and one that stands."""
    create_workspace(database, "acme", NOW)
    create_workspace(database, "closed", NOW)
    create_user(database, "acme", "ann", NOW)
    made = {
        "standing": make_key(database, b"1", "acme", "owner"),
        "later": make_key(database, b"2", "acme", "owner", 11),
        "expired": make_key(database, b"3", "acme", "owner", 10),
        "revoked": make_key(database, b"4", "acme", "owner"),
        "of a disabled user": make_key(database, b"5", "acme", "ann"),
        "of a disabled workspace": make_key(database, b"6", "closed", "owner"),
    }
    revoke_key(database, made["revoked"], None, NOW)
    disable_user(database, "acme", "ann", NOW)
    disable_workspace(database, "closed", NOW)
    return made


def test_every_way_to_fall_is_seen(address: DatabaseAddress, keys: dict[str, str]) -> None:
    connection = DriverConnection(address)
    dead = find_dead_keys(connection, [*keys.values(), "key_nobody's"], 10)
    connection.close()
    assert dead == {*keys.values(), "key_nobody's"} - {keys["standing"], keys["later"]}


def test_only_those_asked_about_are_named(address: DatabaseAddress, keys: dict[str, str]) -> None:
    connection = DriverConnection(address)
    assert find_dead_keys(connection, [keys["standing"], keys["revoked"]], 10) == {keys["revoked"]}
    assert find_dead_keys(connection, [], 10) == frozenset()
    connection.close()
