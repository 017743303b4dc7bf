"""A workspace's own doors over real sockets, on both engines: what they do, whose they are, what nobody can give."""

from typing import Any

import pytest

from tallygate.access import admin
from tallygate.access.permissions import PERMISSIONS
from tallygate.api.workspace.doors import DOORS
from tallygate.store.rows import KeyRecord
from tests.api.envelope import check_error, check_ok
from tests.fakes.doors import House

SOON = "2100-01-01T00:00:00Z"
LATER = "2101-01-01T00:00:00Z"
ALL = sorted(PERMISSIONS)


@pytest.fixture
def boss(house: House) -> tuple[str, KeyRecord]:
    """A key of an admin that may do all an admin may."""
    return house.make_key(permissions=ALL)


def refuse(answer: Any, named: str) -> dict[str, Any]:
    """The refusal of what goes too far, which names what is missing."""
    error = check_error(answer, 403, "permission_denied")
    assert named in error["message"]
    return error


def test_a_key_from_its_making_to_its_end(house: House, boss: tuple[str, KeyRecord]) -> None:
    key, record = boss
    body = {"name": "ci", "models": ["m"], "networks": ["127.0.0.0/8"], "expires_at": SOON, "budgets": {"daily": "1"}}
    made = check_ok(house.ask("POST", "/v1/api-keys", body, key=key), 201)
    text = made.pop("key")
    assert (made["user_id"], made["workspace_id"]) == (record.user_id, record.workspace_id)
    assert (made["networks"], made["class"], made["last4"]) == (["127.0.0.0/8"], "workspace", text[-4:])
    assert check_ok(house.ask("GET", f"/v1/api-keys/{made['id']}", key=key)) == made
    assert made in check_ok(house.ask("GET", "/v1/api-keys", key=key))
    changed = check_ok(house.ask("PATCH", f"/v1/api-keys/{made['id']}", {"expires_at": None, "name": "cd"}, key=key))
    assert (changed["expires_at"], changed["name"], changed["models"]) == (None, "cd", ["m"])
    rotated = check_ok(house.ask("POST", f"/v1/api-keys/{made['id']}/rotate", {"overlap_s": 60}, key=key))
    assert (rotated["id"], rotated["earlier"]["replaced_by"]) == (made["id"], made["id"])
    for each in (text, rotated["key"]):
        assert check_ok(house.ask("GET", "/v1/key", key=each))["id"] == made["id"]
    assert check_ok(house.ask("DELETE", f"/v1/api-keys/{made['id']}", key=key))["status"] == "revoked"
    for each in (text, rotated["key"]):
        check_error(house.ask("GET", "/v1/key", key=each), 401, "invalid_api_key")


def test_users_and_their_roles(house: House, boss: tuple[str, KeyRecord]) -> None:
    key, _ = boss
    ada = check_ok(house.ask("POST", "/v1/users", {"name": "ada"}, key=key), 201)
    assert (ada["role"], ada["workspace"]) == ("member", "acme")
    made = check_ok(house.ask("POST", "/v1/api-keys", {"user": "ada"}, key=key), 201)
    viewer = check_ok(house.ask("PATCH", f"/v1/users/{ada['id']}", {"role": "viewer", "name": "eva"}, key=key))
    assert (viewer["role"], viewer["name"]) == ("viewer", "eva")
    shown = check_ok(house.ask("GET", "/v1/key", key=made["key"]))
    assert shown["permissions"] == ["accounting:view_own", "routing:view"]
    assert check_ok(house.ask("GET", f"/v1/users/{ada['id']}", key=key)) == viewer
    closed = check_ok(house.ask("PATCH", f"/v1/users/{ada['id']}", {"status": "disabled"}, key=key))
    assert closed["status"] == "disabled"
    check_error(house.ask("GET", "/v1/key", key=made["key"]), 401, "invalid_api_key")
    assert [user["name"] for user in check_ok(house.ask("GET", "/v1/users", key=key))] == ["owner", "eva"]


