"""Health: how each target is that a model leads to, as far as the process knows that answers."""

from typing import Final

from tallygate.dashboard.visit import Page, Visit

ORDER: Final = {"open": 0, "half_open": 1, "cooling": 2, "closed": 3}


async def show_health(visit: Visit) -> Page:
    """Every target, those that are not well first."""
    visit.read_query()
    rows = sorted(visit.rooms.list_health(), key=lambda row: (ORDER[row.circuit], row.provider, row.model))
    values = {"targets": rows, "ill": sum(row.circuit != "closed" for row in rows)}
    return Page("health_list.html" if visit.is_enhanced else "health.html", values)
