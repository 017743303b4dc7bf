"""How amounts and moments look in the answers of our own doors.

An amount stands twice: as decimal text in USD for people, and as whole nano-USD for programs. Where other gateways have
a JSON number, an exact one is written without passing through a binary fraction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Raw

from tallygate.genai.book import Budget, RateKind
from tallygate.genai.rate_standing import RateStanding
from tallygate.ledger.money import print_usd
from tallygate.ledger.windows import find_window_end_ns

RATE_NAMES: Final[Mapping[RateKind, str]] = {"requests": "rpm", "tokens": "tpm"}
"""What limits of requests and tokens in a minute are called."""

_NS_PER_S = 1_000_000_000


def show_amount(name: str, amount_nusd: int) -> dict[str, str | int]:
    """``{"held_usd": "0.10", "held_nusd": 100000000}``."""
    return {f"{name}_usd": print_usd(amount_nusd), f"{name}_nusd": amount_nusd}


def show_number(amount_nusd: int) -> Raw:
    """An amount in USD as a JSON number, exact: ``0.000001234``."""
    return Raw(print_usd(amount_nusd).encode())


def show_moment(moment_ns: int | None) -> str | None:
    """RFC 3339 in UTC: ``2027-01-31T12:00:00Z``."""
    if moment_ns is None:
        return None
    return datetime.fromtimestamp(moment_ns // _NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_day(day: int) -> str:
    """A day counted from 1970 UTC: ``2027-01-31``."""
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def show_budget(budget: Budget) -> dict[str, object]:
    """A budget in its present window: whose it is, its limit, and what of it is spent, held and left."""
    left_nusd = max(0, budget.limit_nusd - budget.spent_nusd - budget.held_nusd)
    return {
        "id": budget.id,
        "level": budget.level,
        "owner_id": budget.owner_id,
        "period": budget.period,
        **show_amount("limit", budget.limit_nusd),
        **show_amount("spent", budget.spent_nusd),
        **show_amount("held", budget.held_nusd),
        **show_amount("left", left_nusd),
        "resets_at": show_moment(find_window_end_ns(budget.period, budget.window_start_ns)),
    }


def show_rate(standing: RateStanding) -> dict[str, int]:
    """A limit in a minute: how many, and how many of them are left."""
    return {"limit": standing.limit, "left": standing.remaining}
