"""The audit log over HTTP: pages, filters, files."""

import csv
import io
import json

from tallygate.store.address import DatabaseAddress
from tallygate.store.log import claim_log, open_log
from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import House

PATH = "/v1/admin/audit"


def test_changes_are_listed_page_by_page(house: House) -> None:
    for name in ("one", "two"):
        check_ok(house.administer("POST", "/v1/admin/workspaces", {"name": name}), 201)
    first = house.administer("GET", f"{PATH}?limit=3")
    rows = check_ok(first)
    assert [row["action"] for row in rows] == ["workspace.create", "user.create", "workspace.create"]
    assert (rows[0]["actor"], rows[0]["detail"]) == ("admin", {"name": "one"})
    assert rows[0]["entry"] == f"audit_{rows[0]['seq']}"
    cursor = json.loads(first.body)["meta"]["next_cursor"]
    assert [row["action"] for row in check_ok(house.administer("GET", f"{PATH}?cursor={cursor}"))] == ["user.create"]
    assert len(check_ok(house.administer("GET", f"{PATH}?workspace=two&action=workspace"))) == 1
    assert check_ok(house.administer("GET", f"{PATH}?to=2001-01-01")) == []


def test_a_file_is_safe_for_a_spreadsheet_and_names_the_next(house: House) -> None:
    for name in ("=cmd()", "two"):
        check_ok(house.administer("POST", "/v1/admin/workspaces", {"name": name}), 201)
    answer = house.administer("GET", f"{PATH}?format=csv&limit=3")
    table = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["action"] for row in table] == ["workspace.create", "user.create", "workspace.create"]
    assert json.loads(table[0]["detail"]) == {"name": "=cmd()"}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table for cell in row.values())
    assert answer.headers["content-type"].startswith("text/csv")
    link = answer.headers["link"]
    following = house.administer("GET", link[1 : link.index(">")])
    assert len(list(csv.DictReader(io.StringIO(following.body.decode())))) == 1
    assert "link" not in following.headers


def test_lines_of_json(house: House) -> None:
    check_ok(house.administer("POST", "/v1/admin/workspaces", {"name": "one"}), 201)
    answer = house.administer("GET", f"{PATH}?format=ndjson&action=user")
    assert [json.loads(line)["action"] for line in answer.body.splitlines()] == ["user.create"]


def test_what_it_does_not_know_is_refused(house: House) -> None:
    check_error(house.administer("GET", f"{PATH}?format=xml"), 400, "invalid_value")
    check_error(house.administer("GET", f"{PATH}?who=me"), 400, "invalid_value")
    check_error(house.administer("GET", f"{PATH}?from=soon"), 400, "invalid_value")
    check_error(house.administer("GET", f"{PATH}?workspace=none"), 404, "not_found")
    check_error(house.administer("GET", f"{PATH}?cursor=x&format=csv"), 400, "invalid_value")


def test_what_entered_the_log_is_shown_to_nobody(house: House, address: DatabaseAddress) -> None:
    """The log vouches for prices, too, and those have an address."""
    connection = open_log(address)
    claim_log(connection, "example.com/log", "vkey", 1)
    key, _ = house.make_key()
    entries = connection.fetch("SELECT id FROM log_statements WHERE kind = 'audit'")
    connection.close()
    assert entries
    for (entry,) in entries:
        check_error(house.ask("GET", f"/v1/prices/{entry}", key=key), 404, "not_found")


def test_a_tenant_sees_nothing_of_it(house: House) -> None:
    key, _ = house.make_key(permissions=["accounting:view_tenant"])
    check_error(house.ask("GET", PATH, key=key), 403, "permission_denied")
