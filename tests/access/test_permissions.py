"""Who may do what: the permission asked for, the list of models, and words that say what is missing."""

import pytest

from tallygate.access.doorman import ADMIN
from tallygate.access.permissions import (
    ADMIN_ACCESS,
    DEFAULT_GRANT,
    PERMISSIONS,
    check_grant,
    require,
    require_any,
    require_workspace,
)
from tallygate.access.principal import Principal
from tallygate.errors import InvalidValue, ModelAccessDenied, PermissionDenied


def principal(*permissions: str, models: frozenset[str] | None = None) -> Principal:
    return Principal("key_1", "usr_1", "ws_1", 1, frozenset(permissions), models)


def test_a_held_permission_passes() -> None:
    require(principal("models:use"), "models:use")
    require(principal("models:use"), "models:use", model="any")
    require(principal("models:use", models=frozenset({"m"})), "models:use", model="m")


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_no_permission_contains_another(permission: str) -> None:
    others = principal(*(PERMISSIONS.keys() - {permission}))
    with pytest.raises(PermissionDenied, match=permission) as caught:
        require(others, permission)
    assert caught.value.status == 403


@pytest.mark.parametrize("model", ["M", "m2", "", "m\n", "m*"])
def test_a_model_off_the_list_is_refused(model: str) -> None:
    with pytest.raises(ModelAccessDenied):
        require(principal("models:use", models=frozenset({"m"})), "models:use", model=model)


def test_a_long_name_is_not_repeated_in_full() -> None:
    with pytest.raises(ModelAccessDenied) as caught:
        require(principal("models:use", models=frozenset()), "models:use", model="m" * 100_000)
    assert len(caught.value.message) < 200


def test_the_admin_key_calls_no_models_and_is_told_what_to_do() -> None:
    require(ADMIN, ADMIN_ACCESS)
    with pytest.raises(PermissionDenied, match="keys create"):
        require(ADMIN, "models:use", model="m")


def test_a_grant_is_checked() -> None:
    assert check_grant(["models:use", "models:use"]) == {"models:use"}
    assert check_grant([]) == frozenset()
    assert check_grant(DEFAULT_GRANT) == DEFAULT_GRANT
    with pytest.raises(InvalidValue, match=r"'models:ues'.*can be granted: models:use,"):
        check_grant(["models:use", "models:ues"])


def test_admin_access_cannot_be_granted() -> None:
    with pytest.raises(InvalidValue, match="admin:access"):
        check_grant([ADMIN_ACCESS])


def test_one_of_several_permissions_is_enough() -> None:
    wanted = ("accounting:view_own", "accounting:view_tenant")
    for permission in wanted:
        require_any(principal(permission), wanted)
    with pytest.raises(PermissionDenied, match=wanted[0]):
        require_any(principal("models:use"), wanted)
    with pytest.raises(PermissionDenied, match="admin key"):
        require_any(ADMIN, wanted)


def test_a_key_of_a_workspace_is_not_the_admins() -> None:
    require_workspace(principal())
    with pytest.raises(PermissionDenied, match="admin key"):
        require_workspace(ADMIN)
