"""Who sees and changes what on the pages, from a person's role alone. Every page asks here, and nowhere else."""

from typing import Final

from tallygate.access.permissions import DEFAULT_GRANT, PERMISSIONS
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
    return Scope(workspace_id, None if is_at_least(person, "admin") else person.user_id)


def list_grantable(person: Person) -> frozenset[str]:
    """What somebody may give to a key: no more than they may themselves."""
    if is_at_least(person, "admin"):
        return frozenset(PERMISSIONS)
    return DEFAULT_GRANT if is_at_least(person, "member") else frozenset()
