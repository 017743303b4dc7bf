"""What users of each role may do: the bound of everything that their keys were granted.

A role is looked up with the key, for each call; changing it counts the user's keys on, so that the next call sees it
(docs/reference/permissions.md). Each role opens what the one before it opens, and more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.access.keys import ADMIN
from tallygate.access.permissions import (
    ACCOUNTING_OWN,
    ADMIN_ACCESS,
    MODELS_USE,
    PERMISSIONS,
    ROUTING_VIEW,
)
from tallygate.errors import InvalidValue
from tallygate.store.rows import ADMINISTRATOR, MEMBER, OPERATOR, VIEWER

ROLES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        VIEWER: frozenset({ROUTING_VIEW, ACCOUNTING_OWN}),
        MEMBER: frozenset({MODELS_USE, ROUTING_VIEW, ACCOUNTING_OWN}),
        ADMINISTRATOR: frozenset(PERMISSIONS),
        OPERATOR: frozenset(PERMISSIONS) | {ADMIN_ACCESS},
    }
)
"""Every role, the least first, with all that its users' keys may be granted."""


def check_role(role: str) -> str:
    """Raises InvalidValue listing the roles."""
    if role not in ROLES:
        raise InvalidValue(f"There is no role {role!r}. A user is one of: {', '.join(ROLES)}.", param="role")
    return role


def bound(role: str, key_class: str) -> frozenset[str]:
    """All that a key of this class may ever do for a user of this role.

    A key of the admin plane opens nothing else, and no other key opens the admin plane, whatever it was granted.
    """
    opened = ROLES.get(role, frozenset[str]())
    return opened & {ADMIN_ACCESS} if key_class == ADMIN else opened - {ADMIN_ACCESS}
