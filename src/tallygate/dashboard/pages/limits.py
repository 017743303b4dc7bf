"""The limits of a workspace, a user or a key on the pages: the form that shows them is the form that changes them."""

from collections.abc import Mapping
from typing import Any, Final

from tallygate.access import limits
from tallygate.access.limits import PERIODS
from tallygate.api.body import read_usd
from tallygate.dashboard.visit import Visit
from tallygate.errors import InvalidValue
from tallygate.store.limits import LimitsRow, Owner

__all__ = ["PERIODS", "RATES", "change", "list_rates", "read_number", "show"]

RATES: Final = ("rpm", "tpm")
"""Requests and tokens in a minute."""
DIGITS_MAX: Final = 15

_FIELDS: Final = {"requests": "rpm", "tokens": "tpm"}


def show(visit: Visit, owner: Owner) -> dict[str, Any]:
    """What the form is filled with. Raises NotFound."""
    row = limits.show_limits(visit.rooms.database, owner)
    budgets = {budget.period: budget for budget in row.budgets}
    return {"limits": row, "budgets": budgets, "rates": list_rates(row), "periods": PERIODS}


def list_rates(row: LimitsRow) -> dict[str, int]:
    """What may be asked for in a minute, by the names of the form's fields."""
    return {_FIELDS[rate.kind]: rate.per_minute for rate in row.rates}


def change(visit: Visit, owner: Owner) -> None:
    """Change what the form says. An empty field takes a limit away. Raises InvalidValue, NotFound, Conflict,
    PermissionDenied.
    """
    values = visit.form.read(("form_token", "concurrency", "shorten", *RATES, *PERIODS))
    more: dict[str, Any] = {}
    if owner.level != "workspace":
        more["slots_max"] = read_number(values, "concurrency")
    if owner.level == "key":
        more["shortens"] = "shorten" in values
    limits.change_limits(
        visit.rooms.database,
        owner,
        actor=visit.person.actor,
        by=visit.person.principal,
        budgets_nusd={period: read_usd(values[period].strip(), period) for period in PERIODS if period in values},
        removed=[period for period in PERIODS if period not in values],
        rpm=read_number(values, "rpm"),
        tpm=read_number(values, "tpm"),
        **more,
    )


def read_number(values: Mapping[str, str], name: str) -> int | None:
    """The number of a field; None where nothing is said. Raises InvalidValue."""
    text = values.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX:
        raise InvalidValue(f"`{name}` is a whole number.", param=name)
    return int(text)
