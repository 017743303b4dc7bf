"""Administrative operations on limits, for the command line and the admin API alike: how much a workspace, a user or a
key may spend in a window, and how many calls may be open at once.

Synchronous functions on plain values; a server calls them in a thread. What a limit may be is checked here; what it
does to a call is decided in `ledger`.
"""

import time
from collections.abc import Iterable, Mapping
from typing import get_args

from msgspec import UNSET, UnsetType, structs

from tallygate.errors import InvalidValue
from tallygate.genai.book import Period
from tallygate.ledger.money import is_amount
from tallygate.ledger.windows import roll
from tallygate.store import limits as stored_limits
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.limits import LimitsChange, LimitsRow, Owner

PERIODS: tuple[Period, ...] = get_args(Period)
SLOTS_LIMIT = 10_000
"""More calls than this nobody has open at once."""


def show_limits(database: Database, owner: Owner) -> LimitsRow:
    """The limits of an owner, its budgets in the windows of this moment. Raises NotFound, Conflict."""
    return _roll(stored_limits.find_limits(database, owner), time.time_ns())


def change_limits(
    database: Database,
    owner: Owner,
    *,
    actor: str,
    budgets_nusd: Mapping[str, int] | None = None,
    removed: Iterable[str] = (),
    slots_max: int | UnsetType | None = UNSET,
    shortens: bool | UnsetType = UNSET,
) -> LimitsRow:
    """Change limits, all or nothing, from the next call on. What is not given stays.

    `budgets_nusd` gives a limit for each period; `removed` names periods whose budget goes. `slots_max` None is what
    everybody has. A limit below what is spent and held already admits nothing until there is room. Raises InvalidValue,
    NotFound, and Conflict for a revoked key or a name that several workspaces use.
    """
    if owner.level == "workspace" and slots_max is not UNSET:
        raise InvalidValue("Open calls are counted for each user: limit the user, or a key.", param="concurrency")
    if owner.level != "key" and shortens is not UNSET:
        raise InvalidValue("Whether answers may be shortened is a key's own setting.", param="shorten")
    limits = LimitsChange(
        budgets_nusd=check_budgets(budgets_nusd or {}),
        removed=frozenset(_check_period(period) for period in removed),
        slots_max=slots_max if slots_max is UNSET else check_slots(slots_max),
        shortens=shortens,
    )
    if both := limits.removed & limits.budgets_nusd.keys():
        raise InvalidValue(f"A budget cannot be set and removed at once: {', '.join(sorted(both))}.", param="budget")
    now_ns = time.time_ns()
    return _roll(stored_limits.change_limits(database, owner, limits, Change(actor, now_ns)), now_ns)


def check_budgets(budgets_nusd: Mapping[str, int]) -> dict[Period, int]:
    """Budgets as they may be stored. Raises InvalidValue."""
    if not all(is_amount(limit_nusd) for limit_nusd in budgets_nusd.values()):
        raise InvalidValue("A budget is an amount of money, 0 or more.", param="budget")
    return {_check_period(period): limit_nusd for period, limit_nusd in budgets_nusd.items()}


def check_slots(slots_max: int | None) -> int | None:
    """A number of open calls as it may be stored. Raises InvalidValue."""
    if slots_max is not None and not 0 <= slots_max <= SLOTS_LIMIT:
        raise InvalidValue(f"Calls open at once are a number from 0 to {SLOTS_LIMIT}.", param="concurrency")
    return slots_max


def _check_period(period: str) -> Period:
    if period not in PERIODS:
        raise InvalidValue(f"A budget is for one of: {', '.join(PERIODS)}.", param="budget")
    return period


def _roll(row: LimitsRow, now_ns: int) -> LimitsRow:
    """A budget's row shows the window of its last call; whoever looks wants the present one."""
    return structs.replace(row, budgets=tuple(roll(budget, now_ns) for budget in row.budgets))
