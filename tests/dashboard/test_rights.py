"""Who sees and changes what: every address asked for by every role, and things of other workspaces and other users."""

import re

import pytest

from tallygate.dashboard.urls import LINES, Line
from tests.contract.gateway import Gateway
from tests.dashboard.people import ADMIN_KEY, PASSWORD, PEOPLE, Admin, set_password
from tests.dashboard.visitor import Visitor

RANKS = {"viewer": 1, "member": 2, "admin": 3, "operator": 4}
OF_ROLE = {role: name for name, role in PEOPLE.items()}


@pytest.fixture(scope="module")
def visitors(gateway: Gateway) -> dict[str, Visitor]:
    """One signed-in person of each role, and one without a session."""
    found = {"nobody": Visitor(gateway)}
    for role, name in OF_ROLE.items():
        found[role] = Visitor(gateway)
        assert found[role].sign_in("default", name, PASSWORD).status == 303
        found[role].get("/dashboard")
    return found


@pytest.mark.parametrize(
    "line", [one for one in LINES if one.audience != "anybody"], ids=lambda one: f"{one.methods[-1]} {one.path}"
)
def test_every_address_by_every_role(visitors: dict[str, Visitor], line: Line) -> None:
    """A role that does not reach gets 403, nobody 401; who reaches asks for what is not there and changes nothing."""
    path = line.path.replace("{id}", "nothing")
    if path in ("/dashboard/sign-out", "/dashboard/sign-out/everywhere"):
        return  # it would end the sessions of the others
    for role, visitor in visitors.items():
        if line.methods == ("POST",):
            status = visitor.post(path, {}).status
        else:
            status = visitor.get(path).status
        if role == "nobody":
            assert status == 401, path
        elif RANKS[role] < RANKS[line.audience]:
            assert status == 403, (role, path)
        else:
            assert status in (200, 201, 303, 400, 404), (role, path)


@pytest.fixture(scope="module")
def foreign(gateway: Gateway) -> dict[str, str]:
    """A workspace beside, its key, its user and its call; and those of another user of the first workspace."""
    admin = Admin(gateway)
    workspace = admin.post("/v1/admin/workspaces", {"name": "Beside"})
    user = admin.post("/v1/admin/users", {"workspace": "Beside", "name": "bea", "role": "admin"})
    key = admin.post("/v1/admin/keys", {"workspace": "Beside", "user": "bea", "name": "beside"})
    body = {"model": "mock/echo", "messages": [{"role": "user", "content": "hers"}]}
    call = gateway.chat(body, key=key["key"]).headers["x-tallygate-receipt-id"]
    own = gateway.chat(body).headers["x-tallygate-receipt-id"]
    set_password(gateway.env, "bea", workspace="Beside")
    return {"workspace": workspace["id"], "user": user["id"], "key": key["id"], "call": call, "owners_call": own}


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_things_of_another_workspace_are_not_there(
    visitors: dict[str, Visitor], foreign: dict[str, str], role: str
) -> None:
    visitor = visitors[role]
    for query in ("", f"?workspace={foreign['workspace']}"):
        for path in (f"keys/{foreign['key']}", f"calls/{foreign['call']}", f"calls/{foreign['call']}/receipt.json"):
            assert visitor.get(f"/dashboard/{path}{query}").status == 404, path
        assert visitor.post(f"/dashboard/calls/{foreign['call']}/verify{query}", {}).status == 404
        assert "Beside" not in visitor.get(f"/dashboard/keys{query}").text
        assert foreign["call"] not in visitor.get(f"/dashboard/calls{query}").text
    if role == "admin":
        for path in (f"users/{foreign['user']}", f"keys/{foreign['key']}/limits", f"keys/{foreign['key']}/revoke"):
            ask = visitor.get if path.startswith("users") else lambda one: visitor.post(one, {})
            assert ask(f"/dashboard/{path}").status == 404, path
        assert visitor.post(f"/dashboard/users/{foreign['user']}/password", {"password": PASSWORD}).status == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_calls_and_keys_of_another_user_are_not_there(
    visitors: dict[str, Visitor], foreign: dict[str, str], role: str
) -> None:
    visitor = visitors[role]
    assert visitor.get(f"/dashboard/calls/{foreign['owners_call']}").status == 404
    assert foreign["owners_call"] not in visitor.get("/dashboard/calls").text
    assert visitor.get("/dashboard/keys/first").status == 404
    assert visitors["admin"].get(f"/dashboard/calls/{foreign['owners_call']}").status == 200


def test_an_operator_sees_every_workspace(visitors: dict[str, Visitor], foreign: dict[str, str]) -> None:
    seen = visitors["operator"].get(f"/dashboard/calls?workspace={foreign['workspace']}")
    assert foreign["call"] in seen.text
    assert visitors["operator"].get("/dashboard/calls?workspace=ws_nothing").status == 404


def test_nobody_gives_a_key_more_than_they_have(visitors: dict[str, Visitor]) -> None:
    member = visitors["member"]
    shown = member.get("/dashboard/keys/new").text
    assert "accounting:view_tenant" not in shown
    seen = member.post("/dashboard/keys", {"name": "greedy", "permission": "accounting:view_tenant"})
    assert seen.status in (400, 403)
    made = member.post("/dashboard/keys", {"name": "fair", "permission": "models:use", "user": "owner"})
    assert made.status == 201
    assert re.search(r"<dt>User</dt><dd>mia</dd>", made.text)


def test_an_admin_makes_no_operator_and_gives_one_no_password(visitors: dict[str, Visitor], gateway: Gateway) -> None:
    admin = visitors["admin"]
    assert admin.post("/dashboard/users", {"name": "omar", "role": "operator"}).status in (400, 403)
    users = gateway.ask("GET", "/v1/admin/users?workspace=default", key=ADMIN_KEY).json["data"]
    olga = next(user["id"] for user in users if user["name"] == "olga")
    assert admin.post(f"/dashboard/users/{olga}/password", {"password": "a password for olga"}).status == 403
    assert admin.post(f"/dashboard/users/{olga}/disable", {}).status in (400, 403, 409)
    assert visitors["operator"].get("/dashboard").status == 200
