"""Windows begin and end by the calendar, in UTC, and a clock that runs back opens none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tallygate.genai.book import Budget, Period
from tallygate.ledger.windows import find_window_end_ns, find_window_start_ns, roll
from tests.laws.book_judge import find_start_ns

PERIODS: tuple[Period, ...] = ("daily", "weekly", "monthly", "total")
MOMENTS = st.integers(0, 2**63 - 1 - 40 * 86_400 * 10**9)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("daily", "2026-02-28T23:59:59", "2026-02-28", "2026-03-01"),
        ("daily", "2026-03-01", "2026-03-01", "2026-03-02"),
        ("weekly", "2026-03-01T12:00:00", "2026-02-23", "2026-03-02"),
        ("weekly", "2026-03-02", "2026-03-02", "2026-03-09"),
        ("weekly", "1970-01-05", "1970-01-05", "1970-01-12"),
        ("monthly", "2024-02-29T12:00:00", "2024-02-01", "2024-03-01"),
        ("monthly", "2025-12-31T23:59:59", "2025-12-01", "2026-01-01"),
    ],
)
def test_a_window_is_the_calendars(period: Period, now: str, start: str, end: str) -> None:
    assert find_window_start_ns(period, at(now)) == at(start)
    assert find_window_end_ns(period, at(start)) == at(end)


def test_the_total_never_ends() -> None:
    assert find_window_start_ns("total", at("2026-03-01")) == 0
    assert find_window_end_ns("total", 0) is None


@pytest.mark.parametrize("period", PERIODS)
@given(now_ns=MOMENTS)
def test_every_moment_is_in_exactly_one_window(period: Period, now_ns: int) -> None:
    start_ns = find_window_start_ns(period, now_ns)
    end_ns = find_window_end_ns(period, start_ns)
    assert start_ns <= now_ns
    assert start_ns == find_start_ns(period, now_ns)
    if end_ns is not None:
        assert now_ns < end_ns
        assert find_window_start_ns(period, end_ns) == end_ns


@pytest.mark.parametrize("period", PERIODS)
@given(first_ns=MOMENTS, second_ns=MOMENTS)
def test_a_new_window_starts_at_nothing_spent_and_keeps_what_is_held(
    period: Period, first_ns: int, second_ns: int
) -> None:
    start_ns = find_window_start_ns(period, first_ns)
    full = Budget(
        id="b",
        level="key",
        owner_id="k",
        period=period,
        limit_nusd=9,
        window_start_ns=start_ns,
        spent_nusd=5,
        held_nusd=3,
    )
    later_ns = find_window_start_ns(period, second_ns)
    expected = structs.replace(full, window_start_ns=later_ns, spent_nusd=0) if later_ns > start_ns else full
    assert roll(full, second_ns) == expected
