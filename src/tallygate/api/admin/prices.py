"""Prices that an operator set: list every version, set a new one. A version is never changed."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tallygate.api.admin.desk import Desk, read_page, show_page
from tallygate.api.body import read_body, read_time
from tallygate.api.door import Reply, Request, envelope_reply
from tallygate.api.shown import show_moment
from tallygate.errors import InvalidValue
from tallygate.genai.price_row import PriceKind, PriceRow
from tallygate.ledger import price_admin


class NewPrice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of ``POST /v1/admin/prices``."""

    kind: Annotated[PriceKind, Meta(description="sale or cost")]
    name: Annotated[str, Meta(description="a model, or provider/model for a cost, as text")]
    price: Annotated[
        str | dict[str, Any],
        Meta(description='"free", or an object such as {"input": "3.00", "output": "15.00"} in USD per million tokens'),
    ]
    effective_from: Annotated[str | None, Meta(description="a time such as 2027-01-31T12:00:00Z, or null for now")] = (
        None
    )


async def list_prices(desk: Desk, request: Request) -> Reply:
    """Every version that was set, in the order they were set; of one kind or one name if the address says so."""
    page, values = read_page(request, "kind", "name")
    if values.get("kind", "sale") not in ("sale", "cost"):
        raise InvalidValue("`kind` must be sale or cost.", param="kind")
    rows = await asyncio.to_thread(price_admin.list_rows, desk.database)
    wanted = [row for row in rows if values.get("kind", row.kind) == row.kind]
    wanted = [row for row in wanted if values.get("name", row.name) == row.name]
    start = 0
    if page.after:
        start = 1 + next((place for place, row in enumerate(wanted) if row.version == page.after), -1)
        if not start:
            raise InvalidValue("`cursor` is none that this list gave.", param="cursor")
    # Every worker holds them all in memory anyway.
    shown = wanted[start:][: page.rows_max]
    return show_page(request, page, shown, lambda row: row.version, show_price)


async def set_price(desk: Desk, request: Request) -> Reply:
    """Set a price from a moment on. Setting the same version again changes nothing. Raises InvalidValue, Conflict."""
    asked = read_body(request.body, NewPrice, desk.json_depth_max)
    done = await asyncio.to_thread(
        price_admin.set_price,
        desk.database,
        asked.kind,
        asked.name,
        asked.price,
        effective_from_ns=read_time(asked.effective_from, "effective_from"),
        actor=desk.actor,
    )
    return envelope_reply(show_price(done.row), request, status=201 if done.added else 200)


def show_price(row: PriceRow) -> dict[str, Any]:
    """A version as the admin API tells it."""
    return {
        "version": row.version,
        "kind": row.kind,
        "name": row.name,
        "price": msgspec.json.decode(row.terms),
        "effective_from": show_moment(row.effective_from_ns),
        "created_at": show_moment(row.created_at_ns or None),
    }
