"""Workspaces and their users: create, list, change, disable."""

import asyncio
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tallygate.access import admin
from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.shown import show_moment
from tallygate.store.rows import MEMBER, UserRow, WorkspaceRow

_Name = Annotated[str, Meta(description="a name, as text")]
_Workspace = Annotated[str, Meta(description="the name or id of a workspace, as text")]
_Role = Annotated[str, Meta(description="a role, as text")]
_Disabled = Annotated[Literal["disabled"], Meta(description='"disabled": there is no way back')]


class NewWorkspace(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/admin/workspaces``."""

    name: _Name


class WorkspaceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PATCH /v1/admin/workspaces/{id}``."""

    status: _Disabled


class UserWish(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a new user is to be, whoever makes them."""

    name: _Name
    role: _Role = MEMBER


class NewUser(UserWish, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/users``."""

    workspace: _Workspace


class UserWants(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a user is to become, whoever changes them. What is not given stays."""

    name: Annotated[str | None, Meta(description="a name, as text")] = None
    role: Annotated[str | None, Meta(description="a role, as text")] = None
    status: Annotated[Literal["disabled"] | None, Meta(description='"disabled": there is no way back')] = None


class UserChange(UserWants, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``PATCH /v1/admin/users/{id}``."""

    workspace: _Workspace


async def list_workspaces(desk: Desk, request: Request) -> Reply:
    """Every workspace, oldest first."""
    page, _ = read_page(request)
    rows = await asyncio.to_thread(admin.list_workspaces, desk.database, page)
    return show_page(request, page, rows, lambda row: row.id, show_workspace)


async def create_workspace(desk: Desk, request: Request) -> Reply:
    """A new workspace with its first user. Raises Conflict where the name is taken."""
    asked = read_body(request.body, NewWorkspace, desk.json_depth_max)
    row = await asyncio.to_thread(admin.create_workspace, desk.database, asked.name, actor=desk.actor)
    return envelope_reply(show_workspace(row), request, status=201)


async def change_workspace(desk: Desk, request: Request) -> Reply:
    """Disable it: the next call with any key of it is refused."""
    read_body(request.body, WorkspaceChange, desk.json_depth_max)
    name = request.slots["id"]
    return envelope_reply(
        show_workspace(await asyncio.to_thread(admin.disable_workspace, desk.database, name, actor=desk.actor)), request
    )


async def list_users(desk: Desk, request: Request) -> Reply:
    """The users of a workspace, or all, oldest first."""
    page, values = read_page(request, "workspace")
    rows = await asyncio.to_thread(admin.list_users, desk.database, values.get("workspace"), page)
    return show_page(request, page, rows, lambda row: row.id, show_user)


async def create_user(desk: Desk, request: Request) -> Reply:
    """A new user. Raises NotFound, Conflict."""
    asked = read_body(request.body, NewUser, desk.json_depth_max)
    return await make_user(desk, request, asked.workspace, asked)


async def make_user(desk: Desk, request: Request, workspace: str, asked: UserWish) -> Reply:
    """A new user, on behalf of who has come to the desk."""
    row = await asyncio.to_thread(
        admin.create_user,
        desk.database,
        workspace,
        asked.name,
        role=asked.role,
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply(show_user(row), request, status=201)


async def change_user(desk: Desk, request: Request) -> Reply:
    """Rename them, give them another role, or disable them, from the next call of their keys on."""
    asked = read_body(request.body, UserChange, desk.json_depth_max)
    return await alter_user(desk, request, asked.workspace, asked)


async def alter_user(desk: Desk, request: Request, workspace: str, asked: UserWants) -> Reply:
    """Change a user on behalf of who has come to the desk."""
    row = await asyncio.to_thread(
        admin.change_user,
        desk.database,
        workspace,
        request.slots["id"],
        name=asked.name,
        role=asked.role,
        disables=asked.status is not None,
        actor=desk.actor,
        by=desk.principal,
    )
    return envelope_reply(show_user(row), request)


def show_workspace(row: WorkspaceRow) -> dict[str, Any]:
    """A workspace as the admin API tells it."""
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created_at": show_moment(row.created_at_ns),
        "disabled_at": show_moment(row.disabled_at_ns),
    }


def show_user(row: UserRow) -> dict[str, Any]:
    """A user as the admin API tells it."""
    return {
        "id": row.id,
        "name": row.name,
        "workspace_id": row.workspace_id,
        "workspace": row.workspace,
        "role": row.role,
        "status": row.status,
        "created_at": show_moment(row.created_at_ns),
        "disabled_at": show_moment(row.disabled_at_ns),
    }
