"""The users of one's own workspace."""

import asyncio

from tallygate.access import admin
from tallygate.api.admin import tenants
from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.admin.tenants import UserWants, UserWish
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import read_query


async def list_users(desk: Desk, request: Request) -> Reply:
    """Every user, disabled ones too, oldest first."""
    page, _ = read_page(request)
    rows = await asyncio.to_thread(admin.list_users, desk.database, desk.principal.workspace_id, page)
    return show_page(request, page, rows, lambda row: row.id, tenants.show_user)


async def show_user(desk: Desk, request: Request) -> Reply:
    """One user. Raises NotFound."""
    read_query(request.query, ())
    row = await asyncio.to_thread(admin.show_user, desk.database, desk.principal.workspace_id, request.slots["id"])
    return envelope_reply(tenants.show_user(row), request)


async def create_user(desk: Desk, request: Request) -> Reply:
    """A new user. Raises InvalidValue, Conflict, PermissionDenied."""
    asked = read_body(request.body, UserWish, desk.json_depth_max)
    return await tenants.make_user(desk, request, desk.principal.workspace_id, asked)


async def change_user(desk: Desk, request: Request) -> Reply:
    """Rename them, give them another role, or disable them. Raises as `create_user`, and NotFound."""
    asked = read_body(request.body, UserWants, desk.json_depth_max)
    return await tenants.alter_user(desk, request, desk.principal.workspace_id, asked)
