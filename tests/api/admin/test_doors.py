"""The admin API over real sockets, on both engines: what it does, what it refuses, and who never gets in."""

from typing import Any

import pytest

from tallygate.api.admin.doors import DOORS
from tallygate.store.rows import KeyRecord
from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import ADMIN_KEY, ONE_USD, House
from tests.fakes.past import Past

SOON = "2100-01-01T00:00:00Z"
NAME = "the-secret-name"


@pytest.fixture(scope="module")
def tenant(strict_house: House) -> tuple[str, KeyRecord]:
    """The one key of a workspace in the strict house."""
    return strict_house.make_key(permissions=["accounting:view_own"], name=NAME)


def make_workspace(house: House, name: str = "acme") -> dict[str, Any]:
    return check_ok(house.administer("POST", "/v1/admin/workspaces", {"name": name}), 201)


def make_key(house: House, **wishes: Any) -> dict[str, Any]:
    return check_ok(house.administer("POST", "/v1/admin/keys", {"workspace": "acme", **wishes}), 201)


def test_workspaces_and_users(house: House) -> None:
    made = make_workspace(house)
    assert (made["name"], made["status"], made["disabled_at"]) == ("acme", "active", None)
    check_error(house.administer("POST", "/v1/admin/workspaces", {"name": "acme"}), 409, "conflict")
    assert check_ok(house.administer("GET", "/v1/admin/workspaces")) == [made]
    ada = check_ok(house.administer("POST", "/v1/admin/users", {"workspace": "acme", "name": "ada"}), 201)
    assert (ada["workspace_id"], ada["name"]) == (made["id"], "ada")
    listed = check_ok(house.administer("GET", "/v1/admin/users?workspace=acme"))
    assert [user["name"] for user in listed] == ["owner", "ada"]
    body = {"workspace": "acme", "status": "disabled"}
    assert check_ok(house.administer("PATCH", f"/v1/admin/users/{ada['id']}", body))["status"] == "disabled"
    disabled = check_ok(house.administer("PATCH", "/v1/admin/workspaces/acme", {"status": "disabled"}))
    assert (disabled["status"], disabled["disabled_at"] is None) == ("disabled", False)


def test_a_key_from_its_making_to_its_end(house: House) -> None:
    make_workspace(house)
    made = make_key(
        house, name="laptop", models=["m"], expires_at=SOON, concurrency=2, shorten=False, budgets={"monthly": "25.00"}
    )
    key = made.pop("key")
    assert (made["last4"], made["models"], made["expires_at"]) == (key[-4:], ["m"], SOON)
    facts = check_ok(house.ask("GET", "/v1/key", key=key))
    assert (facts["concurrency"]["limit"], facts["shorten"]) == (2, False)
    assert [(one["period"], one["limit_usd"]) for one in facts["budgets"]] == [("monthly", "25.00")]
    listed = house.administer("GET", "/v1/admin/keys?workspace=acme")
    assert check_ok(listed) == [made]
    assert key.encode() not in listed.body
    changed = check_ok(house.administer("PATCH", "/v1/admin/keys/laptop", {"models": None, "expires_at": None}))
    assert (changed["models"], changed["expires_at"], changed["permissions"]) == (None, None, made["permissions"])
    assert check_ok(house.administer("DELETE", f"/v1/admin/keys/{made['id']}"))["status"] == "revoked"
    check_error(house.ask("GET", "/v1/key", key=key), 401, "invalid_api_key")
    check_error(house.administer("PATCH", f"/v1/admin/keys/{made['id']}", {"models": None}), 409, "conflict")


