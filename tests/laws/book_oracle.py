"""What an admission must come to, worked out slowly from the judge's figures, and results in the words of it."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from tallygate.genai.items import Admission, Bound
from tallygate.genai.results import AlreadyDone, Fenced, Held, Noted, Posted, Refused, Replay, Running, Stale, Voided
from tests.fakes.ledger import Shelf
from tests.laws.book_judge import View


def expect_room(shelf: Shelf, item: Admission, now_ns: int) -> tuple[Any, ...]:
    """What becomes of a call whose caller stands and whose claim is free: slots, then money at every level."""
    key, view = shelf.tables["keys"][item.key_id], View(shelf)
    if view.open_of[item.user_id] >= (key.slots_max or 5):
        return ("slots",)
    rooms = view.rooms(item, now_ns)
    room_nusd, bound = max(0, min(rooms)), item.bound
    wished = bound.output_tokens_max
    affordable = find_largest(wished, lambda cap: _costs(bound, cap) <= room_nusd)
    floor = max(256, bound.output_tokens_min or 0)
    may_shorten = key.shortens and bound.output_tokens_min is not None and affordable >= floor
    if _costs(bound, wished) <= room_nusd or may_shorten:
        return ("held", affordable)
    return ("balance" if min(rooms) == rooms[0] else "budget", affordable)


def find_largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` that fits, where all below a fitting one fit; 0 if none does."""
    return max(0, bisect_left(range(most + 1), True, key=lambda number: not fits(number)) - 1)


def _costs(bound: Bound, cap: int) -> int:
    return -(-(bound.fixed_nusd * 1_000 + bound.output_price_pusd * cap) // 1_000)


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
