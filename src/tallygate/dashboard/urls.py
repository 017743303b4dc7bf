"""The table of the pages: which methods an address takes, who may ask for it, and which page it is.

It has its own table because its rules are its own: sessions instead of keys, forms instead of JSON. An address that is
not here is a 404.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from tallygate.api.door import decode_slot
from tallygate.errors import MethodNotAllowed

ROOT: Final = "/dashboard"

Audience = Literal["anybody", "viewer", "member", "admin", "operator"]
"""Who may ask, at least. `anybody` needs no session; a viewer sees and changes nothing but their own password."""


class Line(Struct, frozen=True):
    """One address. A place such as ``{id}`` takes one part between slashes."""

    methods: tuple[str, ...]
    path: str
    audience: Audience


GET: Final = ("HEAD", "GET")
POST: Final = ("POST",)

LINES: Final[tuple[Line, ...]] = (
    Line(GET, "/dashboard", "viewer"),
    Line(GET, "/dashboard/static/{name}", "anybody"),
    Line(GET, "/dashboard/sign-in", "anybody"),
    Line(POST, "/dashboard/sign-in", "anybody"),
    Line(POST, "/dashboard/sign-in/admin-key", "anybody"),
    Line(GET, "/dashboard/sign-in/check", "anybody"),
    Line(POST, "/dashboard/sign-out", "viewer"),
    Line(POST, "/dashboard/sign-out/everywhere", "viewer"),
    Line(GET, "/dashboard/password", "viewer"),
    Line(POST, "/dashboard/password", "viewer"),
    Line(GET, "/dashboard/keys", "viewer"),
    Line(POST, "/dashboard/keys", "member"),
    Line(GET, "/dashboard/keys/new", "member"),
    Line(GET, "/dashboard/keys/{id}", "viewer"),
    Line(POST, "/dashboard/keys/{id}/limits", "admin"),
    Line(GET, "/dashboard/keys/{id}/rotate", "member"),
    Line(POST, "/dashboard/keys/{id}/rotate", "member"),
    Line(GET, "/dashboard/keys/{id}/revoke", "member"),
    Line(POST, "/dashboard/keys/{id}/revoke", "member"),
    Line(GET, "/dashboard/users", "admin"),
    Line(POST, "/dashboard/users", "admin"),
    Line(GET, "/dashboard/users/{id}", "admin"),
    Line(POST, "/dashboard/users/{id}/password", "admin"),
    Line(POST, "/dashboard/users/{id}/role", "admin"),
    Line(POST, "/dashboard/users/{id}/limits", "admin"),
    Line(GET, "/dashboard/users/{id}/disable", "admin"),
    Line(POST, "/dashboard/users/{id}/disable", "admin"),
    Line(GET, "/dashboard/money", "viewer"),
    Line(POST, "/dashboard/money/credit", "operator"),
    Line(POST, "/dashboard/money/limits", "operator"),
    Line(GET, "/dashboard/usage", "viewer"),
    Line(GET, "/dashboard/usage.csv", "viewer"),
    Line(GET, "/dashboard/calls", "viewer"),
    Line(GET, "/dashboard/calls/{id}", "viewer"),
    Line(POST, "/dashboard/calls/{id}/verify", "viewer"),
    Line(GET, "/dashboard/calls/{id}/receipt.json", "viewer"),
    Line(POST, "/dashboard/calls/{id}/refund", "operator"),
    Line(GET, "/dashboard/models", "viewer"),
    Line(GET, "/dashboard/health", "viewer"),
    Line(GET, "/dashboard/workspaces", "operator"),
    Line(POST, "/dashboard/workspaces", "operator"),
)


class Place(Struct, frozen=True):
    """The line of a request, and what its path says in the places the line leaves open."""

    line: Line
    slots: Mapping[str, str]


NOWHERE: Final = Place(Line((*GET, *POST), "", "anybody"), {})
"""Where an address leads that is not in the table: to a page that says so."""


def is_ours(path: str) -> bool:
    """Whether a raw path belongs to the pages."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def match(method: str, path: str) -> Place:
    """The line for a method and a raw path; NOWHERE if there is none. Raises MethodNotAllowed."""
    found = [place for line in LINES if (place := _fill(line, path)) is not None]
    if not found:
        return NOWHERE
    # An address that is spelled out stands before one with an open place.
    exact = [place for place in found if not place.slots] or found
    for place in exact:
        if method in place.line.methods:
            return place
    allowed = sorted({name for place in exact for name in place.line.methods})
    raise MethodNotAllowed(f"This page takes {' and '.join(allowed)} only.", details={"allow": ", ".join(allowed)})


def _fill(line: Line, path: str) -> Place | None:
    fit = _PATTERNS[line.path].fullmatch(path)
    if fit is None:
        return None
    slots = {name: decode_slot(raw) for name, raw in fit.groupdict().items()}
    if any(text is None for text in slots.values()):
        return None
    return Place(line, {name: text for name, text in slots.items() if text is not None})


def _compile(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{([a-z]+)\\}", r"(?P<\1>[^/]+)", re.escape(path)), re.DOTALL)


_PATTERNS: Final = {line.path: _compile(line.path) for line in LINES}
