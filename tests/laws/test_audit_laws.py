"""Whatever somebody who looks after the gateway changes leaves its row, in the change's own transaction.

The laws go over the tables of doors: a door that changes something and has no example here fails them.
"""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from tallygate.access.permissions import PERMISSIONS
from tallygate.api.admin import doors as admin_doors
from tallygate.api.workspace import doors as workspace_doors
from tallygate.store.address import DatabaseAddress
from tallygate.store.log import claim_log, open_log
from tests.fakes.doors import ADMIN_KEY, ONE_USD, House, open_house
from tests.fakes.past import Past

Ask = tuple[str, Any]
"""An address and a body."""


class Town:
    """A house with somebody in it: a workspace with an admin's key, another user, and a call to refund."""

    def __init__(self, house: House, past: Past) -> None:
        self.house = house
        self.boss, self.record = house.make_key(permissions=sorted(PERMISSIONS))
        _, self.other = house.make_key(user="ada", name="laptop")
        past.fund(self.record.workspace_id, 10 * ONE_USD)
        self.call = past.call(self.record, charged_nusd=ONE_USD)

    def list_actions(self) -> list[str]:
        """The actions in the audit log, in order."""
        with self.house.database.reading() as connection:
            return list(connection.exec_driver_sql("SELECT action FROM audit_log ORDER BY seq").scalars())

    def count_unentered(self) -> int:
        """How many rows have no entry in the log."""
        with self.house.database.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT count(*) FROM audit_log WHERE NOT EXISTS"
                " (SELECT 1 FROM log_entries WHERE id = 'audit_' || audit_log.seq)"
            )
            return rows.scalar_one()

    def dump(self) -> list[Any]:
        """Everything that can be administered, as it stands."""
        tables = ("workspaces", "users", "keys", "budgets", "rates", "prices")
        with self.house.database.reading() as connection:
            return [connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").all() for table in tables]


Example = tuple[Callable[[Town], Ask], list[str]]

MONEY = {"/v1/admin/credit", "/v1/admin/payouts", "/v1/admin/refunds"}
"""What moves money is written in the book's transaction, and its row right after."""

EXAMPLES: dict[tuple[str, str], Example] = {
    ("POST", "/v1/admin/workspaces"): (
        lambda _: ("/v1/admin/workspaces", {"name": "new"}),
        ["workspace.create", "user.create"],
    ),
    ("PATCH", "/v1/admin/workspaces/{id}"): (
        lambda _: ("/v1/admin/workspaces/acme", {"status": "disabled"}),
        ["workspace.disable"],
    ),
    ("POST", "/v1/admin/users"): (lambda _: ("/v1/admin/users", {"workspace": "acme", "name": "eve"}), ["user.create"]),
    ("PATCH", "/v1/admin/users/{id}"): (
        lambda town: (f"/v1/admin/users/{town.other.user_id}", {"workspace": "acme", "status": "disabled"}),
        ["user.disable"],
    ),
    ("POST", "/v1/admin/keys"): (
        lambda _: ("/v1/admin/keys", {"workspace": "acme", "budgets": {"daily": "1.00"}}),
        ["key.create"],
    ),
    ("PATCH", "/v1/admin/keys/{id}"): (
        lambda town: (f"/v1/admin/keys/{town.other.id}", {"models": ["m"]}),
        ["key.change"],
    ),
    ("DELETE", "/v1/admin/keys/{id}"): (lambda town: (f"/v1/admin/keys/{town.other.id}", None), ["key.revoke"]),
    ("POST", "/v1/admin/keys/{id}/rotate"): (
        lambda town: (f"/v1/admin/keys/{town.other.id}/rotate", {"overlap_s": 60}),
        ["key.rotate"],
    ),
    ("PATCH", "/v1/admin/limits"): (
        lambda _: ("/v1/admin/limits", {"level": "workspace", "owner": "acme", "budgets": {"daily": "1.00"}}),
        ["workspace.limits"],
    ),
    ("POST", "/v1/admin/credit"): (
        lambda _: ("/v1/admin/credit", {"workspace": "acme", "usd": "1.00", "id": "one"}),
        ["credit.add"],
    ),
    ("POST", "/v1/admin/payouts"): (
        lambda _: ("/v1/admin/payouts", {"workspace": "acme", "usd": "1.00", "id": "two"}),
        ["credit.payout"],
    ),
    ("POST", "/v1/admin/refunds"): (
        lambda town: ("/v1/admin/refunds", {"call": town.call, "usd": "0.50", "id": "three"}),
        ["credit.refund"],
    ),
    ("POST", "/v1/admin/prices"): (
        lambda _: ("/v1/admin/prices", {"kind": "sale", "name": "m", "price": "free"}),
        ["price.set"],
    ),
    ("POST", "/v1/admin/reload"): (lambda _: ("/v1/admin/reload", {}), ["configuration.reload"]),
    ("POST", "/v1/api-keys"): (lambda _: ("/v1/api-keys", {"name": "ci"}), ["key.create"]),
    ("PATCH", "/v1/api-keys/{id}"): (
        lambda town: (f"/v1/api-keys/{town.other.id}", {"models": ["m"]}),
        ["key.change"],
    ),
    ("DELETE", "/v1/api-keys/{id}"): (lambda town: (f"/v1/api-keys/{town.other.id}", None), ["key.revoke"]),
    ("POST", "/v1/api-keys/{id}/rotate"): (
        lambda town: (f"/v1/api-keys/{town.other.id}/rotate", {"overlap_s": 60}),
        ["key.rotate"],
    ),
    ("POST", "/v1/users"): (lambda _: ("/v1/users", {"name": "eve"}), ["user.create"]),
    ("PATCH", "/v1/users/{id}"): (
        lambda town: (f"/v1/users/{town.other.user_id}", {"status": "disabled"}),
        ["user.disable"],
    ),
    ("PATCH", "/v1/limits"): (
        lambda town: ("/v1/limits", {"level": "user", "owner": town.other.user_id, "budgets": {"daily": "1.00"}}),
        ["user.limits"],
    ),
}
CHANGING = [*EXAMPLES]
IN_THE_DATABASE = [door for door in CHANGING if door[1] not in MONEY | {"/v1/admin/reload"}]


@pytest.fixture
def town(address: DatabaseAddress) -> Generator[Town]:
    connection = open_log(address)
    claim_log(connection, "example.com/log", "vkey", 1)
    connection.close()
    with open_house(address) as house:
        yield Town(house, Past(address))


def knock(town: Town, door: tuple[str, str]) -> int:
    """Ask a door for its change. The status of the answer."""
    path, body = EXAMPLES[door][0](town)
    key = ADMIN_KEY if path.startswith("/v1/admin/") else town.boss
    return town.house.ask(door[0], path, body, key=key).status


def test_every_door_that_changes_something_has_an_example() -> None:
    doors = {*admin_doors.DOORS, *workspace_doors.DOORS}
    assert {door for door in doors if door[0] != "GET"} == {*EXAMPLES}


@pytest.mark.parametrize("door", CHANGING, ids=" ".join)
def test_a_change_leaves_its_row_and_the_rows_entry(town: Town, door: tuple[str, str]) -> None:
    before = town.list_actions()
    assert knock(town, door) in (200, 201)
    assert town.list_actions()[len(before) :] == EXAMPLES[door][1]
    assert town.count_unentered() == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("door", IN_THE_DATABASE, ids=" ".join)
def test_where_the_row_cannot_be_written_nothing_has_changed(town: Town, door: tuple[str, str]) -> None:
    with town.house.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit_log BEGIN SELECT raise(ABORT, 'no more rows'); END"
        )
    before = town.dump()
    assert knock(town, door) >= 500
    assert town.dump() == before