def test_limits_of_others_are_set_and_ones_own_are_not(house: House, boss: tuple[str, KeyRecord]) -> None:
    key, record = boss
    check_ok(house.ask("POST", "/v1/users", {"name": "ada"}, key=key), 201)
    body: dict[str, Any] = {"level": "user", "owner": "ada", "budgets": {"monthly": "5"}, "concurrency": 2, "rpm": 60}
    row = check_ok(house.ask("PATCH", "/v1/limits", body, key=key))
    assert (row["concurrency"]["limit"], row["budgets"][0]["limit_usd"]) == (2, "5.00")
    assert check_ok(house.ask("GET", "/v1/limits?level=user&owner=ada", key=key)) == row
    whole = check_ok(house.ask("GET", "/v1/limits?level=workspace", key=key))
    assert whole["id"] == record.workspace_id
    refuse(house.ask("PATCH", "/v1/limits", {"level": "workspace", "budgets": {"total": "1"}}, key=key), "operator")
    refuse(house.ask("PATCH", "/v1/limits", {**body, "owner": "owner"}, key=key), "own limits")
    own: dict[str, Any] = {"level": "key", "owner": record.id, "budgets": {"daily": "1"}}
    check_ok(house.ask("PATCH", "/v1/limits", own, key=key))
    refuse(house.ask("PATCH", "/v1/limits", {**own, "budgets": {"daily": "2"}}, key=key), "budgets.daily")
    refuse(house.ask("PATCH", "/v1/limits", {**own, "budgets": {"daily": None}}, key=key), "budgets.daily")
    for owner in ({"level": "user"}, {"level": "workspace", "owner": "acme"}, {"level": "gateway"}):
        assert house.ask("PATCH", "/v1/limits", owner, key=key).status == 400


def test_what_is_another_workspaces_is_as_unknown_as_what_never_was(house: House, boss: tuple[str, KeyRecord]) -> None:
    key, _ = boss
    _, foreign = house.make_key("globex", name="foreign")
    operators = admin.create_user(house.database, "acme", "op", actor="cli", role="operator")
    hidden = check_ok(
        house.administer("POST", "/v1/admin/keys", {"workspace": "acme", "user": "op", "class": "admin"}), 201
    )
    unknown_key, unknown_user = "key_" + "0" * 32, "usr_" + "0" * 32
    pairs = [(foreign.id, unknown_key), (hidden["id"], unknown_key), ("foreign", "nothing")]
    for theirs, nobodys in pairs:
        for method, path, body in (
            ("GET", "/v1/api-keys/{}", None),
            ("PATCH", "/v1/api-keys/{}", {"models": ["m"]}),
            ("DELETE", "/v1/api-keys/{}", None),
            ("POST", "/v1/api-keys/{}/rotate", {}),
            ("GET", "/v1/limits?level=key&owner={}", None),
            ("PATCH", "/v1/limits", {"level": "key", "owner": "{}", "concurrency": 1}),
            ("GET", "/v1/api-keys?cursor={}", None),
        ):
            compare(house, key, method, path, body, (theirs, nobodys))
    for theirs, nobodys in ((foreign.user_id, unknown_user), (foreign.user_id, "nobody")):
        for method, path, body in (
            ("GET", "/v1/users/{}", None),
            ("PATCH", "/v1/users/{}", {"role": "viewer"}),
            ("POST", "/v1/api-keys", {"user": "{}"}),
            ("PATCH", "/v1/limits", {"level": "user", "owner": "{}", "concurrency": 1}),
            ("GET", "/v1/users?cursor={}", None),
        ):
            compare(house, key, method, path, body, (theirs, nobodys))
    refuse(house.ask("PATCH", f"/v1/users/{operators.id}", {"status": "disabled"}, key=key), "admin:access")


def compare(house: House, key: str, method: str, path: str, body: Any, names: tuple[str, str]) -> None:
    """Two names get the same answer, but for the name that was asked for and the request's own id."""
    answers: list[tuple[int, bytes]] = []
    for name in names:
        filled = (
            {field: value.replace("{}", name) if isinstance(value, str) else value for field, value in body.items()}
            if body is not None
            else None
        )
        answer = house.ask(method, path.format(name), filled, key=key, headers={"X-Request-ID": "same"})
        answers.append((answer.status, answer.body.replace(name.encode(), b"ID")))
    assert answers[0] == answers[1], (method, path)
    assert answers[0][0] in (400, 404), (method, path)


