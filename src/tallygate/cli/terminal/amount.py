"""Amounts of money and limits as people type and read them. What they mean is known to `ledger` and `access`."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from tallygate.access.limits import PERIODS
from tallygate.cli.terminal.failure import Failure
from tallygate.ledger.money import parse_usd

NO_LIMIT = "default"
NO_RATE = "none"


def parse_amount(text: str) -> int:
    """``10.00`` in nano-USD. Raises Failure (exit 2)."""
    try:
        return parse_usd(text.strip())
    except ValueError as error:
        raise Failure(f"{str(error)[0].upper()}{str(error)[1:]}.", 2) from None


def parse_budgets(texts: Sequence[str] | None) -> dict[str, int]:
    """``10.00/monthly`` and its like, by period. Raises Failure (exit 2)."""
    budgets: dict[str, int] = {}
    for text in texts or ():
        amount, slash, period = text.strip().partition("/")
        if not slash or period not in PERIODS:
            raise Failure(f'"{text}" is no budget: write USD/PERIOD as in "10.00/monthly" ({", ".join(PERIODS)}).', 2)
        if period in budgets:
            raise Failure(f"There are two {period} budgets.", 2)
        budgets[period] = parse_amount(amount)
    return budgets


def parse_slots(text: str) -> int | None:
    """A number of calls, or ``default``: as many as everybody. Raises Failure (exit 2)."""
    if text == NO_LIMIT:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Failure(f'"{text}" is no number of calls; "{NO_LIMIT}" takes the limit away.', 2)
    return int(text)


def parse_rate(text: str | None) -> int | UnsetType | None:
    """A number in a minute, or ``none`` for no limit; UNSET where nothing was given. Raises Failure (exit 2)."""
    if text is None:
        return UNSET
    if text == NO_RATE:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise Failure(f'"{text}" is no number in a minute; "{NO_RATE}" takes the limit away.', 2)
    return int(text)
