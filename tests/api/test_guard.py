"""The guard: each policy lets those pass who hold what it asks for, and nobody else."""

from typing import get_args

import pytest

from tallygate.access.doorman import ADMIN
from tallygate.access.permissions import ADMIN_ACCESS, PERMISSIONS
from tallygate.access.principal import Principal
from tallygate.api.door import Request
from tallygate.api.guard import WANTED, admit
from tallygate.api.urls import Policy
from tallygate.errors import InvalidApiKey, PermissionDenied
from tallygate.genai.secret import Secret

REQUEST = Request(
    method="GET",
    path="/",
    query=b"",
    headers=((b"authorization", b"Bearer lx-k_x"),),
    body=b"",
    request_id="req_1",
    arrived_ns=0,
    peer="192.0.2.1",
)


def holder(*permissions: str) -> Principal:
    return Principal("key_1", "usr_1", "ws_1", 1, frozenset(permissions))


async def enter(policy: Policy, principal: Principal) -> Principal:
    async def identify(credential: Secret | None, peer: str) -> Principal:
        assert peer == REQUEST.peer
        if credential is None:
            raise InvalidApiKey
        return principal

    return await admit(identify, policy, REQUEST)


def test_every_policy_but_public_is_guarded() -> None:
    assert WANTED.keys() == {*get_args(Policy)} - {"public"}


@pytest.mark.anyio
@pytest.mark.parametrize("policy", WANTED)
async def test_each_policy_lets_its_own_pass(policy: Policy) -> None:
    for permission in WANTED[policy] or (*PERMISSIONS, ""):
        assert await enter(policy, holder(permission))


@pytest.mark.anyio
@pytest.mark.parametrize("policy", [policy for policy in WANTED if policy != "any key"])
async def test_all_other_permissions_together_do_not_pass(policy: Policy) -> None:
    others = {*PERMISSIONS} - {*WANTED[policy]}
    with pytest.raises(PermissionDenied):
        await enter(policy, holder(*others))


@pytest.mark.anyio
@pytest.mark.parametrize("policy", [policy for policy in WANTED if policy != "admin"])
async def test_the_admin_key_opens_nothing_else(policy: Policy) -> None:
    with pytest.raises(PermissionDenied, match="admin key"):
        await enter(policy, ADMIN)


def test_no_key_of_a_workspace_can_be_granted_the_admins_permission() -> None:
    assert ADMIN_ACCESS not in PERMISSIONS
