"""API keys: create and rotate (the key itself is in that one answer and in no other), list, change, revoke.

What each does is shared with the doors of a workspace's own people; here are those of the admin.
"""

import asyncio
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tallygate.access import admin
from tallygate.access.keys import ADMIN
from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.body import read_body, read_time, read_usd
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.api.shown import show_moment
from tallygate.errors import InvalidValue
from tallygate.store.rows import FIRST_USER, KeyRecord

_Workspace = Annotated[str, Meta(description="the name or id of a workspace, as text")]
_Texts = list[str]
_NETWORKS = "a list of addresses and CIDR blocks such as 192.0.2.0/24, or null for everywhere"
_A_TIME = "a time such as 2027-01-31T12:00:00Z, or null for never"


class KeyWish(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a new key is to be, whoever makes it."""

    name: Annotated[str, Meta(description="what lists call the key, as text")] = ""
    permissions: Annotated[_Texts | None, Meta(description="a list of permissions")] = None
    models: Annotated[_Texts | None, Meta(description="a list of models, or null for all")] = None
    networks: Annotated[_Texts | None, Meta(description=_NETWORKS)] = None
    expires_at: Annotated[str | None, Meta(description=_A_TIME)] = None
    concurrency: Annotated[int | None, Meta(description="a number of calls, or null for as many as the user has")] = (
        None
    )
    shorten: Annotated[bool, Meta(description="true or false")] = True
    rpm: Annotated[int | None, Meta(description="requests in a minute, or null for no limit")] = None
    tpm: Annotated[int | None, Meta(description="tokens in a minute, or null for no limit")] = None
    budgets: Annotated[
        dict[str, str] | None, Meta(description='an object such as {"monthly": "25.00"}: USD by period')
    ] = None


class NewKey(KeyWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/keys``. One of the class `admin` has no more than a name, networks and an end."""

    workspace: _Workspace
    user: Annotated[str, Meta(description="the name or id of a user, as text")] = FIRST_USER
    key_class: Annotated[Literal["workspace", "admin"], Meta(description="workspace or admin")] = field(
        name="class", default="workspace"
    )


class KeyWants(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a key is to become, whoever changes it. What is not given stays."""

    name: Annotated[str | UnsetType, Meta(description="what lists call the key, as text")] = UNSET
    permissions: Annotated[_Texts | UnsetType, Meta(description="a list of permissions")] = UNSET
    models: Annotated[_Texts | UnsetType | None, Meta(description="a list of models, or null for all")] = UNSET
    networks: Annotated[_Texts | UnsetType | None, Meta(description=_NETWORKS)] = UNSET
    expires_at: Annotated[str | UnsetType | None, Meta(description=_A_TIME)] = UNSET


class KeyChange(KeyWants, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``PATCH /v1/admin/keys/{id}``."""

    workspace: Annotated[str | None, Meta(description="the name or id of a workspace, as text")] = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/api-keys/{id}/rotate``."""

    overlap_s: Annotated[int, Meta(description="a number of seconds")] = admin.OVERLAP_S


class RotationAnywhere(Rotation, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/keys/{id}/rotate``."""

    workspace: Annotated[str | None, Meta(description="the name or id of a workspace, as text")] = None


async def list_keys(desk: Desk, request: Request) -> Reply:
    """The keys of a workspace, or all, revoked ones too, oldest first. Never a key itself."""
    page, values = read_page(request, "workspace")
    rows = await asyncio.to_thread(admin.list_keys, desk.database, values.get("workspace"), page)
    return show_page(request, page, rows, lambda row: row.id, show_key)


async def create_key(desk: Desk, request: Request) -> Reply:
    """A new key, shown this once. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, NewKey, desk.json_depth_max)
    if asked.key_class == "admin":
        return await _create_admin_key(desk, request, asked)
    return await make_key(desk, request, asked.workspace, asked.user, asked)


async def make_key(desk: Desk, request: Request, workspace: str, user: str, asked: KeyWish) -> Reply:
    """A new key of a user, on behalf of who has come to the desk."""
    budgets_nusd = {period: read_usd(usd, f"budgets.{period}") for period, usd in (asked.budgets or {}).items()}
    created = await asyncio.to_thread(
        admin.create_key,
        desk.database,
        desk.minter,
        workspace=workspace,
        user=user,
        name=asked.name,
        permissions=asked.permissions,
        models=asked.models,
        networks=asked.networks,
        expires_at_ns=read_time(asked.expires_at, "expires_at"),
        budgets_nusd=budgets_nusd,
        slots_max=asked.concurrency,
        shortens=asked.shorten,
        rpm=asked.rpm,
        tpm=asked.tpm,
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply({"key": created.secret.reveal(), **show_key(created.record)}, request, status=201)


async def _create_admin_key(desk: Desk, request: Request, asked: NewKey) -> Reply:
    beyond = ("permissions", "models", "concurrency", "rpm", "tpm", "budgets")
    for name in beyond:
        if getattr(asked, name) is not None:
            raise InvalidValue(f"`{name}` means nothing to an admin key: it opens the admin API alone.", param=name)
    created = await asyncio.to_thread(
        admin.create_admin_key,
        desk.database,
        desk.minter,
        workspace=asked.workspace,
        user=asked.user,
        name=asked.name,
        networks=asked.networks,
        expires_at_ns=read_time(asked.expires_at, "expires_at"),
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply({"key": created.secret.reveal(), **show_key(created.record)}, request, status=201)


async def change_key(desk: Desk, request: Request) -> Reply:
    """Change what a key may do, from its next call on. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, KeyChange, desk.json_depth_max)
    return await alter_key(desk, request, asked.workspace, asked)


async def alter_key(desk: Desk, request: Request, workspace: str | None, asked: KeyWants) -> Reply:
    """Change a key on behalf of who has come to the desk."""
    expires_at = asked.expires_at
    record = await asyncio.to_thread(
        admin.change_key,
        desk.database,
        request.slots["id"],
        workspace=workspace,
        name=asked.name,
        permissions=asked.permissions,
        models=asked.models,
        networks=asked.networks,
        expires_at_ns=expires_at if expires_at is UNSET else read_time(expires_at, "expires_at"),
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply(show_key(record), request)


async def rotate_key(desk: Desk, request: Request) -> Reply:
    """Give a key another text, shown this once. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, RotationAnywhere, desk.json_depth_max)
    return await turn_key(desk, request, asked.workspace, asked)


async def turn_key(desk: Desk, request: Request, workspace: str | None, asked: Rotation) -> Reply:
    """Rotate a key on behalf of who has come to the desk."""
    rotated = await asyncio.to_thread(
        admin.rotate_key,
        desk.database,
        desk.minter,
        request.slots["id"],
        workspace=workspace,
        overlap_s=asked.overlap_s,
        actor=desk.actor,
        by=desk.principal,
    )
    shown = {"key": rotated.secret.reveal(), **show_key(rotated.record), "earlier": show_key(rotated.earlier)}
    return envelope_reply(shown, request)


async def revoke_key(desk: Desk, request: Request) -> Reply:
    """Revoke a key for ever: its next call is refused. Raises NotFound, Conflict."""
    return await end_key(desk, request, read_query(request.query, ("workspace",)).get("workspace"))


async def end_key(desk: Desk, request: Request, workspace: str | None) -> Reply:
    """Revoke a key on behalf of who has come to the desk."""
    record = await asyncio.to_thread(
        admin.revoke_key,
        desk.database,
        request.slots["id"],
        workspace=workspace,
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply(show_key(record), request)


def show_key(record: KeyRecord) -> dict[str, Any]:
    """A key as lists tell it: its ends, never itself."""
    return {
        "id": record.id,
        "name": record.name,
        "prefix": record.prefix,
        "last4": record.last4,
        "workspace_id": record.workspace_id,
        "workspace": record.workspace,
        "user_id": record.user_id,
        "user": record.user,
        "class": "admin" if record.key_class == ADMIN else "workspace",
        "status": record.status,
        "permissions": record.permissions,
        "models": record.models,
        "networks": record.networks,
        "created_at": show_moment(record.created_at_ns),
        "expires_at": show_moment(record.expires_at_ns),
        "revoked_at": show_moment(record.revoked_at_ns),
        "replaced_by": record.replaced_by,
    }
