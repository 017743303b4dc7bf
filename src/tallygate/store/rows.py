"""What the store gives and takes about workspaces, users and keys: frozen values, no behaviour.

Times are integer nanoseconds since 1970 UTC (`_ns`). A full API key is in none of them: only its digest goes in, only
its prefix and last four symbols come out.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from tallygate.genai.book import Period, RateKind

ACTIVE = "active"
DISABLED = "disabled"
REVOKED = "revoked"

OPERATOR = "operator"
ADMINISTRATOR = "admin"
MEMBER = "member"
VIEWER = "viewer"
"""Roles of users. What each opens is known in `access`."""

FIRST_USER = "owner"
"""The user that every workspace starts with; keys belong to it where nobody else is named."""

_texts = msgspec.json.Decoder(list[str])


class KeyRow(Struct, frozen=True):
    """What a call needs to know of a key: itself, and whether its user and workspace still stand.

    Found by the text that took its place or by one that it had before and that still counts: `status` and
    `expires_at_ns` are those of whichever ends first. `networks` are CIDR blocks, None for everywhere.
    """

    id: str
    user_id: str
    workspace_id: str
    permissions: frozenset[str]
    models: frozenset[str] | None
    networks: tuple[str, ...] | None
    status: str
    expires_at_ns: int | None
    version: int
    user_status: str
    workspace_status: str
    role: str
    key_class: str


class WorkspaceRow(Struct, frozen=True):
    """A workspace, as lists show it."""

    id: str
    name: str
    status: str
    created_at_ns: int
    disabled_at_ns: int | None


class UserRow(Struct, frozen=True):
    """A user, as lists show it; `workspace` is the workspace's name."""

    id: str
    workspace_id: str
    workspace: str
    name: str
    status: str
    created_at_ns: int
    disabled_at_ns: int | None
    role: str


class KeyRecord(Struct, frozen=True):
    """A key, as lists show it: never the key itself. `version` grows by one at each change.

    `replaced_by` is the id of the key whose earlier text this is, since it was rotated; None for a key itself.
    """

    id: str
    workspace_id: str
    workspace: str
    user_id: str
    user: str
    name: str
    prefix: str
    last4: str
    key_class: str
    permissions: list[str]
    models: list[str] | None
    status: str
    expires_at_ns: int | None
    version: int
    created_at_ns: int
    revoked_at_ns: int | None
    networks: list[str] | None
    replaced_by: str | None


class KeyText(Struct, frozen=True):
    """What is kept of a key's text: its digest, and the ends that lists show."""

    digest: bytes
    prefix: str
    last4: str


class NewKey(Struct, frozen=True, kw_only=True):
    """A key to be stored. `models` None means every model, `networks` None everywhere, `slots_max` None as many calls
    as its user may have open.
    """

    digest: bytes
    name: str
    prefix: str
    last4: str
    key_class: str
    permissions: frozenset[str]
    models: frozenset[str] | None
    expires_at_ns: int | None
    networks: frozenset[str] | None = None
    slots_max: int | None = None
    shortens: bool = True
    rates: Mapping[RateKind, int | None] = field(default_factory=dict[RateKind, int | None])
    budgets_nusd: Mapping[Period, int] = field(default_factory=dict[Period, int])


def pack_texts(texts: Sequence[str] | frozenset[str]) -> str:
    """A set of strings as the one JSON text a column holds: sorted, so that equal sets are equal texts."""
    return msgspec.json.encode(sorted(texts)).decode()


def unpack_texts(packed: str) -> list[str]:
    """The strings of a column written by `pack_texts`."""
    return _texts.decode(packed)