@pytest.mark.parametrize("field", ["workspace", "workspace_id", "user_id", "tenant", "balance", "is_admin", "class"])
def test_no_body_names_what_it_must_not(house: House, boss: tuple[str, KeyRecord], field: str) -> None:
    key, record = boss
    for method, path, body in (
        ("POST", "/v1/api-keys", {}),
        ("PATCH", f"/v1/api-keys/{record.id}", {}),
        ("POST", f"/v1/api-keys/{record.id}/rotate", {}),
        ("POST", "/v1/users", {"name": "ada"}),
        ("PATCH", "/v1/users/owner", {}),
        ("PATCH", "/v1/limits", {"level": "user", "owner": "owner"}),
    ):
        check_error(house.ask(method, path, {**body, field: "x"}, key=key), 400, "invalid_value")
    assert len(check_ok(house.ask("GET", "/v1/users", key=key))) == 1


BEYOND: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # What the maker has, what it asks for, and what the refusal names.
    "a permission": ({"permissions": ["api_keys:manage"]}, {"permissions": ["models:use"]}, "models:use"),
    "the default grant": ({"permissions": ["api_keys:manage"]}, {}, "accounting:view_own"),
    "every model": ({"models": ["m"]}, {}, "models"),
    "another model": ({"models": ["m"]}, {"models": ["m", "n"]}, "models"),
    "everywhere": ({"networks": ["127.0.0.0/8"]}, {}, "networks"),
    "a wider network": ({"networks": ["127.0.0.0/8"]}, {"networks": ["126.0.0.0/7"]}, "networks"),
    "for ever": ({"expires_at_ns": 4102444800 * 10**9}, {}, "expires_at"),
    "longer": ({"expires_at_ns": 4102444800 * 10**9}, {"expires_at": LATER}, "expires_at"),
    "more calls": ({"slots_max": 2}, {"concurrency": 3}, "concurrency"),
    "any number of calls": ({"slots_max": 2}, {}, "concurrency"),
    "more money": ({"budgets_nusd": {"daily": 10**9}}, {"budgets": {"daily": "1.01"}}, "budgets.daily"),
    "money for another time": ({"budgets_nusd": {"daily": 10**9}}, {"budgets": {"total": "1"}}, "budgets.daily"),
    "more requests": ({"rpm": 10}, {"rpm": 11}, "rates.requests"),
    "any number of tokens": ({"tpm": 10}, {"rpm": 1}, "rates.tokens"),
}


@pytest.mark.parametrize("beyond", BEYOND)
def test_nobody_gives_more_than_they_have(house: House, beyond: str) -> None:
    has, asks, named = BEYOND[beyond]
    wishes: dict[str, Any] = {"permissions": ALL, **has}
    key, _ = house.make_key(**wishes)
    _, other = house.make_key(name="other")
    refuse(house.ask("POST", "/v1/api-keys", asks, key=key), named)
    assert [row["id"] for row in check_ok(house.ask("GET", "/v1/api-keys", key=key))][1:] == [other.id]
    if beyond not in ("money for another time", "any number of tokens"):
        # A key that has more already is not to be had by rotating it either.
        wider = house.make_key(name="wider", permissions=ALL)[1]
        refuse(house.ask("POST", f"/v1/api-keys/{wider.id}/rotate", {}, key=key), "")


def test_nobody_touches_who_has_more(house: House, boss: tuple[str, KeyRecord]) -> None:
    _, mighty = boss
    weak, _ = house.make_key(permissions=["api_keys:manage", "users:manage", "routing:view"])
    for method, path, body in (
        ("PATCH", f"/v1/api-keys/{mighty.id}", {"permissions": []}),
        ("DELETE", f"/v1/api-keys/{mighty.id}", None),
        ("POST", f"/v1/api-keys/{mighty.id}/rotate", {}),
        ("PATCH", "/v1/users/owner", {"role": "viewer"}),
        ("POST", "/v1/users", {"name": "ada"}),
    ):
        refuse(house.ask(method, path, body, key=weak), "lack the permission")
    check_error(
        house.ask("POST", "/v1/users", {"name": "eve", "role": "operator"}, key=boss[0]), 403, "permission_denied"
    )
    assert [key.version for key in admin.list_keys(house.database) if key.id == mighty.id] == [1]


