"""Which function makes which page, and which does what a form asks for. Who may ask is in the table of `urls`."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from tallygate.api.door import Reply
from tallygate.dashboard.pages import keys, overview, signing
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
        ("GET", "/dashboard/keys/{id}/revoke"): keys.show_revoke,
        ("POST", "/dashboard/keys/{id}/revoke"): keys.revoke_key,
    }
)
