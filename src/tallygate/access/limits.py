"""Administrative operations on limits, for the command line and the admin API alike: how much a workspace, a user or a
key may spend in a window, what it may ask for in a minute, and how many calls may be open at once.

Synchronous functions on plain values; a server calls them in a thread. What a limit may be is checked here; what it
does to a call is decided in `ledger`.
"""

import time
from collections.abc import Iterable, Mapping
from typing import get_args

from msgspec import UNSET, UnsetType, structs

from tallygate.access.delegation import Delegation
from tallygate.access.principal import Principal
from tallygate.errors import InvalidValue
from tallygate.genai.book import Period, RateKind
from tallygate.ledger.money import is_amount
from tallygate.ledger.rates import leak
from tallygate.ledger.windows import roll
from tallygate.store import limits as stored_limits
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.limits import LimitsChange, LimitsRow, Owner

PERIODS: tuple[Period, ...] = get_args(Period)
SLOTS_LIMIT = 10_000
"""More calls than this nobody has open at once."""
RATE_MAX = 10**9
"""More requests or tokens than this nobody needs in a minute."""


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
    rpm: int | UnsetType | None = UNSET,
    tpm: int | UnsetType | None = UNSET,
    by: Principal | None = None,
) -> LimitsRow:
    """Change limits, all or nothing, from the next call on. What is not given stays.

    `budgets_nusd` gives a limit for each period; `removed` names periods whose budget goes. `slots_max` None is what
    everybody has; `rpm` and `tpm` are requests and tokens in a minute, None for no limit. `by` is whose own rights
    bound the change (`delegation`). A limit below what is spent and held already admits nothing until there is room.

    Raises InvalidValue, NotFound, PermissionDenied, and Conflict for a revoked key or a name that several workspaces
    use.
    """
    if owner.level == "workspace" and slots_max is not UNSET:
        raise InvalidValue("Open calls are counted for each user: limit the user, or a key.", param="concurrency")
    if owner.level != "key" and shortens is not UNSET:
        raise InvalidValue("Whether answers may be shortened is a key's own setting.", param="shorten")
    limits = LimitsChange(
        budgets_nusd=check_budgets(budgets_nusd or {}),
        removed=frozenset(_check_period(period) for period in removed),
        rates=check_rates(rpm, tpm),
        slots_max=slots_max if slots_max is UNSET else check_slots(slots_max),
        shortens=shortens,
    )
    if both := limits.removed & limits.budgets_nusd.keys():
        raise InvalidValue(f"A budget cannot be set and removed at once: {', '.join(sorted(both))}.", param="budget")
    now_ns = time.time_ns()
    return _roll(stored_limits.change_limits(database, owner, limits, Change(actor, now_ns), Delegation(by)), now_ns)


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


def check_rates(rpm: int | UnsetType | None, tpm: int | UnsetType | None) -> dict[RateKind, int | None]:
    """Requests and tokens in a minute as they may be stored; what is not given is left out. Raises InvalidValue."""
    rates: dict[RateKind, int | None] = {}
    given: tuple[tuple[RateKind, str, int | UnsetType | None], ...] = (("requests", "rpm", rpm), ("tokens", "tpm", tpm))
    for kind, name, limit in given:
        if limit is UNSET:
            continue
        if limit is not None and not 0 <= limit <= RATE_MAX:
            raise InvalidValue(f"A limit of {kind} in a minute is a number from 0 to {RATE_MAX}.", param=name)
        rates[kind] = limit
    return rates


def _check_period(period: str) -> Period:
    if period not in PERIODS:
        raise InvalidValue(f"A budget is for one of: {', '.join(PERIODS)}.", param="budget")
    return period


def _roll(row: LimitsRow, now_ns: int) -> LimitsRow:
    """The rows of budgets and rates show the moment of their last call; whoever looks wants the present one."""
    budgets = tuple(roll(budget, now_ns) for budget in row.budgets)
    return structs.replace(row, budgets=budgets, rates=tuple(leak(rate, now_ns) for rate in row.rates))
