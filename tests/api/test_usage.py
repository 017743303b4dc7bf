"""Sums of calls over real sockets: what is counted, how pages join, tables, and cursors that are not the asker's."""

import csv
import io
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest

from tallygate.store.address import DatabaseAddress
from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import House, open_house
from tests.fakes.past import Past

DAY_NS = 86_400 * 10**9
NOON_NS = 20_000 * DAY_NS + DAY_NS // 2
"""Noon of 2024-10-04."""


def pages(house: House, path: str, key: str) -> list[Any]:
    """The rows of all pages, one after the other."""
    rows: list[Any] = []
    while True:
        reply = house.ask("GET", path, key=key)
        rows += check_ok(reply)
        meta = reply.json["meta"]
        assert meta["has_more"] == (meta["next_cursor"] is not None) == ("link" in reply.headers)
        if not meta["has_more"]:
            return rows
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.headers["link"])
        assert link is not None
        path = link[1]


def test_the_last_thirty_days_by_day(address: DatabaseAddress) -> None:
    past = Past(address)
    with open_house(address, lambda: NOON_NS) as house:
        key, record = house.make_key()
        for days_ago in (0, 0, 1, 29, 30):
            past.call(record, opened_at_ns=NOON_NS - days_ago * DAY_NS, charged_nusd=5, input_tokens=2, output_tokens=3)
        reply = house.ask("GET", "/v1/usage", key=key)
    rows = check_ok(reply)
    assert [(row["day"], row["calls"], row["charged_nusd"]) for row in rows] == [
        ("2024-09-05", 1, 5),
        ("2024-10-03", 1, 5),
        ("2024-10-04", 2, 10),
    ]
    assert (rows[2]["input_tokens"], rows[2]["output_tokens"], rows[2]["charged_usd"]) == (4, 6, "0.00000001")
    meta = reply.json["meta"]
    assert (meta["from"], meta["to"]) == ("2024-09-05T00:00:00Z", "2024-10-05T00:00:00Z")
    assert (meta["group_by"], meta["scope"]) == (["day"], "user")


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("from=2024-10-01&to=2024-10-02", 2),
        ("from=2024-10-01T00:00:00Z&to=2024-10-02T00:00:00Z", 1),
        ("from=2024-10-02T00:00:00%2B00:00&to=2024-10-02T00:00:00.000001Z", 1),
        ("from=2024-10-03&to=2024-10-03", 0),
    ],
)
def test_a_day_counts_in_full_and_a_moment_does_not(house: House, past: Past, query: str, calls: int) -> None:
    key, record = house.make_key()
    midnight_ns = 19_997 * DAY_NS  # 2024-10-01
    past.call(record, opened_at_ns=midnight_ns)
    past.call(record, opened_at_ns=midnight_ns + DAY_NS)
    rows = check_ok(house.ask("GET", f"/v1/usage?{query}", key=key))
    assert sum(row["calls"] for row in rows) == calls


def test_a_permission_decides_whose_calls_are_summed(house: House, past: Past) -> None:
    own, ada = house.make_key(user="ada", name="adas")
    whole, bob = house.make_key(user="bob", role="admin", permissions=["accounting:view_tenant"])
    _, stranger = house.make_key("rival")
    for record, charged_nusd in ((ada, 1), (bob, 10), (stranger, 100)):
        past.call(record, charged_nusd=charged_nusd)
    assert [(row["user_name"], row["key_name"], row["charged_nusd"]) for row in pages(house, by("user,key"), own)] == [
        ("ada", "adas", 1)
    ]
    assert {(row["user_name"], row["charged_nusd"]) for row in pages(house, by("user"), whole)} == {
        ("ada", 1),
        ("bob", 10),
    }


def by(groups: str) -> str:
    return f"/v1/usage?group_by={groups}"


@pytest.mark.parametrize("groups", ["day", "model", "day,model,key,user", "user,model"])
def test_pages_and_tables_join_to_the_whole(house: House, past: Past, groups: str) -> None:
    key, record = house.make_key(permissions=["accounting:view_tenant"])
    records = [record, house.make_key(user="ada")[1]]
    with_models = ("a/b", "a b", 'ä,"b"', "=cmd()", "a;b")
    for number in range(20):
        past.call(
            records[number % 2],
            opened_at_ns=NOON_NS - number // 5 * DAY_NS,
            model=with_models[number % 5],
            charged_nusd=number,
        )
    span = "from=2024-09-01&to=2024-10-31"
    whole = pages(house, f"{by(groups)}&{span}", key)
    assert sum(row["calls"] for row in whole) == 20
    assert pages(house, f"{by(groups)}&{span}&limit=1", key) == whole
    reply = house.ask("GET", f"{by(groups)}&{span}&format=csv", key=key)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    assert [int(row["calls"]) for row in table] == [row["calls"] for row in whole]
    assert not [cell for row in table for cell in row.values() if cell.startswith("=")]
    if "model" in groups:
        assert [row["model"].removeprefix("'") for row in table] == [row["model"] for row in whole]


