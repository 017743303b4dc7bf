"""Who sees and changes what on the pages, from a person's role alone. Every page asks here, and nowhere else.

What a role opens is said in `access.roles`; changes of keys and users are judged once more where they are made.
"""

from typing import Final

from tallygate.access.permissions import ACCOUNTING_TENANT, ADMIN_ACCESS, PERMISSIONS
from tallygate.access.roles import ROLES
from tallygate.access.sessions import Person
from tallygate.dashboard.urls import Audience
from tallygate.errors import PermissionDenied
from tallygate.store.usage import Scope

_RANKS: Final[dict[Audience, int]] = {"anybody": 0, "viewer": 1, "member": 2, "admin": 3, "operator": 4}


def is_at_least(person: Person, audience: Audience) -> bool:
    """Whether a person's role reaches so far."""
    return _RANKS[person.role] >= _RANKS[audience]


def require(person: Person, audience: Audience) -> None:
    """Let somebody pass, or raise PermissionDenied."""
    if not is_at_least(person, audience):
        raise PermissionDenied(f"Your role is {person.role}; this needs {audience}.")


def find_scope(person: Person, workspace_id: str) -> Scope:
    """Whose calls, keys and receipts a person sees in a workspace: everybody's, or their own."""
    return Scope(workspace_id, None if ACCOUNTING_TENANT in ROLES[person.role] else person.user_id)


def list_grantable(person: Person) -> dict[str, str]:
    """What somebody may give to a key, with what it opens: no more than they may themselves."""
    own = ROLES[person.role] - {ADMIN_ACCESS}
    return {name: text for name, text in PERMISSIONS.items() if name in own}
