"""Which function makes which page, and which does what a form asks for. Who may ask is in the table of `urls`."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from tallygate.api.door import Reply
from tallygate.dashboard.pages import calls, health, keys, models, money, overview, signing, usage, users, workspaces
from tallygate.dashboard.visit import Leave, Page, Visit

Make = Callable[[Visit], Awaitable[Page | Leave | Reply]]

PAGES: Final[Mapping[tuple[str, str], Make]] = MappingProxyType(
    {
        ("GET", "/dashboard"): overview.show_overview,
        ("GET", "/dashboard/sign-in"): signing.show_sign_in,
        ("POST", "/dashboard/sign-in"): signing.sign_in,
        ("POST", "/dashboard/sign-in/admin-key"): signing.sign_in_as_admin,
        ("GET", "/dashboard/sign-in/check"): signing.check_sign_in,
        ("POST", "/dashboard/sign-out"): signing.sign_out,
        ("POST", "/dashboard/sign-out/everywhere"): signing.sign_out_everywhere,
        ("GET", "/dashboard/password"): signing.show_password,
        ("POST", "/dashboard/password"): signing.change_password,
        ("GET", "/dashboard/keys"): keys.show_keys,
        ("POST", "/dashboard/keys"): keys.create_key,
        ("GET", "/dashboard/keys/new"): keys.show_new_key,
        ("GET", "/dashboard/keys/{id}"): keys.show_key,
        ("POST", "/dashboard/keys/{id}/limits"): keys.change_limits,
        ("GET", "/dashboard/keys/{id}/rotate"): keys.show_rotate,
        ("POST", "/dashboard/keys/{id}/rotate"): keys.rotate_key,
        ("GET", "/dashboard/keys/{id}/revoke"): keys.show_revoke,
        ("POST", "/dashboard/keys/{id}/revoke"): keys.revoke_key,
        ("GET", "/dashboard/users"): users.show_users,
        ("POST", "/dashboard/users"): users.create_user,
        ("GET", "/dashboard/users/{id}"): users.show_user,
        ("POST", "/dashboard/users/{id}/role"): users.change_role,
        ("POST", "/dashboard/users/{id}/limits"): users.change_limits,
        ("POST", "/dashboard/users/{id}/password"): users.give_password,
        ("GET", "/dashboard/users/{id}/disable"): users.show_disable,
        ("POST", "/dashboard/users/{id}/disable"): users.disable_user,
        ("GET", "/dashboard/money"): money.show_money,
        ("POST", "/dashboard/money/credit"): money.add_credit,
        ("POST", "/dashboard/money/limits"): money.change_limits,
        ("GET", "/dashboard/usage"): usage.show_usage,
        ("GET", "/dashboard/usage.csv"): usage.export_usage,
        ("GET", "/dashboard/calls"): calls.show_calls,
        ("GET", "/dashboard/calls/{id}"): calls.show_call,
        ("POST", "/dashboard/calls/{id}/verify"): calls.verify_receipt,
        ("GET", "/dashboard/calls/{id}/receipt.json"): calls.show_receipt,
        ("POST", "/dashboard/calls/{id}/refund"): calls.refund,
        ("GET", "/dashboard/models"): models.show_models,
        ("GET", "/dashboard/health"): health.show_health,
        ("GET", "/dashboard/workspaces"): workspaces.show_workspaces,
        ("POST", "/dashboard/workspaces"): workspaces.create_workspace,
    }
)