def test_limits_are_set_shown_and_removed(house: House) -> None:
    make_workspace(house)
    key = make_key(house)
    path = "/v1/admin/limits"
    body: dict[str, Any] = {"level": "key", "owner": key["id"], "budgets": {"daily": "1.00", "total": "9"}}
    set_now = check_ok(house.administer("PATCH", path, {**body, "concurrency": 3, "shorten": False}))
    assert [(one["period"], one["limit_usd"]) for one in sorted(set_now["budgets"], key=lambda one: one["period"])] == [
        ("daily", "1.00"),
        ("total", "9.00"),
    ]
    assert (set_now["concurrency"]["limit"], set_now["shorten"]) == (3, False)
    assert check_ok(house.administer("GET", f"{path}?level=key&owner={key['id']}")) == set_now
    left = check_ok(house.administer("PATCH", path, {**body, "budgets": {"daily": None}}))
    assert [one["period"] for one in left["budgets"]] == ["total"]
    user = {"level": "user", "owner": "owner", "workspace": "acme", "concurrency": 1}
    assert check_ok(house.administer("PATCH", path, user))["concurrency"] == {"used": 0, "limit": 1}
    workspace = {"level": "workspace", "owner": "acme", "budgets": {"weekly": "3"}}
    assert check_ok(house.administer("PATCH", path, workspace))["budgets"][0]["level"] == "workspace"
    check_error(house.administer("PATCH", path, {**workspace, "concurrency": 1}), 400, "invalid_value")
    error = check_error(
        house.administer("PATCH", path, {**workspace, "budgets": {"weekly": "-1"}}), 400, "invalid_value"
    )
    assert error["details"][0]["field"] == "budgets.weekly"


def test_money_moves_once_for_each_id(house: House) -> None:
    workspace = make_workspace(house)
    body = {"workspace": "acme", "usd": "10.00", "id": "order-1"}
    moved = check_ok(house.administer("POST", "/v1/admin/credit", body), 201)
    assert (moved["repeated"], moved["balance"]["available_usd"]) == (False, "10.00")
    again = check_ok(house.administer("POST", "/v1/admin/credit", body))
    assert (again["repeated"], again["balance"]["posted_nusd"]) == (True, 10 * ONE_USD)
    check_error(house.administer("POST", "/v1/admin/credit", {**body, "usd": "11"}), 409, "conflict")
    out = {"workspace": "acme", "usd": "4.00", "id": "back-1"}
    assert check_ok(house.administer("POST", "/v1/admin/payouts", out), 201)["balance"]["posted_usd"] == "6.00"
    check_error(house.administer("POST", "/v1/admin/payouts", {**out, "id": "back-2", "usd": "7"}), 409, "conflict")
    shown = check_ok(house.administer("GET", "/v1/admin/credit/acme"))
    assert [one["kind"] for one in shown["movements"]] == ["payout", "topup"]
    assert check_ok(house.administer("GET", "/v1/admin/credit"))[0]["workspace_id"] == workspace["id"]


def test_a_call_is_refunded(house: House, past: Past) -> None:
    _, record = house.make_key()
    past.fund(record.workspace_id, ONE_USD)
    call_id = past.call(record, charged_nusd=ONE_USD)
    body = {"call": call_id, "usd": "0.25", "id": "sorry-1"}
    assert check_ok(house.administer("POST", "/v1/admin/refunds", body), 201)["balance"]["posted_usd"] == "1.25"
    check_error(house.administer("POST", "/v1/admin/refunds", {**body, "usd": "0.80", "id": "s2"}), 409, "conflict")
    check_error(house.administer("POST", "/v1/admin/refunds", {**body, "call": "call_x", "id": "s3"}), 404, "not_found")


def test_prices_are_added_and_listed(house: House) -> None:
    body = {"kind": "sale", "name": "m", "price": {"input": "3.00", "output": "15"}, "effective_from": SOON}
    made = check_ok(house.administer("POST", "/v1/admin/prices", body), 201)
    assert (made["price"], made["effective_from"]) == ({"input": "3.00", "output": "15.00"}, SOON)
    assert check_ok(house.administer("POST", "/v1/admin/prices", body))["version"] == made["version"]
    check_ok(house.administer("POST", "/v1/admin/prices", {"kind": "cost", "name": "lab/m", "price": "free"}), 201)
    assert check_ok(house.administer("GET", "/v1/admin/prices?kind=sale&name=m"))[0]["version"] == made["version"]
    assert len(check_ok(house.administer("GET", "/v1/admin/prices"))) == 2
    for price in ({"input": "x"}, {"input": 3}, {"wheels": "1"}, "cheap", {}):
        check_error(house.administer("POST", "/v1/admin/prices", {**body, "price": price}), 400, "invalid_value")


