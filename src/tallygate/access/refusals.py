"""What the book refuses, in words for the one who asked: whose limit it is, what was needed, what would have passed.

Only words. Whether a call may be made is decided by the fold (docs/reference/ledger.md, Admission).
"""

from datetime import UTC, datetime

from tallygate.errors import (
    BudgetExceeded,
    ConcurrencyLimit,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidApiKey,
    InvalidValue,
    RateLimited,
    RateTooSmall,
    TallygateError,
)
from tallygate.genai.results import Refused
from tallygate.ledger.money import print_usd
from tallygate.ledger.rates import find_standings

SLOT_RETRY_AFTER_S = 1
"""Calls end all the time; whoever has no slot may ask again soon."""

RETRY_AFTER_S_MAX = 60
"""Nobody is asked to wait longer, and then asked again."""

_NS_PER_S = 1_000_000_000


def explain_refusal(refused: Refused) -> TallygateError:
    """The error for a refused admission, with the facts in its sentence and in its details.

    Amounts among the details are decimal text in USD, `resets_at` is RFC 3339 in UTC.
    """
    match refused.reason:
        case "key":
            return InvalidApiKey()
        case "slots":
            return _explain_slots(refused)
        case "rate":
            return _explain_rate(refused)
        case "balance":
            return InsufficientBalance(
                f"The workspace's balance does not cover this call. {_tell_cost(refused)} are left. "
                f"{_tell_way_out(refused) or 'Top up the workspace to go on.'}",
                details=_list_facts(refused),
            )
        case "budget":
            return _explain_budget(refused)
        case "claim":
            return IdempotencyConflict(
                "This Idempotency-Key was used for another request. Send the same request, or another key."
            )
        case "amount":
            return InvalidValue("What this call may cost is more than can be counted. Ask for less.")
        case _:
            # Reasons of other items, and rows that a live key always has: nothing a caller could have caused.
            raise AssertionError(f"an admission is never refused for {refused.reason!r}")


def _explain_slots(refused: Refused) -> ConcurrencyLimit:
    slots, owner = refused.slots_max, refused.level or "user"
    calls = "1 call" if slots == 1 else f"{slots} calls"
    return ConcurrencyLimit(
        f"This {owner} may have {calls} open at once, over all keys, and has no more free. Wait until one ends.",
        retry_after_s=SLOT_RETRY_AFTER_S,
        details={"limit_of": owner, "concurrency_max": slots},
    )


def _explain_rate(refused: Refused) -> RateLimited:
    rate = refused.rate
    assert rate is not None, "whoever is refused for a rate is told which"
    (standing,) = find_standings([rate])
    limit = rate.per_minute
    facts: dict[str, str | int] = {
        "limit_of": rate.level,
        f"{rate.kind}_per_minute": limit,
        f"{rate.kind}_needed": refused.amount,
        f"{rate.kind}_available": standing.remaining,
    }
    sentence = f"This {rate.level} may make {limit} request{'s' * (limit != 1)} a minute."
    if rate.kind == "tokens":
        sentence = (
            f"This {rate.level} may use {limit} token{'s' * (limit != 1)} a minute. This call may come to "
            f"{refused.amount}, and {standing.remaining} are left."
        )
    if refused.wait_ns is None:
        way_out = " It can never be served: send less, or ask for a shorter answer." if rate.kind == "tokens" else ""
        return RateTooSmall(sentence + way_out, details=facts)
    wait_s = min(RETRY_AFTER_S_MAX, -(-refused.wait_ns // _NS_PER_S))
    return RateLimited(f"{sentence} Try again in {wait_s} s.", retry_after_s=wait_s, details=facts)


def _explain_budget(refused: Refused) -> BudgetExceeded:
    facts = _list_facts(refused)
    resets_at = "" if refused.resets_at_ns is None else _print_time(refused.resets_at_ns)
    until = f"until {resets_at}" if resets_at else "for good"
    if resets_at:
        facts["resets_at"] = resets_at
    way_out = _tell_way_out(refused) or ("Wait until then, or have it raised." if resets_at else "Have it raised.")
    return BudgetExceeded(
        f"A budget of this {refused.level} does not cover this call. {_tell_cost(refused)} are left {until}. {way_out}",
        details=facts,
    )


def _tell_cost(refused: Refused) -> str:
    return f"It may cost up to {print_usd(refused.needed_nusd)} USD, and {print_usd(refused.available_nusd)} USD"


def _tell_way_out(refused: Refused) -> str:
    """What would have passed; nothing if no answer at all would have."""
    tokens = refused.output_tokens_affordable
    return f"With an output of at most {tokens} token{'s' * (tokens != 1)} it would be served." if tokens else ""


def _list_facts(refused: Refused) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "limit_of": refused.level or "workspace",
        "needed_usd": print_usd(refused.needed_nusd),
        "available_usd": print_usd(refused.available_nusd),
        "output_tokens_affordable": refused.output_tokens_affordable,
    }
    return {**facts, "budget_id": refused.budget_id} if refused.budget_id else facts


def _print_time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
