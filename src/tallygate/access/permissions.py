"""What a key may be allowed to do, and the one function that asks.

Which door asks for which permission is written at the door; a permission can be granted before its door is open, so
that a key made today keeps what it was given. Nothing is implied: no permission contains another. How much of a grant
counts depends on the role of the key's user (`roles`).
"""

from collections.abc import Iterable, Sequence

from tallygate.access.principal import Principal
from tallygate.errors import InvalidValue, ModelAccessDenied, PermissionDenied

MODELS_USE = "models:use"
ROUTING_VIEW = "routing:view"
ACCOUNTING_OWN = "accounting:view_own"
ACCOUNTING_TENANT = "accounting:view_tenant"
BUDGETS_MANAGE = "accounting:manage_budgets"
USERS_MANAGE = "users:manage"
KEYS_MANAGE = "api_keys:manage"
ADMIN_ACCESS = "admin:access"
"""Held by the admin key and by the admin keys of operators alone, and never granted to a key of a workspace."""

NAME_SHOWN_MAX = 100
"""How much of a name from a request is repeated to its sender."""

PERMISSIONS: dict[str, str] = {
    MODELS_USE: "call models: every inference door, files and batches",
    ROUTING_VIEW: "see how a call would be routed and what it may cost at most",
    ACCOUNTING_OWN: "see the calls, usage and receipts of the key's own user, and the balance they are paid from",
    ACCOUNTING_TENANT: "see the calls, usage and receipts of the whole workspace, its balance and what paid it",
    BUDGETS_MANAGE: "see the limits of the workspace, and set those of its users and keys",
    USERS_MANAGE: "list, create, change and disable users of the workspace",
    KEYS_MANAGE: "list, create, change, rotate and revoke API keys of the workspace",
}
"""Every permission that can be granted to a key, with what it opens."""

DEFAULT_GRANT = frozenset({MODELS_USE, ROUTING_VIEW, ACCOUNTING_OWN})
"""What a key gets where nothing else is said, as far as its user's role goes."""


def check_grant(permissions: Iterable[str]) -> frozenset[str]:
    """The set to grant. Raises InvalidValue naming the unknown ones and listing the known."""
    grant = frozenset(permissions)
    unknown = sorted(grant - PERMISSIONS.keys())
    if unknown:
        known = ", ".join(PERMISSIONS)
        raise InvalidValue(
            f"There is no permission {', '.join(map(repr, unknown))}. These can be granted: {known}.",
            param="permissions",
        )
    return grant


def require(principal: Principal, permission: str, *, model: str | None = None) -> None:
    """Let the principal pass, or raise PermissionDenied, or ModelAccessDenied for a model off its list."""
    require_any(principal, (permission,))
    if model is not None and principal.models is not None and model not in principal.models:
        raise ModelAccessDenied(f"This API key may not call the model {model[:NAME_SHOWN_MAX]!r}.", param="model")


def require_any(principal: Principal, permissions: Sequence[str]) -> None:
    """Let a principal pass who has one of the permissions, or raise PermissionDenied, which names the first."""
    if principal.permissions.isdisjoint(permissions):
        require_workspace(principal)
        wanted = permissions[0]
        raise PermissionDenied(f"This API key lacks the permission {wanted!r}.", details={"permission": wanted})


def require_workspace(principal: Principal) -> None:
    """Let the key of a workspace pass. Raises PermissionDenied for the admin key, which belongs to none."""
    if ADMIN_ACCESS in principal.permissions:
        raise PermissionDenied(
            "The admin key opens only the admin API. Make an API key for this with `tallygate keys create`."
        )
