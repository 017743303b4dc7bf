"""Limits of a workspace, a user or a key: budgets, requests and tokens in a minute, calls open at once, and whether
answers may be shortened.
"""

import asyncio
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallygate.access import limits
from tallygate.api.admin.desk import Desk
from tallygate.api.body import read_body, read_usd
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.query import need, read_query
from tallygate.api.shown import RATE_NAMES, show_budget, show_rate
from tallygate.errors import InvalidValue
from tallygate.genai.book import Level
from tallygate.ledger.rates import find_standings
from tallygate.store.limits import LimitsRow, Owner

LEVELS = ("workspace", "user", "key")


class LimitsAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What limits are to be. What is not given stays; a budget, `rpm` or `tpm` that is null is removed."""

    budgets: Annotated[
        dict[str, str | None] | None,
        Meta(description='an object such as {"monthly": "25.00", "daily": null}: USD by period, null to remove'),
    ] = None
    concurrency: Annotated[
        int | UnsetType | None, Meta(description="a number of calls, or null for what everybody has")
    ] = UNSET
    shorten: Annotated[bool | UnsetType, Meta(description="true or false")] = UNSET
    rpm: Annotated[int | UnsetType | None, Meta(description="requests in a minute, or null for no limit")] = UNSET
    tpm: Annotated[int | UnsetType | None, Meta(description="tokens in a minute, or null for no limit")] = UNSET


class LimitsChange(LimitsAsked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``PATCH /v1/admin/limits``."""

    level: Annotated[Level, Meta(description="workspace, user or key")]
    owner: Annotated[str, Meta(description="the name or id of a workspace, user or key, as text")]
    workspace: Annotated[str | None, Meta(description="the name or id of a workspace, as text")] = None


async def show_limits(desk: Desk, request: Request) -> Reply:
    """The limits of one owner, its budgets in their present windows. Raises NotFound, Conflict."""
    values = read_query(request.query, ("level", "owner", "workspace"))
    level = need(values, "level")
    if level not in LEVELS:
        raise InvalidValue("`level` must be workspace, user or key.", param="level")
    owner = _name_owner(level, need(values, "owner"), values.get("workspace"))
    return envelope_reply(show_row(await asyncio.to_thread(limits.show_limits, desk.database, owner)), request)


async def change_limits(desk: Desk, request: Request) -> Reply:
    """Change limits, all or nothing, from the next call on. Raises InvalidValue, NotFound, Conflict."""
    asked = read_body(request.body, LimitsChange, desk.json_depth_max)
    owner = _name_owner(asked.level, asked.owner, asked.workspace)
    return envelope_reply(show_row(await set_limits(desk, owner, asked)), request)


async def set_limits(desk: Desk, owner: Owner, asked: LimitsAsked) -> LimitsRow:
    """Set the limits of an owner to what is asked, on behalf of who has come to the desk."""
    budgets = asked.budgets or {}
    return await asyncio.to_thread(
        limits.change_limits,
        desk.database,
        owner,
        budgets_nusd={period: read_usd(usd, f"budgets.{period}") for period, usd in budgets.items() if usd is not None},
        removed=[period for period, usd in budgets.items() if usd is None],
        slots_max=asked.concurrency,
        shortens=asked.shorten,
        rpm=asked.rpm,
        tpm=asked.tpm,
        actor=desk.actor,
        by=desk.principal,
    )


def _name_owner(level: Level, name: str, workspace: str | None) -> Owner:
    if level == "user" and workspace is None:
        raise InvalidValue("A user is named within its workspace: `workspace` is missing.", param="workspace")
    return Owner(level, name, workspace)


def show_row(row: LimitsRow) -> dict[str, Any]:
    """Limits as every address tells them."""
    shown: dict[str, Any] = {
        "level": row.level,
        "id": row.id,
        "name": row.name,
        "workspace_id": row.workspace_id,
        "workspace": row.workspace,
        "budgets": [show_budget(budget) for budget in row.budgets],
        "rpm": None,
        "tpm": None,
        **{RATE_NAMES[rate.kind]: show_rate(rate) for rate in find_standings(row.rates)},
    }
    if row.level != "workspace":
        shown["concurrency"] = {"used": row.slots_used, "limit": row.slots_max}
    if row.level == "key":
        shown["shorten"] = row.shortens
    return shown
