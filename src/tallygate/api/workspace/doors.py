"""Which function serves which method and address of a workspace's own doors. Who may call is in the URL table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.api.admin.desk import Serve
from tallygate.api.workspace import keys, limits, users

DOORS: Final[Mapping[tuple[str, str], Serve]] = MappingProxyType(
    {
        ("GET", "/v1/api-keys"): keys.list_keys,
        ("POST", "/v1/api-keys"): keys.create_key,
        ("GET", "/v1/api-keys/{id}"): keys.show_key,
        ("PATCH", "/v1/api-keys/{id}"): keys.change_key,
        ("DELETE", "/v1/api-keys/{id}"): keys.revoke_key,
        ("POST", "/v1/api-keys/{id}/rotate"): keys.rotate_key,
        ("GET", "/v1/users"): users.list_users,
        ("POST", "/v1/users"): users.create_user,
        ("GET", "/v1/users/{id}"): users.show_user,
        ("PATCH", "/v1/users/{id}"): users.change_user,
        ("GET", "/v1/limits"): limits.show_limits,
        ("PATCH", "/v1/limits"): limits.change_limits,
    }
)
