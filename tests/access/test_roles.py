"""Roles: each opens what the one before it opens, and the admin plane is opened by no key of a workspace."""

from itertools import pairwise

import pytest

from tallygate.access.keys import ADMIN, TENANT
from tallygate.access.permissions import ADMIN_ACCESS, DEFAULT_GRANT, PERMISSIONS
from tallygate.access.roles import ROLES, bound, check_role
from tallygate.errors import InvalidValue


def test_each_role_opens_what_the_one_before_it_opens_and_more() -> None:
    assert [*ROLES] == ["viewer", "member", "admin", "operator"]
    opened = [*ROLES.values()]
    for less, more in pairwise(opened):
        assert less < more


def test_a_member_has_the_default_grant_and_an_admin_all_there_is() -> None:
    assert bound("member", TENANT) == DEFAULT_GRANT
    assert bound("admin", TENANT) == bound("operator", TENANT) == PERMISSIONS.keys()


@pytest.mark.parametrize("role", [*ROLES, "", "root"])
def test_no_key_of_a_workspace_opens_the_admin_plane_and_an_admin_key_nothing_else(role: str) -> None:
    assert ADMIN_ACCESS not in bound(role, TENANT)
    assert bound(role, ADMIN) == ({ADMIN_ACCESS} if role == "operator" else frozenset())


def test_an_unknown_role_is_refused_with_those_there_are() -> None:
    assert check_role("viewer") == "viewer"
    with pytest.raises(InvalidValue, match="viewer, member, admin, operator"):
        check_role("root")
