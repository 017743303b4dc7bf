"""Moments as people type them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.moment import parse_moment, show_moment, stamp

NOW = int(datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", "2026-12-21T12:00:00Z"),
        ("12h", "2026-11-22T00:00:00Z"),
        ("45m", "2026-11-21T12:45:00Z"),
        ("2w", "2026-12-05T12:00:00Z"),
        ("1y", "2027-11-21T12:00:00Z"),
        (" 1d ", "2026-11-22T12:00:00Z"),
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T12:00", "2027-01-31T12:00:00Z"),
        ("2027-01-31 12:00:30", "2027-01-31T12:00:30Z"),
        ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
        ("2027-01-31T12:00+02:00", "2027-01-31T10:00:00Z"),
    ],
)
def test_spans_and_dates_are_moments(text: str, moment: str) -> None:
    assert stamp(parse_moment(text, NOW)) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "30", "d", "-1d", "0d", "1.5d", "2026-11-21", "2026-02-30", "9999999d", "999999y"]
)
def test_what_is_no_moment_to_come_is_refused_as_wrong_usage(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_moment(text, NOW)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_moment_may_be_past_where_that_makes_sense() -> None:
    assert stamp(parse_moment("2026-11-20", NOW, may_be_past=True)) == "2026-11-20T00:00:00Z"
    with pytest.raises(Failure, match="before 1970"):
        parse_moment("1969-12-31", NOW, may_be_past=True)


@given(st.text(max_size=20))
def test_no_text_ends_in_another_error(text: str) -> None:
    try:
        moment = parse_moment(text, NOW)
    except Failure:
        return
    assert moment > NOW


@given(st.datetimes(min_value=datetime(2027, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_what_is_stamped_is_read_back(time: datetime) -> None:
    moment = parse_moment(time.isoformat(), NOW)
    written = stamp(moment)
    assert written is not None
    assert parse_moment(written, NOW) == moment - moment % 10**9


def test_no_moment_shows_as_what_is_said_instead() -> None:
    assert (show_moment(None, "never"), stamp(None)) == ("never", None)
    assert show_moment(NOW) == "2026-11-21 12:00 UTC"
