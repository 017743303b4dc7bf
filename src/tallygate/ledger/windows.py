"""The windows of budgets: when one began and when it ends, in UTC, by the calendar.

A day begins at midnight, a week on Monday, a month on its first day; the total has one window for ever. Pure: the time
is an argument.
"""

from datetime import date

from msgspec import structs

from tallygate.genai.book import Budget, Period

DAY_NS = 86_400 * 10**9
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def find_window_start_ns(period: Period, now_ns: int) -> int:
    """The beginning of the window that holds `now_ns`, which is 1970 or later."""
    if period == "total":
        return 0
    day = now_ns // DAY_NS
    if period == "weekly":
        day -= (day + 3) % 7  # the first day of 1970 was a Thursday
    elif period == "monthly":
        day = date.fromordinal(_EPOCH_DAY + day).replace(day=1).toordinal() - _EPOCH_DAY
    return day * DAY_NS


def find_window_end_ns(period: Period, start_ns: int) -> int | None:
    """The beginning of the window after the one that began at `start_ns`; None if there is none."""
    if period == "total":
        return None
    if period == "monthly":
        return find_window_start_ns(period, start_ns + 31 * DAY_NS)
    return start_ns + (7 if period == "weekly" else 1) * DAY_NS


def roll(budget: Budget, now_ns: int) -> Budget:
    """The budget in the window of `now_ns`: spent starts at 0, held stays. A clock that runs back opens no window."""
    start_ns = find_window_start_ns(budget.period, now_ns)
    if start_ns <= budget.window_start_ns:
        return budget
    return structs.replace(budget, window_start_ns=start_ns, spent_nusd=0)