def test_the_last_admin_does_not_lock_the_door_from_outside(house: House, boss: tuple[str, KeyRecord]) -> None:
    key, record = boss
    for change in ({"role": "member"}, {"status": "disabled"}):
        check_error(house.ask("PATCH", f"/v1/users/{record.user_id}", change, key=key), 409, "conflict")
    check_ok(house.ask("POST", "/v1/users", {"name": "ada", "role": "admin"}, key=key), 201)
    assert check_ok(house.ask("PATCH", "/v1/users/owner", {"role": "member"}, key=key))["role"] == "member"
    refuse(house.ask("GET", "/v1/users", key=key), "users:manage")


def test_a_role_bounds_what_a_key_was_granted(house: House) -> None:
    key, record = house.make_key(permissions=ALL)
    admin.change_user(house.database, "acme", "owner", actor="cli", role="member")
    for method, path in DOORS:
        body = None if method in ("GET", "DELETE") else {}
        wanted = {"api-keys": "api_keys:manage", "users": "users:manage", "limits": "accounting:manage_budgets"}
        refuse(house.ask(method, path.format(id=record.id), body, key=key), wanted[path.split("/")[2]])
    check_ok(house.ask("GET", "/v1/key", key=key))


def test_an_operator_looks_after_the_gateway_with_a_key_of_their_own(house: House, boss: tuple[str, KeyRecord]) -> None:
    operator = admin.create_user(house.database, "acme", "op", actor="cli", role="operator")
    body: dict[str, Any] = {"workspace": "acme", "user": "op", "class": "admin", "name": "op's", "expires_at": SOON}
    check_error(house.administer("POST", "/v1/admin/keys", {**body, "user": "owner"}), 400, "invalid_value")
    check_error(house.administer("POST", "/v1/admin/keys", {**body, "models": ["m"]}), 400, "invalid_value")
    made = check_ok(house.administer("POST", "/v1/admin/keys", body), 201)
    key = made["key"]
    assert key.startswith("lx-a_")
    check_ok(house.ask("POST", "/v1/admin/workspaces", {"name": "globex"}, key=key), 201)
    with house.database.reading() as connection:
        actors = connection.exec_driver_sql("SELECT actor FROM audit_log ORDER BY seq DESC LIMIT 1").scalar()
    assert actors == operator.id
    for path in ("/v1/key", "/v1/credits", "/v1/api-keys", "/v1/users", "/v1/limits?level=workspace"):
        check_error(house.ask("GET", path, key=key), 403, "permission_denied")
    check_error(
        house.ask("POST", "/v1/admin/keys", {**body, "name": "x", "expires_at": LATER}, key=key),
        403,
        "permission_denied",
    )
    check_ok(house.ask("POST", "/v1/admin/keys", {**body, "name": "y"}, key=key), 201)
    check_error(house.ask("GET", "/v1/admin/workspaces", key=boss[0]), 403, "permission_denied")
    turned = check_ok(house.ask("POST", f"/v1/admin/keys/{made['id']}/rotate", {"overlap_s": 0}, key=key))
    check_error(house.ask("GET", "/v1/admin/workspaces", key=key), 401, "invalid_api_key")
    check_ok(house.ask("GET", "/v1/admin/workspaces", key=turned["key"]))
    admin.change_user(house.database, "acme", "op", actor="cli", role="admin")
    check_error(house.ask("GET", "/v1/admin/workspaces", key=turned["key"]), 401, "invalid_api_key")


def test_a_key_is_used_from_its_networks_alone(house: House, boss: tuple[str, KeyRecord]) -> None:
    near, _ = house.make_key(networks=["127.0.0.1"], name="near")
    far, _ = house.make_key(networks=["192.0.2.0/24"], name="far")
    check_ok(house.ask("GET", "/v1/key", key=near))
    told = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
    refuse(house.ask("GET", "/v1/key", key=far, headers=told), "127.0.0.1")
    check_error(house.ask("POST", "/v1/api-keys", {"networks": ["300.0.0.0/8"]}, key=boss[0]), 400, "invalid_value")
