"""Calls are listed the newest first, within a scope, page by page, and counted while they are open."""

import pytest
from sqlalchemy import insert

from tallygate.store.address import DatabaseAddress
from tallygate.store.audit import Change
from tallygate.store.calls import CallLine, Wanted, count_open, list_calls
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.keys import create_key
from tallygate.store.rows import NewKey
from tallygate.store.schema import holds
from tallygate.store.tenants import create_user, create_workspace
from tallygate.store.usage import Scope


class Place:
    """A database with two workspaces, three users, a key for each, and calls."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = dict[str, tuple[str, str, str]]()
        for workspace in ("acme", "other"):
            create_workspace(database, workspace, Change("tester", 1))
        create_user(database, "acme", "ada", Change("tester", 2))
        for number, (workspace, user) in enumerate((("acme", "owner"), ("acme", "ada"), ("other", "owner"))):
            new = NewKey(
                digest=bytes([number] * 32),
                name=f"key of {user}",
                prefix="lx-k_",
                last4="abcd",
                key_class="k",
                permissions=frozenset(),
                models=None,
                expires_at_ns=None,
            )
            key = create_key(database, workspace, user, new, Change("tester", 3))
            self.keys[f"{workspace}/{user}"] = (key.workspace_id, key.user_id, key.id)

    def call(self, owner: str, call_id: str, at_ns: int, *, model: str = "m", state: str = "posted") -> None:
        workspace_id, user_id, key_id = self.keys[owner]
        values = {"charged_nusd": 5 if state == "posted" else 0, "sequence": at_ns if state == "posted" else 0}
        zeroes = dict.fromkeys(("loss_nusd", "refunded_nusd", "progress_nusd", "input_tokens", "output_tokens"), 0)
        row = {
            **values,
            **zeroes,
            "id": call_id,
            "workspace_id": workspace_id,
            "user_id": user_id,
            "key_id": key_id,
            "epoch": "e",
            "model": model,
            "price_version": "p",
            "amount_nusd": 10,
            "output_tokens_max": 1,
            "opened_at_ns": at_ns,
            "budget_ids": "",
            "claim_id": "",
            "state": state,
            "ended_at_ns": None if state == "open" else at_ns,
            "details": "",
        }
        with self.database.writing() as connection:
            connection.execute(insert(holds).values(row))


@pytest.fixture
def place(database: Database) -> Place:
    found = Place(database)
    found.call("acme/owner", "a", 10)
    found.call("acme/ada", "b", 20, model="n")
    found.call("acme/ada", "c", 20, state="open")
    found.call("acme/owner", "d", 30, state="voided")
    found.call("other/owner", "e", 40)
    return found


def ask(address: DatabaseAddress, scope: Scope, wanted: Wanted | None = None, rows_max: int = 10) -> list[CallLine]:
    connection = DriverConnection(address)
    try:
        return list_calls(connection, scope, wanted or Wanted(), rows_max)
    finally:
        connection.close()


def ids(lines: list[CallLine]) -> str:
    return "".join(line.id for line in lines)


def test_a_scope_sees_its_own_the_newest_first(place: Place, address: DatabaseAddress) -> None:
    acme, ada, _ = place.keys["acme/ada"]
    assert ids(ask(address, Scope(acme))) == "dcba"
    assert ids(ask(address, Scope(acme, ada))) == "cb"
    (line,) = ask(address, Scope(place.keys["other/owner"][0]))
    assert (line.id, line.key_name, line.user_name, line.charged_nusd) == ("e", "key of owner", "owner", 5)


def test_conditions_narrow_it(place: Place, address: DatabaseAddress) -> None:
    acme, ada, key = place.keys["acme/ada"]
    scope = Scope(acme)
    assert ids(ask(address, scope, Wanted(model="n"))) == "b"
    assert ids(ask(address, scope, Wanted(state="open"))) == "c"
    assert ids(ask(address, scope, Wanted(key_id=key))) == "cb"
    assert ids(ask(address, scope, Wanted(user_id=ada, state="posted"))) == "b"
    assert ids(ask(address, scope, Wanted(from_ns=20))) == "dcb"
    assert ids(ask(address, scope, Wanted(to_ns=20))) == "a"
    assert ids(ask(address, Scope(acme, ada), Wanted(user_id=place.keys["acme/owner"][1]))) == ""


def test_pages_follow_each_other_without_a_gap(place: Place, address: DatabaseAddress) -> None:
    scope, seen, before = Scope(place.keys["acme/ada"][0]), "", None
    while page := ask(address, scope, Wanted(before=before), 1):
        seen += ids(page)
        before = (page[-1].opened_at_ns, page[-1].id)
    assert seen == "dcba"


def test_open_calls_are_counted_within_the_scope(place: Place, address: DatabaseAddress) -> None:
    acme, ada, _ = place.keys["acme/ada"]
    connection = DriverConnection(address)
    try:
        scopes = (Scope(acme), Scope(acme, ada), Scope(acme, place.keys["acme/owner"][1]), Scope("nowhere"))
        assert [count_open(connection, scope) for scope in scopes] == [1, 1, 0, 0]
    finally:
        connection.close()
