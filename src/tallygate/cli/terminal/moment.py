"""Moments as people type and read them. UTC throughout; no clock is read here."""

import re
from datetime import UTC, datetime, timedelta

from tallygate.cli.terminal.failure import Failure

_SPAN = re.compile(r"([0-9]{1,6})([mhdwy])\Z")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str, now_ns: int, *, may_be_past: bool = False) -> int:
    """``30d``, ``12h``, ``2027-01-31`` or ``2027-01-31T12:00+02:00`` as nanoseconds since 1970 UTC.

    Without a zone UTC is meant. Raises Failure (exit 2) for anything else, and for what is past where it may not be.
    """
    text = text.strip()
    try:
        if span := _SPAN.match(text):
            moment = _to_time(now_ns) + int(span[1]) * _UNITS[span[2]]
        else:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        raise Failure(f'"{text}" is no moment: write a span (30d, 12h, 2w) or a date (2027-01-31).', 2) from None
    earliest_ns = 0 if may_be_past else now_ns + 1
    if not earliest_ns <= moment_ns < 1 << 63:
        near = f"{text} is before 1970." if may_be_past else f"{text} is not in the future."
        raise Failure(near if moment_ns < earliest_ns else f"{text} is too far away.", 2)
    return moment_ns


def show_moment(moment_ns: int | None, otherwise: str = "") -> str:
    """``2027-01-31 12:00 UTC``, or `otherwise` for None."""
    return otherwise if moment_ns is None else f"{_to_time(moment_ns):%Y-%m-%d %H:%M UTC}"


def stamp(moment_ns: int | None) -> str | None:
    """RFC 3339 for JSON: ``2027-01-31T12:00:00Z``."""
    return None if moment_ns is None else f"{_to_time(moment_ns):%Y-%m-%dT%H:%M:%SZ}"


def _to_time(moment_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment_ns // 1000)
