"""Who may give, take and change whose rights: nobody gives more than they have, and nobody touches who has more.

The rules of docs/reference/permissions.md as a judge that the store asks inside the transaction of a change, with the
rows as they stand there. Pure: nothing is read or written here.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from tallygate.access.keys import ADMIN
from tallygate.access.networks import contains
from tallygate.access.permissions import ADMIN_ACCESS, DEFAULT_GRANT
from tallygate.access.principal import Principal
from tallygate.access.roles import ROLES, bound
from tallygate.errors import Conflict, InvalidValue, PermissionDenied
from tallygate.store.rights import Rights
from tallygate.store.rows import ACTIVE, OPERATOR, UserRow

Name = TypeVar("Name", bound=str)

_STATIC_ADMIN = "admin"


class Delegation:
    """Judges changes that a principal asks for (store.rights.Judge). None, and the admin key, are bounded by nothing
    but what a role allows.
    """

    def __init__(self, by: Principal | None) -> None:
        bounded = by is not None and by.key_id != _STATIC_ADMIN
        self.key_id = by.key_id if by is not None and bounded else ""
        self.user_id = by.user_id if by is not None and bounded else ""
        self._let_in_with = by.permissions if by is not None and bounded else frozenset[str]()
        self._whole_gateway = by is None or ADMIN_ACCESS in by.permissions

    def judge_key(self, own: Rights | None, before: Rights | None, after: Rights | None) -> None:
        """Raises InvalidValue for what the user's role does not allow, PermissionDenied for what goes beyond `own`."""
        if after is not None and (before is None or before.permissions != after.permissions):
            _check_role_allows(after)
        if own is None:
            return
        self._check_standing(own)
        if self._whole_gateway:
            # An operator looks after all keys; only one of the admin plane could be a way out of its own bounds.
            if after is not None and after.key_class == ADMIN:
                _check_bounds(own, after)
            return
        if before is not None:
            _check_permissions(own, _effective(before), "touch a key that has it")
            _check_models(own, before)
        if after is not None:
            # Of somebody else's key all that it was granted: the rest would come with a role that others give later.
            given = _effective(after) if after.user_id == own.user_id else after.permissions
            _check_permissions(own, given, "give it")
            _check_models(own, after)
            _check_bounds(own, after)
            _check_limits(own, after)

    def judge_user(
        self, own: Rights | None, before: UserRow | None, after: UserRow, keys: Sequence[Rights], admins: int
    ) -> None:
        """Raises PermissionDenied for a user who may do more than `own`, Conflict for the last admin's going."""
        if own is None:
            return
        self._check_standing(own)
        if self._whole_gateway:
            return
        for user in (before, after):
            if user is not None:
                _check_role(own, user.role)
        if before is not None and before.role != after.role:
            # What the user's keys were granted comes to count as far as the new role goes.
            for key in keys:
                _check_models(own, key)
        if not admins and before is not None and before.status == ACTIVE:
            raise Conflict(
                "This is the last admin of the workspace. Make another user an admin first, or ask the gateway's "
                "operator."
            )

    def judge_limits(self, own: Rights | None, user: UserRow | None) -> None:
        """Raises PermissionDenied for limits that bind who asks, and those of a user who may do more than `own`."""
        if own is None:
            return
        self._check_standing(own)
        if self._whole_gateway:
            return
        if user is None:
            raise PermissionDenied("The limits of a workspace are set by the gateway's operator.")
        if user.id == own.user_id:
            raise PermissionDenied("Nobody sets their own limits. Ask another admin, or the gateway's operator.")
        _check_role(own, user.role)

    def _check_standing(self, own: Rights) -> None:
        """Raises PermissionDenied for who has lost, since they were let in, some of what they were let in with."""
        if lost := sorted(self._let_in_with - _effective(own)):
            raise _lacking(lost[0], "do this any more")


def _check_role(own: Rights, role: str) -> None:
    if lacking := sorted(ROLES[role] - _effective(own)):
        raise _lacking(lacking[0], f"touch, or make, a user of the role {role!r}")


def _effective(rights: Rights) -> frozenset[str]:
    """What counts of a grant. Who acts without a key has all that the role opens."""
    if not rights.key_id:
        return ROLES[rights.role]
    return rights.permissions & bound(rights.role, rights.key_class)


def _check_role_allows(after: Rights) -> None:
    allowed = bound(after.role, after.key_class)
    beyond = sorted(after.permissions - allowed)
    if after.key_class == ADMIN and after.role != OPERATOR:
        raise InvalidValue(f"Only an operator has admin keys, and this user's role is {after.role!r}.", param="class")
    if after.key_class == ADMIN and beyond:
        raise InvalidValue("An admin key opens the admin API and nothing else.", param="permissions")
    # What every key gets by itself is kept for a role to come; what was asked for must count at once.
    if beyond and after.permissions != DEFAULT_GRANT:
        raise InvalidValue(
            f"The role {after.role!r} of the key's user does not allow {', '.join(beyond)}. "
            f"It allows: {', '.join(sorted(allowed))}.",
            param="permissions",
        )


def _check_permissions(own: Rights, others: frozenset[str], what_for: str) -> None:
    if lacking := sorted(others - _effective(own)):
        raise _lacking(lacking[0], what_for)


def _check_models(own: Rights, other: Rights) -> None:
    if own.models is not None and (other.models is None or not other.models <= own.models):
        raise _beyond("models", "may call models that are not on your own list")


def _check_bounds(own: Rights, after: Rights) -> None:
    if own.networks is not None and (after.networks is None or not contains(own.networks, after.networks)):
        raise _beyond("networks", "could be used from networks that are not on your own list")
    if own.expires_at_ns is not None and (after.expires_at_ns is None or after.expires_at_ns > own.expires_at_ns):
        raise _beyond("expires_at", "would live longer than your own")


def _check_limits(own: Rights, after: Rights) -> None:
    if own.slots_max is not None and (after.slots_max is None or after.slots_max > own.slots_max):
        raise _beyond("concurrency", "could have more calls open than your own")
    _check_each(own.budgets_nusd, after.budgets_nusd, "budgets")
    _check_each(own.rates_per_minute, after.rates_per_minute, "rates")


def _check_each(own: Mapping[Name, int], after: Mapping[Name, int], field: str) -> None:
    for name, limit in own.items():
        if name not in after or after[name] > limit:
            raise _beyond(f"{field}.{name}", "would have a higher limit than your own, or none")


def _lacking(permission: str, what_for: str) -> PermissionDenied:
    return PermissionDenied(
        f"You lack the permission {permission!r}, so you cannot {what_for}.", details={"permission": permission}
    )


def _beyond(field: str, why: str) -> PermissionDenied:
    return PermissionDenied(f"That key {why} (`{field}`).", param=field, details={"bound": field})
