"""What an admission must come to, worked out slowly from the judge's figures, and results in the words of it."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from tallygate.genai.book import Hold, Rate
from tallygate.genai.items import Admission, Bound, Recovery
from tallygate.genai.results import AlreadyDone, Fenced, Held, Noted, Posted, Refused, Replay, Running, Stale, Voided
from tests.fakes.ledger import OWNERS, Shelf
from tests.laws.book_judge import Judge, View
from tests.laws.rate_model import Bucket


def expect_room(shelf: Shelf, judge: Judge, item: Admission, now_ns: int) -> tuple[Any, ...] | None:
    """What becomes of a call whose caller stands and whose claim is free: slots, rates, then money at every level.

    None where a rate is so nearly full that the ledger may well be a millionth stricter.
    """
    key, view = shelf.tables["keys"][item.key_id], View(shelf)
    if view.open_of[item.user_id] >= (key.slots_max or 5):
        return ("slots",)
    fit = [_fits(rate, bucket, item.bound, now_ns) for rate, bucket in judge.find_rates(shelf.tables, item)]
    if False in fit:
        return ("rate",)
    if None in fit:
        return None
    rooms = view.rooms(item, now_ns)
    room_nusd, bound = max(0, min(rooms)), item.bound
    wished = bound.output_tokens_max
    affordable = find_largest(wished, lambda cap: _costs(bound, cap) <= room_nusd)
    floor = max(256, bound.output_tokens_min or 0)
    may_shorten = key.shortens and bound.output_tokens_min is not None and affordable >= floor
    if _costs(bound, wished) <= room_nusd or may_shorten:
        return ("held", affordable)
    return ("balance" if min(rooms) == rooms[0] else "budget", affordable)


def count_tokens(bound: Bound, cap: int) -> int:
    """All that may go in, and all that may come out of every answer."""
    return bound.input_tokens_max + cap * bound.answers


def _fits(rate: Rate, bucket: Bucket, bound: Bound, now_ns: int) -> bool | None:
    amount = 1 if rate.kind == "requests" else count_tokens(bound, bound.output_tokens_max)
    bucket = bucket.copy()
    bucket.pass_time(now_ns)
    excess = bucket.inside + bucket.held + amount - rate.per_minute
    if excess > 0 or not rate.per_minute:
        return False
    return True if excess + bucket.slack <= 0 else None


def change_rate(known: Rate | None, rate: Rate) -> Rate:
    """As an administrator does it: tokens in thousands, and a bucket never holds more than a minute lets through."""
    per_minute = rate.per_minute * (1_000 if rate.kind == "tokens" else 1)
    known = known or rate
    return structs.replace(known, per_minute=per_minute, filled_micro=min(known.filled_micro, per_minute * 10**6))


def look_at_rates(found: Sequence[tuple[Rate, Bucket]], item: Admission, row: Hold) -> None:
    """A call is counted by every rate of its workspace, user and key, with all that it may come to."""
    assert set(row.rate_ids) == {rate.id for rate, _ in found}, "a rate was passed by"
    counted = any(rate.kind == "tokens" for rate, _ in found)
    assert row.rate_tokens == (count_tokens(item.bound, row.output_tokens_max) if counted else 0)


def expect_recovery(item: Recovery, row: Hold, *, claims: bool) -> tuple[Any, ...]:
    """What becomes of a hold whose owner is dead. `claims`: its caller will ask again."""
    if row.state != "open":
        return ("already", row.id)
    paid_nusd = 0 if claims else min(row.progress_nusd, row.amount_nusd)
    return ("posted", paid_nusd, max(item.estimate_nusd, row.progress_nusd) - paid_nusd)


def find_largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` that fits, where all below a fitting one fit; 0 if none does."""
    return max(0, bisect_left(range(most + 1), True, key=lambda number: not fits(number)) - 1)


def _costs(bound: Bound, cap: int) -> int:
    return -(-(bound.fixed_nusd * 1_000 + bound.output_price_pusd * cap) // 1_000)


def key_of(user_id: str) -> str:
    """A key of the user."""
    return next(key_id for key_id, owners in OWNERS.items() if owners[1] == user_id)


def say(result: Any) -> tuple[Any, ...]:
    """A result in the words of what was expected."""
    match result:
        case Held():
            return ("held", result.hold.output_tokens_max)
        case Posted():
            return ("posted", result.hold.charged_nusd, result.hold.loss_nusd)
        case Noted():
            return ("noted", result.hold.progress_nusd)
        case AlreadyDone():
            return ("already", result.hold.id)
        case Refused(reason="balance" | "budget"):
            return (result.reason, result.output_tokens_affordable)
        case Refused():
            return (result.reason,)
        case Running() | Replay():
            return (type(result).__name__.lower(), result.hold_id)
        case _:
            assert isinstance(result, Stale | Voided | Fenced)
            return (type(result).__name__.lower(),)
