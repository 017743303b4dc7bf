"""What is right for each cell of the tenancy matrix: a route, a method, somebody, and whose object is asked for.

Spelt from the pages, not from the gateway's guard: two who read the same promise must come to the same answer. A policy
that is not known here fails the matrix, so that no route can be added without saying who may.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from tallygate.api.urls import URLS, Route
from tests.security.standings import Standing

Whose = Literal["own", "foreign", "random"]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

OPENS: Final[Mapping[str, frozenset[str] | None]] = MappingProxyType(
    {
        "models": frozenset({"models:use"}),
        "any key": None,
        "routing": frozenset({"routing:view"}),
        "accounting": frozenset({"accounting:view_own", "accounting:view_tenant"}),
        "keys": frozenset({"api_keys:manage"}),
        "users": frozenset({"users:manage"}),
        "budgets": frozenset({"accounting:manage_budgets"}),
        "admin": frozenset({"admin:access"}),
    }
)
"""One of which permissions lets somebody in; None: whoever has a key of a workspace."""

NARROWER: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"/api/v1/credits": frozenset({"accounting:view_tenant"})}
)
"""Addresses that tell more than others of their policy."""

MESSAGES: Final = [{"role": "user", "content": "hello"}]
NOBODY: Final = "nobody/has-this"
CALLS: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "openai_completions": {"prompt": "hello"},
        "openai_responses": {"input": "hello"},
        "openai_embeddings": {"input": "hello"},
        "openrouter_embeddings": {"input": "hello"},
        "unified_embed": {"input": "hello"},
        "unified_generate": {"prompt": "hello"},
        "anthropic_messages": {"messages": MESSAGES, "max_tokens": 9},
        "run": {"prompt": "hello"},
    }
)
"""Sound calls of each dialect, but for the model, which is nobody's; what is not here takes messages."""


class Cell(NamedTuple):
    """One request and what is right for it: these statuses, or, where there are none, any but a refusal."""

    route: Route
    method: str
    target: str
    body: bytes
    standing: Standing
    whose: Whose | None
    right: frozenset[int]

    def __str__(self) -> str:
        return f"{self.standing}: {self.method} {self.target} ({self.whose or 'no object'})"


REFUSALS: Final = frozenset({401, 403, 405})


def is_right(cell: Cell, status: int) -> bool:
    """Whether an answer's status is right."""
    return status in cell.right if cell.right else status not in REFUSALS and status < 500


def list_cells(standings: tuple[Standing, ...], words: Mapping[str, str]) -> list[Cell]:
    """All of them."""
    taken = {
        route.path: {method for other in URLS if other.path == route.path for method in other.methods} for route in URLS
    }
    cells = [
        make_cell(route, method, standing, whose, words)
        for route in URLS
        for method in route.methods
        for standing in standings
        for whose in list_owners(route)
    ]
    # Nobody may do what an address does not take, whoever they are.
    knocking = [standing for standing in standings if standing.name in ("nobody", "admin", "admin-key")]
    cells += [
        make_cell(route, method, standing, None, words)._replace(right=frozenset({405}))
        for route in URLS
        for method in METHODS
        if method not in taken[route.path]
        for standing in knocking
    ]
    return cells


def make_cell(route: Route, method: str, standing: Standing, whose: Whose | None, words: Mapping[str, str]) -> Cell:
    """One cell. Whoever comes from the other workspace has there what is foreign to all others."""
    right = judge(route, standing, whose, method)
    object_id = find_object(route, standing, whose, words)
    target = aim(route, method, whose, object_id)
    return Cell(route, method, target, fill(route, method, whose, object_id, right), standing, whose, right)


def judge(route: Route, standing: Standing, whose: Whose | None, method: str) -> frozenset[int]:
    """What is right; nothing: that it is let in."""
    if route.policy == "public":
        return frozenset()
    if not standing.is_live:
        return frozenset({401})
    if standing.refused:
        return frozenset({standing.refused})
    opens = NARROWER.get(route.path, OPENS[route.policy])
    if (not standing.tenant) if opens is None else opens.isdisjoint(standing.may):
        return frozenset({403})
    if whose in ("foreign", "random"):
        return frozenset({404})
    if whose == "own" and method == "GET" and route.policy == "accounting":
        # What is one's own here is a call of the workspace's first user.
        return frozenset({200, 202}) if "accounting:view_tenant" in standing.may else frozenset({404})
    return frozenset()


BY_QUERY: Final = ("/v1/generation", "/api/v1/generation", "/v1/limits")
KINDS: Final[Mapping[str, str]] = MappingProxyType({"keys": "KEY", "users": "USER", "budgets": "USER"})


def list_owners(route: Route) -> tuple[Whose | None, ...]:
    """Whose object may be asked for at an address that names one of a tenant's."""
    tenants = route.policy in ("accounting", "keys", "users", "budgets")
    named = "{id}" in route.path or route.path in BY_QUERY
    return ("own", "foreign", "random") if tenants and named else (None,)


def find_object(route: Route, standing: Standing, whose: Whose | None, words: Mapping[str, str]) -> str:
    """The id of what is asked for."""
    if whose is None:
        return words["MY_WORKSPACE"]
    here, there = ("THEIR", "MY") if standing.tenant == "rival" else ("MY", "THEIR")
    owner = {"own": here, "foreign": there, "random": "RANDOM"}[whose]
    return words[f"{owner}_{KINDS.get(route.policy, 'CALL')}"]


def aim(route: Route, method: str, whose: Whose | None, object_id: str) -> str:
    """The address with its places filled in. What would be let in to delete is refused for its query instead."""
    target = route.path
    for place, value in (("{id}", object_id), ("{model}", "plain"), ("{version}", "00000000"), ("{name}", "0/000")):
        target = target.replace(place, value)
    if route.path == "/v1/limits":
        target += f"?level=user&owner={object_id}" if method == "GET" else ""
    elif route.path in BY_QUERY:
        target += f"?id={object_id}"
    if method == "DELETE" and whose in ("own", None):
        target += "?is_there_such=1"
    return target


def fill(route: Route, method: str, whose: Whose | None, object_id: str, right: frozenset[int]) -> bytes:
    """A body: a sound one where it is to be refused for who asks, or for what; else one that no door takes."""
    if route.policy == "models":
        body = CALLS.get(route.dialect, {"messages": MESSAGES})
        known = "mock/embed" if "embed" in route.dialect else "plain"
        return json.dumps({"model": known if right else NOBODY, **body}).encode()
    body: dict[str, Any] = {"is_there_such_a_field": 1}
    if whose in ("foreign", "random"):
        body = CHANGES.get((method, route.path), {})
        if route.path == "/v1/limits":
            body = {"level": "user", "owner": object_id, "concurrency": 2}
    return json.dumps(body).encode()


CHANGES: Final[Mapping[tuple[str, str], dict[str, Any]]] = MappingProxyType(
    {
        ("PATCH", "/v1/api-keys/{id}"): {"expires_at": None},
        ("POST", "/v1/api-keys/{id}/rotate"): {"overlap_s": 60},
        ("PATCH", "/v1/users/{id}"): {"name": "somebody"},
    }
)
"""Sound changes of somebody's objects."""
