"""The guard of the doors that do not lead to the hallway: who knocks, and may they? The URL table says what is needed.

Everything that is not public passes here or through the hallway, which asks for itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from tallygate.access.credentials import read_credential
from tallygate.access.permissions import (
    ACCOUNTING_OWN,
    ACCOUNTING_TENANT,
    ADMIN_ACCESS,
    BUDGETS_MANAGE,
    KEYS_MANAGE,
    MODELS_USE,
    ROUTING_VIEW,
    USERS_MANAGE,
    require_any,
    require_workspace,
)
from tallygate.access.principal import Principal
from tallygate.api.door import Request
from tallygate.api.urls import Policy
from tallygate.genai.secret import Secret

Identify = Callable[[Secret | None, str], Awaitable[Principal]]

WANTED: Final[Mapping[Policy, tuple[str, ...]]] = MappingProxyType(
    {
        "models": (MODELS_USE,),
        "any key": (),
        "routing": (ROUTING_VIEW,),
        "accounting": (ACCOUNTING_OWN, ACCOUNTING_TENANT),
        "keys": (KEYS_MANAGE,),
        "users": (USERS_MANAGE,),
        "budgets": (BUDGETS_MANAGE,),
        "admin": (ADMIN_ACCESS,),
    }
)
"""One of which permissions each policy asks for. No key of a workspace is ever granted `admin:access`."""


async def admit(identify: Identify, policy: Policy, request: Request) -> Principal:
    """Who is behind a request, if they may pass. A policy that is not known lets nobody pass.

    Raises what `read_credential` and `identify` raise, and PermissionDenied.
    """
    wanted = WANTED[policy]
    principal = await identify(read_credential(request.headers, request.query, query_key=False), request.peer)
    if wanted:
        require_any(principal, wanted)
    else:
        require_workspace(principal)
    return principal
