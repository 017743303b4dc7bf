"""Limits as headers: OpenAI's names, and its durations."""

import pytest

from tallygate.dialects.limits import print_duration, write_limits
from tallygate.genai.rate_standing import RateStanding

MS = 1_000_000
STANDING = RateStanding(kind="requests", limit=60, remaining=59, reset_ns=1_000 * MS, at_ns=5)


def test_each_kind_has_a_limit_what_is_left_of_it_and_when_it_is_whole() -> None:
    tokens = RateStanding(kind="tokens", limit=1_000, remaining=0, reset_ns=60_000 * MS, at_ns=5)
    assert write_limits([STANDING, tokens]) == [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"),
        ("x-ratelimit-limit-tokens", "1000"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "1m0s"),
    ]
    assert write_limits([]) == []


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (120 * MS, "120ms"),
        (999 * MS + 1, "1s"),
        (1_500 * MS, "1.5s"),
        (8_640 * MS, "8.64s"),
        (60_000 * MS, "1m0s"),
        (360_000 * MS, "6m0s"),
        (86_405 * MS, "1m26.405s"),
        (3_600_000 * MS, "1h0m0s"),
        (90_061_000 * MS, "25h1m1s"),
    ],
)
def test_a_duration_is_rounded_up_to_a_millisecond(duration_ns: int, text: str) -> None:
    assert print_duration(duration_ns) == text
