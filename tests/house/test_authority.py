"""Authority is in the URL table: each address says who may call it, and what costs money takes the hallway.

The table is a value that is checked here, and the doors are held to it: what is not public cannot be opened without the
guard, and a billable address leads to no other door than the hallway's.
"""

import ast
from typing import get_args

from tallygate.access.permissions import ADMIN_ACCESS, PERMISSIONS
from tallygate.api import log_doors, openrouter_doors, receipt_doors
from tallygate.api.admin.doors import DOORS
from tallygate.api.guard import WANTED
from tallygate.api.inference import CALLS
from tallygate.api.urls import URLS, Door, Policy, Route
from tallygate.api.workspace import doors as workspace
from tests.house.source import PACKAGE, ROOT

PUBLIC = {
    "list_models",
    "show_model",
    "list_passports",
    "show_passport",
    "openrouter_models",
    "openrouter_model",
    "home",
    "health",
    "ready",
    "log",
    "upgrade",
}
"""Doors that open to anybody. Adding one is a decision, taken here."""


def breaches(routes: tuple[Route, ...]) -> list[str]:
    """What is wrong with a table."""
    found: list[str] = []
    for route in routes:
        if route.policy not in get_args(Policy) or (route.policy != "public" and route.policy not in WANTED):
            found.append(f"{route.path} has no policy that anybody checks")
        if (route.policy == "public") != (route.door in PUBLIC):
            found.append(f"{route.path} is {route.policy}, and its door {route.door} is not")
        if route.billable and route.door not in CALLS:
            found.append(f"{route.path} costs money and does not lead to the hallway")
        if route.door == "call" and not route.billable:
            found.append(f"{route.path} is answered by a model and is not billable")
        if route.door in CALLS and route.policy != "models":
            found.append(f"{route.path} takes the hallway, which asks for models:use")
        is_admins = route.path.startswith("/v1/admin/") or route.path == "/metrics"
        if len({is_admins, route.door in ("admin", "metrics"), route.policy == "admin"}) > 1:
            found.append(f"{route.path} mixes the admin's doors with others")
        if (route.door == "workspace") != (route.policy in ("keys", "users", "budgets")):
            found.append(f"{route.path} mixes the doors of a workspace's own people with others")
    return found


def test_every_address_has_a_policy_and_every_billable_one_takes_the_hallway() -> None:
    assert breaches(URLS) == []


def test_a_bad_line_is_found() -> None:
    bad = (
        Route(("GET",), "/a", "unified", "", "credits"),  # pyright: ignore[reportArgumentType]
        Route(("GET",), "/b", "unified", "public", "credits"),
        Route(("GET",), "/c", "unified", "any key", "health"),
        Route(("POST",), "/d", "unified", "models", "quote", billable=True),
        Route(("POST",), "/e", "openai_chat", "models", "call"),
        Route(("POST",), "/f", "openai_chat", "any key", "call", billable=True),
        Route(("GET",), "/v1/admin/g", "unified", "accounting", "usage"),
        Route(("GET",), "/h", "unified", "admin", "usage"),
        Route(("GET",), "/i", "unified", "any key", "workspace"),
        Route(("GET",), "/j", "unified", "keys", "usage"),
    )
    for line in bad:
        assert breaches((line,)), line.path


def test_lines_of_one_address_speak_one_dialect() -> None:
    assert len({(route.path, route.dialect) for route in URLS}) == len({route.path for route in URLS})


def test_a_line_cannot_leave_its_policy_out() -> None:
    required = {"methods", "path", "dialect", "policy", "door"}
    assert required == {*Route.__struct_fields__} - {"billable"}
    assert len(Route.__struct_defaults__) == 1


def test_every_door_is_opened_and_the_guard_stands_before_those_that_are_not_public() -> None:
    """`Doors._open` calls the guard first; the doors behind it are opened in `_open_guarded`, which it alone calls."""
    tree = ast.parse((ROOT / PACKAGE / "api/doors.py").read_text())
    methods = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
    free, guarded = cases(methods["_open"]), cases(methods["_open_guarded"])
    assert free == PUBLIC
    assert guarded == {*get_args(Door)} - PUBLIC - {*CALLS}
    assert {route.door for route in URLS} == {*get_args(Door)}
    assert callers(methods, "_open_guarded") == ["_open"]
    first = methods["_open"].body[1]  # after the docstring
    assert isinstance(first, ast.If)
    assert ast.unparse(first.test) == "route.policy != 'public'"
    assert ast.unparse(first.body[0]).startswith("principal = await admit(")


def test_every_method_of_the_addresses_at_a_desk_has_a_function() -> None:
    for door, functions in {"admin": DOORS, "workspace": workspace.DOORS}.items():
        named = {(method, route.path) for route in URLS if route.door == door for method in route.methods}
        assert named == functions.keys()


def test_every_permission_opens_a_door_and_no_policy_asks_for_another() -> None:
    asked = {permission for wanted in WANTED.values() for permission in wanted}
    assert asked == {*PERMISSIONS, ADMIN_ACCESS}
    assert {route.policy for route in URLS} == {*get_args(Policy)}


def test_every_address_of_a_door_with_several_has_a_function() -> None:
    tables = {"log": log_doors.DOORS, "receipts": receipt_doors.DOORS, "openrouter_account": openrouter_doors.DOORS}
    for door, functions in tables.items():
        assert {route.path for route in URLS if route.door == door} == functions.keys()


def cases(function: ast.AsyncFunctionDef) -> set[str]:
    """The texts that a function's `match` tells apart."""
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.MatchValue)]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def callers(methods: dict[str, ast.AsyncFunctionDef], name: str) -> list[str]:
    """Which methods name another one."""
    return [
        caller
        for caller, body in methods.items()
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute) and node.attr == name
    ]
