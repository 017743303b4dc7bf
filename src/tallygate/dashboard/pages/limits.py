"""The limits of a workspace, a user or a key on the pages: the form that shows them is the form that changes them."""

from collections.abc import Mapping
from typing import Any

from tallygate.access import limits
from tallygate.access.limits import PERIODS
from tallygate.api.body import read_usd
from tallygate.dashboard.visit import Visit
from tallygate.errors import InvalidValue
from tallygate.store.limits import Owner

__all__ = ["PERIODS", "change", "read_slots", "show"]


def show(visit: Visit, owner: Owner) -> dict[str, Any]:
    """What the form is filled with. Raises NotFound."""
    row = limits.show_limits(visit.rooms.database, owner)
    budgets = {budget.period: budget for budget in row.budgets}
    return {"limits": row, "budgets": budgets, "periods": PERIODS}


def change(visit: Visit, owner: Owner) -> None:
    """Change what the form says. An empty field takes a limit away. Raises InvalidValue, NotFound, Conflict,
    PermissionDenied.
    """
    values = visit.form.read(("form_token", "concurrency", "shorten", *PERIODS))
    more: dict[str, Any] = {}
    if owner.level != "workspace":
        more["slots_max"] = read_slots(values)
    if owner.level == "key":
        more["shortens"] = "shorten" in values
    limits.change_limits(
        visit.rooms.database,
        owner,
        actor=visit.person.actor,
        by=visit.person.principal,
        budgets_nusd={period: read_usd(values[period].strip(), period) for period in PERIODS if period in values},
        removed=[period for period in PERIODS if period not in values],
        **more,
    )


def read_slots(values: Mapping[str, str]) -> int | None:
    """How many calls may be open at once; None where nothing is said. Raises InvalidValue."""
    text = values.get("concurrency", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidValue("Calls open at once are a whole number.", param="concurrency")
    return int(text)
