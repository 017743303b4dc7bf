"""The limits of one's own workspace, and of its users and keys. Those of the workspace itself can only be seen."""

import asyncio
from typing import Annotated

from msgspec import Meta

from tallygate.access import limits
from tallygate.access.keys import TENANT
from tallygate.api.admin.desk import Desk
from tallygate.api.admin.limits import LEVELS, LimitsAsked, set_limits, show_row
from tallygate.api.body import read_body
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import need, read_query
from tallygate.errors import InvalidValue, MissingField
from tallygate.genai.book import Level
from tallygate.store.limits import Owner


class OwnLimitsChange(LimitsAsked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``PATCH /v1/limits``."""

    level: Annotated[Level, Meta(description="user or key")]
    owner: Annotated[str, Meta(description="the name or id of a user or key, as text")] = ""


async def show_limits(desk: Desk, request: Request) -> Reply:
    """The limits of one owner, its budgets in their present windows. Raises InvalidValue, NotFound."""
    values = read_query(request.query, ("level", "owner"))
    level = need(values, "level")
    if level not in LEVELS:
        raise InvalidValue("`level` must be workspace, user or key.", param="level")
    owner = _name_owner(desk, level, values.get("owner", ""))
    return envelope_reply(show_row(await asyncio.to_thread(limits.show_limits, desk.database, owner)), request)


async def change_limits(desk: Desk, request: Request) -> Reply:
    """Change limits, all or nothing, from the next call on. Raises InvalidValue, NotFound, PermissionDenied."""
    asked = read_body(request.body, OwnLimitsChange, desk.json_depth_max)
    owner = _name_owner(desk, asked.level, asked.owner)
    return envelope_reply(show_row(await set_limits(desk, owner, asked)), request)


def _name_owner(desk: Desk, level: Level, name: str) -> Owner:
    """Raises MissingField for a user or a key without a name, InvalidValue for a workspace with one."""
    workspace_id = desk.principal.workspace_id
    if level == "workspace":
        if name:
            raise InvalidValue("`owner` is left out where the workspace is meant: it is your own.", param="owner")
        return Owner(level, workspace_id)
    if not name:
        raise MissingField(f"`owner` is missing; it must be the name or id of a {level}.", param="owner")
    return Owner(level, name, workspace_id, TENANT)
