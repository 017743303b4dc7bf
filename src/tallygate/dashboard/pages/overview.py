"""The first page: what there is to spend, what was spent today, what runs, and what ran last."""

from tallygate.dashboard.visit import Page, Visit


async def show_overview(visit: Visit) -> Page:
    """The state of one workspace at a glance."""
    visit.read_query()
    return Page("overview.html")