def test_lists_come_in_pages(house: House) -> None:
    for number in range(5):
        make_workspace(house, f"w{number}")
    path, names = "/v1/admin/workspaces?limit=2", []
    while path:
        reply = house.administer("GET", path)
        names += [row["name"] for row in check_ok(reply)]
        cursor = reply.json["meta"]["next_cursor"]
        path = f"/v1/admin/workspaces?limit=2&cursor={cursor}" if cursor else ""
    assert names == ["w0", "w1", "w2", "w3", "w4"]
    for query in ("limit=0", "limit=1001", "cursor=ws_nobody", "limit=a", "page=2"):
        check_error(house.administer("GET", f"/v1/admin/workspaces?{query}"), 400, "invalid_value")


BAD: dict[str, tuple[str, str, Any, int, str, str]] = {
    "one more field": ("POST", "/v1/admin/workspaces", {"name": "a", "balance": 9}, 400, "invalid_value", "balance"),
    "no name": ("POST", "/v1/admin/workspaces", {}, 400, "missing_required_parameter", "name"),
    "a name of another kind": ("POST", "/v1/admin/workspaces", {"name": 7}, 400, "invalid_value", "name"),
    "a bad name": ("POST", "/v1/admin/workspaces", {"name": "ws_x"}, 400, "invalid_value", "name"),
    "an unknown workspace": ("POST", "/v1/admin/keys", {"workspace": "nobody"}, 404, "not_found", ""),
    "an admin's permission": (
        *("POST", "/v1/admin/keys", {"workspace": "acme", "permissions": ["admin:access"]}),
        *(400, "invalid_value", "permissions"),
    ),
    "a permission of another kind": (
        *("POST", "/v1/admin/keys", {"workspace": "acme", "permissions": [7]}),
        *(400, "invalid_value", "permissions[0]"),
    ),
    "a key's class": (
        *("POST", "/v1/admin/keys", {"workspace": "acme", "key_class": "a"}),
        *(400, "invalid_value", "key_class"),
    ),
    "a time that has been": (
        *("POST", "/v1/admin/keys", {"workspace": "acme", "expires_at": "2001-01-01"}),
        *(400, "invalid_value", "expires_at"),
    ),
    "no time": ("POST", "/v1/admin/keys", {"workspace": "acme", "expires_at": "x"}, 400, "invalid_value", "expires_at"),
    "a way back": ("PATCH", "/v1/admin/workspaces/acme", {"status": "active"}, 400, "invalid_value", "status"),
    "money as a number": (
        *("POST", "/v1/admin/credit", {"workspace": "acme", "usd": 10.0, "id": "a"}),
        *(400, "invalid_value", "usd"),
    ),
    "money below nothing": (
        *("POST", "/v1/admin/credit", {"workspace": "acme", "usd": "-1", "id": "a"}),
        *(400, "invalid_value", "usd"),
    ),
    "nothing at all": (
        *("POST", "/v1/admin/credit", {"workspace": "acme", "usd": "0", "id": "a"}),
        *(400, "invalid_value", ""),
    ),
    "money without an id": (
        *("POST", "/v1/admin/credit", {"workspace": "acme", "usd": "1"}),
        *(400, "missing_required_parameter", "id"),
    ),
    "another source": (
        *("POST", "/v1/admin/credit", {"workspace": "acme", "usd": "1", "id": "a", "source": "revenue"}),
        *(400, "invalid_value", "source"),
    ),
    "limits of nobody": ("GET", "/v1/admin/limits?level=key", None, 400, "invalid_value", "owner"),
    "limits of the house": ("GET", "/v1/admin/limits?level=house&owner=a", None, 400, "invalid_value", "level"),
    "a user without workspace": ("GET", "/v1/admin/limits?level=user&owner=a", None, 400, "invalid_value", "workspace"),
    "an unknown key": ("DELETE", "/v1/admin/keys/key_x", None, 404, "not_found", ""),
    "not JSON": ("POST", "/v1/admin/workspaces", b"{", 400, "invalid_json", ""),
}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"), BAD.values(), ids=[name.replace(" ", "-") for name in BAD]
)
def test_a_bad_wish_changes_nothing_and_names_the_field(
    strict_house: House, method: str, path: str, body: Any, status: int, code: str, field: str
) -> None:
    before = look_around(strict_house)
    error = check_error(strict_house.administer(method, path, body), status, code)
    assert [told["field"] for told in error.get("details", [])] == ([field] if field else [])
    assert look_around(strict_house) == before


