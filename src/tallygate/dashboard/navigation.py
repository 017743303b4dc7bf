"""The ways between the pages, for a person who may go them."""

from typing import Final

from msgspec import Struct

from tallygate.dashboard.rights import is_at_least
from tallygate.dashboard.urls import ROOT, Audience
from tallygate.dashboard.visit import Visit

_WAYS: Final[tuple[tuple[str, str, Audience], ...]] = (
    ("Overview", ROOT, "viewer"),
    ("Keys", f"{ROOT}/keys", "viewer"),
    ("Calls", f"{ROOT}/calls", "viewer"),
    ("Usage", f"{ROOT}/usage", "viewer"),
    ("Money", f"{ROOT}/money", "viewer"),
    ("Models", f"{ROOT}/models", "viewer"),
    ("Health", f"{ROOT}/health", "viewer"),
    ("Users", f"{ROOT}/users", "admin"),
    ("Workspaces", f"{ROOT}/workspaces", "operator"),
)


class Link(Struct, frozen=True):
    """A way to another page; `here`: we are on it, or on one below it."""

    name: str
    url: str
    here: bool


def list_links(visit: Visit) -> list[Link]:
    """Where this person may go."""
    path = visit.request.path
    return [
        Link(name, visit.at(target), path == target or (target != ROOT and path.startswith(f"{target}/")))
        for name, target, audience in _WAYS
        if is_at_least(visit.person, audience)
    ]
