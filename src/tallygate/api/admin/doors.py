"""Which function serves which method and address of the admin API. Who may call is in the URL table, for all alike."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tallygate.api.admin import audit, configuration, credit, health, keys, limits, prices, tenants
from tallygate.api.admin.desk import Serve

DOORS: Final[Mapping[tuple[str, str], Serve]] = MappingProxyType(
    {
        ("GET", "/v1/admin/workspaces"): tenants.list_workspaces,
        ("POST", "/v1/admin/workspaces"): tenants.create_workspace,
        ("PATCH", "/v1/admin/workspaces/{id}"): tenants.change_workspace,
        ("GET", "/v1/admin/users"): tenants.list_users,
        ("POST", "/v1/admin/users"): tenants.create_user,
        ("PATCH", "/v1/admin/users/{id}"): tenants.change_user,
        ("GET", "/v1/admin/keys"): keys.list_keys,
        ("POST", "/v1/admin/keys"): keys.create_key,
        ("PATCH", "/v1/admin/keys/{id}"): keys.change_key,
        ("DELETE", "/v1/admin/keys/{id}"): keys.revoke_key,
        ("POST", "/v1/admin/keys/{id}/rotate"): keys.rotate_key,
        ("GET", "/v1/admin/limits"): limits.show_limits,
        ("PATCH", "/v1/admin/limits"): limits.change_limits,
        ("GET", "/v1/admin/credit"): credit.list_credit,
        ("GET", "/v1/admin/credit/{id}"): credit.show_credit,
        ("POST", "/v1/admin/credit"): credit.add_credit,
        ("POST", "/v1/admin/payouts"): credit.pay_out,
        ("POST", "/v1/admin/refunds"): credit.refund_call,
        ("GET", "/v1/admin/prices"): prices.list_prices,
        ("POST", "/v1/admin/prices"): prices.set_price,
        ("GET", "/v1/admin/audit"): audit.list_changes,
        ("GET", "/v1/admin/health"): health.list_health,
        ("GET", "/v1/admin/config"): configuration.show_configuration,
        ("POST", "/v1/admin/reload"): configuration.reload,
    }
)
