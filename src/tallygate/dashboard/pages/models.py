"""Models: what can be called, at what price, and what each of them can do. The same list as the public one."""

from typing import Any

from msgspec import Struct, to_builtins

from tallygate.dashboard.visit import Page, Visit
from tallygate.genai.catalog import ModelRecord
from tallygate.ledger.terms import print_price


class Shown(Struct, frozen=True):
    """A model as the list shows it. `price` None: it has none, and cannot be called until it has; empty: free."""

    record: ModelRecord
    price: dict[str, Any] | None
    able: list[str]


async def show_models(visit: Visit) -> Page:
    """Every model that can be called by name, or those with a text in their names."""
    wanted = visit.read_query("q").get("q", "")
    records = list(visit.rooms.catalog().records.values())
    shown = [_show(visit, record) for record in records if wanted.casefold() in record.id.casefold()]
    return Page("models.html", {"models": shown, "count": len(records), "wanted": wanted})


def _show(visit: Visit, record: ModelRecord) -> Shown:
    price = visit.rooms.find_price(record)
    known: dict[str, bool] = to_builtins(record.capabilities)
    able = [name.replace("_", " ") for name, value in known.items() if value]
    return Shown(record, None if price is None else {} if price.free else print_price(price), able)