def look_around(house: House) -> list[Any]:
    """Everything that a wish could have changed."""
    return [
        check_ok(house.administer("GET", f"/v1/admin/{name}")) for name in ("workspaces", "users", "keys", "credit")
    ]


def test_no_key_of_a_workspace_opens_any_door(house: House) -> None:
    everything = ["models:use", "routing:view", "accounting:view_own", "accounting:view_tenant"]
    key, record = house.make_key(permissions=everything)
    bodies = {"GET": None, "DELETE": None}
    for method, path in DOORS:
        there = path.replace("{id}", record.id)
        body = bodies.get(method, {})
        check_error(house.ask(method, there, body), 401, "invalid_api_key")
        check_error(house.ask(method, there, body, key=key), 403, "permission_denied")
        check_error(house.ask(method, there, body, key="lx-a_" + "a" * 38), 401, "invalid_api_key")
    assert check_ok(house.ask("GET", "/v1/key", key=key))["permissions"] == sorted(everything)


TRICKS: list[tuple[str, str, dict[str, str]]] = [
    *[("GET", path, {}) for path in (
        "/v1/admin/keys/", "//v1/admin/keys", "/v1//admin/keys", "/V1/admin/keys", "/v1/Admin/keys", "/v1/admin/keys;x",
        "/v1/models/../admin/keys", "/v1/models/%2e%2e/admin/keys", "/v1/%61dmin/keys", "/v1/admin%2fkeys",
        "/v1/admin/keys%00", "/v1/admin/keys#", "/v1/admin", "/v1/admin/", "/admin/keys", "/v1/credits/../admin/keys",
        "http://localhost/v1/admin/keys", "/v1/admin/keys?key={admin}", "/v1/admin/keys?workspace=acme&admin=1",
    )],
    *[(method, "/v1/admin/keys", {}) for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "get", "CONNECTX")],
    *[("GET", "/v1/admin/keys", {name: value}) for name, value in (
        ("X-Original-URL", "/v1/credits"), ("X-Rewrite-URL", "/v1/credits"), ("X-HTTP-Method-Override", "POST"),
        ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "localhost"), ("Host", "admin.localhost"),
        ("X-Admin", "true"), ("Cookie", "admin=1"), ("X-User-Id", "admin"), ("X-Workspace-Id", ""),
    )],
    ("GET", "/v1/credits", {"X-Original-URL": "/v1/admin/keys"}),
    ("GET", "/v1/credits", {"X-Rewrite-URL": "/v1/admin/keys"}),
    ("POST", "/v1/quote", {"X-HTTP-Method-Override": "GET", "X-Original-URL": "/v1/admin/keys"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers"), TRICKS)
def test_no_trick_opens_them_either(
    strict_house: House, tenant: tuple[str, KeyRecord], method: str, path: str, headers: dict[str, str]
) -> None:
    key, record = tenant
    body = {} if method in ("POST", "PUT") else None
    reply = strict_house.ask(method, path.replace("{admin}", ADMIN_KEY), body, key=key, headers=headers)
    if "/v1/credits" in path and "admin" not in path:
        check_ok(reply)
    else:
        assert reply.status in (400, 403, 404, 405), reply.body
    for secret in (NAME.encode(), record.id.encode(), b"last4"):
        assert secret not in reply.body


def test_another_method_is_told_which_to_use_in_our_own_words(strict_house: House) -> None:
    reply = strict_house.administer("DELETE", "/v1/admin/limits")
    check_error(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, PATCH"


def test_the_audit_log_says_who_it_was(house: House) -> None:
    make_workspace(house)
    make_key(house)
    with house.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT actor, action FROM audit_log ORDER BY seq").all()
    assert [tuple(row) for row in rows] == [
        ("admin", "workspace.create"),
        ("admin", "user.create"),
        ("admin", "key.create"),
    ]


def test_two_keys_are_not_better_than_one(house: House) -> None:
    key, _ = house.make_key()
    reply = house.ask("GET", "/v1/admin/keys", key=key, headers={"x-api-key": ADMIN_KEY})
    check_error(reply, 400, "ambiguous_credentials")