def test_a_table_can_be_asked_for_by_its_type(house: House, past: Past) -> None:
    key, record = house.make_key()
    past.call(record, charged_nusd=5, refunded_nusd=2)
    asked = house.ask("GET", "/v1/usage?group_by=model", key=key, headers={"Accept": "text/csv"})
    assert asked.body == (
        b"model,calls,input_tokens,output_tokens,charged_usd,refunded_usd\r\nm,1,0,0,0.000000005,0.000000002\r\n"
    )
    assert check_ok(house.ask("GET", "/v1/usage?format=json", key=key, headers={"Accept": "text/csv"}))


BAD: dict[str, str] = {
    "unknown parameter": "form=2024-01-01",
    "twice": "from=2024-01-01&from=2024-01-02",
    "no day": "from=yesterday",
    "no such day": "from=2024-02-30",
    "without its zone": "from=2024-01-01T00:00:00",
    "before 1970": "from=1969-12-31&to=1970-01-02",
    "too late": "from=2300-01-01&to=2300-01-02",
    "backwards": "from=2024-01-02&to=2024-01-01T00:00:00Z",
    "too long": "from=2022-01-01&to=2024-01-01",
    "unknown group": "group_by=workspace",
    "half a group": "group_by=day,",
    "unknown format": "format=xml",
    "no limit": "limit=0",
    "negative limit": "limit=-1",
    "huge limit": "limit=1000000000",
    "fraction": "limit=1.5",
    "other digits": "limit=%D9%A1",
    "no cursor": "cursor=nothing",
    "long cursor": "cursor=" + "a" * 2000,
    "control characters": "cursor=%00",
    "many parameters": "&".join(f"a{number}=1" for number in range(50)),
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD.keys())
def test_a_bad_question_names_its_fault(strict_house: House, tenant_key: str, query: str) -> None:
    error = check_error(strict_house.ask("GET", f"/v1/usage?{query}", key=tenant_key), 400, "invalid_value")
    for told in error.get("details", ()):
        assert told["field"] in query


def forge(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_foreign_or_forged_cursor_opens_nothing(house: House, past: Past) -> None:
    mine, record = house.make_key()
    theirs, stranger = house.make_key("rival")
    sibling, other = house.make_key(user="ada")
    for one in (record, stranger, other):
        for model in ("a", "b", "c"):
            past.call(one, model=model)
    cursors = {
        key: house.ask("GET", "/v1/usage?group_by=model&limit=1", key=key).json["meta"]["next_cursor"]
        for key in (mine, theirs, sibling)
    }
    for key in (theirs, sibling):
        check_error(house.ask("GET", f"/v1/usage?cursor={cursors[key]}", key=mine), 400, "invalid_value")
    scope = "0" * 16
    for text in (
        "[]",
        "{}",
        "null",
        f'["{scope}",[0,1],["day"],[1]]',
        '["x",{"from_ns":0,"to_ns":1},["day","day"],[1,1]]',
        "[" * 5_000,
    ):
        check_error(house.ask("GET", f"/v1/usage?cursor={forge(text)[:1000]}", key=mine), 400, "invalid_value")
    # A cursor keeps its question: what stands beside it may repeat it, and nothing else.
    own = f"/v1/usage?cursor={cursors[mine]}"
    assert check_ok(house.ask("GET", f"{own}&group_by=model", key=mine)) == check_ok(house.ask("GET", own, key=mine))
    for changed in ("group_by=day", "from=2024-01-01", "to=2024-01-01"):
        check_error(house.ask("GET", f"{own}&{changed}", key=mine), 400, "invalid_value")


@pytest.mark.parametrize("after", ['["a"]', "[-1]", "[9999999999999]", "[1,2]", "[]", "[true]", "[1.5]"])
def test_a_cursor_that_was_changed_by_hand_is_refused(house: House, past: Past, after: str) -> None:
    key, record = house.make_key()
    for day in (1, 2, 3):
        past.call(record, opened_at_ns=NOON_NS - day * DAY_NS)
    reply = house.ask("GET", "/v1/usage?from=2024-09-20&to=2024-10-20&limit=1", key=key)
    cursor = reply.json["meta"]["next_cursor"]
    text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    changed = re.sub(r"\[\d+\]\]\Z", f"{after}]", text)
    assert changed != text
    check_error(house.ask("GET", f"/v1/usage?cursor={quote(forge(changed))}", key=key), 400, "invalid_value")
