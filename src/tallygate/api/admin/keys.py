"""API keys: create (the key itself is in that one answer and in no other), list, change, revoke."""

import asyncio
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallygate.access import admin
from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.body import read_body, read_time, read_usd
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query
from tallygate.api.shown import show_moment
from tallygate.store.rows import FIRST_USER, KeyRecord

_Workspace = Annotated[str, Meta(description="the name or id of a workspace, as text")]
_Texts = list[str]
_A_TIME = "a time such as 2027-01-31T12:00:00Z, or null for never"


class NewKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/keys``."""

    workspace: _Workspace
    user: Annotated[str, Meta(description="the name or id of a user, as text")] = FIRST_USER
    name: Annotated[str, Meta(description="what lists call the key, as text")] = ""
    permissions: Annotated[_Texts | None, Meta(description="a list of permissions")] = None
    models: Annotated[_Texts | None, Meta(description="a list of models, or null for all")] = None
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


class KeyChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``PATCH /v1/admin/keys/{id}``. What is not given stays."""

    workspace: Annotated[str | None, Meta(description="the name or id of a workspace, as text")] = None
    permissions: Annotated[_Texts | UnsetType, Meta(description="a list of permissions")] = UNSET
    models: Annotated[_Texts | UnsetType | None, Meta(description="a list of models, or null for all")] = UNSET
    expires_at: Annotated[str | UnsetType | None, Meta(description=_A_TIME)] = UNSET


async def list_keys(desk: Desk, request: Request) -> Reply:
    """The keys of a workspace, or all, revoked ones too, oldest first. Never a key itself."""
    page, values = read_page(request, "workspace")
    rows = await asyncio.to_thread(admin.list_keys, desk.database, values.get("workspace"), page)
    return show_page(request, page, rows, lambda row: row.id, show_key)


async def create_key(desk: Desk, request: Request) -> Reply:
    """A new key, shown this once. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, NewKey, desk.json_depth_max)
    budgets_nusd = {period: read_usd(usd, f"budgets.{period}") for period, usd in (asked.budgets or {}).items()}
    created = await asyncio.to_thread(
        admin.create_key,
        desk.database,
        desk.minter,
        workspace=asked.workspace,
        user=asked.user,
        name=asked.name,
        permissions=asked.permissions,
        models=asked.models,
        expires_at_ns=read_time(asked.expires_at, "expires_at"),
        budgets_nusd=budgets_nusd,
        slots_max=asked.concurrency,
        shortens=asked.shorten,
        rpm=asked.rpm,
        tpm=asked.tpm,
        actor=desk.actor,
    )
    return envelope_reply({"key": created.secret.reveal(), **show_key(created.record)}, request, status=201)


async def change_key(desk: Desk, request: Request) -> Reply:
    """Change what a key may do, from its next call on. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, KeyChange, desk.json_depth_max)
    expires_at = asked.expires_at
    record = await asyncio.to_thread(
        admin.change_key,
        desk.database,
        request.slots["id"],
        workspace=asked.workspace,
        permissions=asked.permissions,
        models=asked.models,
        expires_at_ns=expires_at if expires_at is UNSET else read_time(expires_at, "expires_at"),
        actor=desk.actor,
    )
    return envelope_reply(show_key(record), request)


async def revoke_key(desk: Desk, request: Request) -> Reply:
    """Revoke a key for ever: its next call is refused. Raises NotFound, Conflict."""
    workspace = read_query(request.query, ("workspace",)).get("workspace")
    record = await asyncio.to_thread(
        admin.revoke_key, desk.database, request.slots["id"], workspace=workspace, actor=desk.actor
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
        "status": record.status,
        "permissions": record.permissions,
        "models": record.models,
        "created_at": show_moment(record.created_at_ns),
        "expires_at": show_moment(record.expires_at_ns),
        "revoked_at": show_moment(record.revoked_at_ns),
    }
