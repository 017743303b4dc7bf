"""The API keys of one's own workspace: those of the admin plane are none of them."""

import asyncio
from typing import Annotated

from msgspec import Meta

from tallygate.access import admin
from tallygate.api.admin import keys
from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.admin.keys import KeyWants, KeyWish, Rotation
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query


class NewKey(KeyWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/api-keys``."""

    user: Annotated[str | None, Meta(description="the name or id of a user, or null for yourself")] = None


async def list_keys(desk: Desk, request: Request) -> Reply:
    """Every key, revoked ones too, oldest first. Never a key itself."""
    page, _ = read_page(request)
    rows = await asyncio.to_thread(admin.list_keys, desk.database, None, page, by=desk.principal)
    return show_page(request, page, rows, lambda row: row.id, keys.show_key)


async def show_key(desk: Desk, request: Request) -> Reply:
    """One key. Raises NotFound."""
    read_query(request.query, ())
    record = await asyncio.to_thread(admin.show_key, desk.database, request.slots["id"], by=desk.principal)
    return envelope_reply(keys.show_key(record), request)


async def create_key(desk: Desk, request: Request) -> Reply:
    """A new key, shown this once. Raises InvalidValue, NotFound, Conflict, PermissionDenied."""
    asked = read_body(request.body, NewKey, desk.json_depth_max)
    return await keys.make_key(desk, request, desk.principal.workspace_id, asked.user or desk.principal.user_id, asked)


async def change_key(desk: Desk, request: Request) -> Reply:
    """Change what a key may do, from its next call on. Raises as `create_key`."""
    return await keys.alter_key(desk, request, None, read_body(request.body, KeyWants, desk.json_depth_max))


async def rotate_key(desk: Desk, request: Request) -> Reply:
    """Give a key another text, shown this once. Raises as `create_key`."""
    return await keys.turn_key(desk, request, None, read_body(request.body, Rotation, desk.json_depth_max))


async def revoke_key(desk: Desk, request: Request) -> Reply:
    """Revoke a key for ever: its next call is refused. Raises NotFound, PermissionDenied."""
    read_query(request.query, ())
    return await keys.end_key(desk, request, None)
