"""Limits as Anthropic's headers: a moment in place of a duration."""

from tallygate.dialects.anthropic_messages.limits import write_limits
from tallygate.genai.rate_standing import RateStanding

NOON_NS = 1_795_348_800 * 10**9  # 2026-11-22T12:00:00Z


def test_the_reset_is_the_first_whole_second_at_which_all_is_there_again() -> None:
    requests = RateStanding(kind="requests", limit=60, remaining=59, reset_ns=10**9, at_ns=NOON_NS)
    tokens = RateStanding(kind="tokens", limit=9, remaining=0, reset_ns=60 * 10**9 + 1, at_ns=NOON_NS)
    assert write_limits([requests, tokens]) == [
        ("anthropic-ratelimit-requests-limit", "60"),
        ("anthropic-ratelimit-requests-remaining", "59"),
        ("anthropic-ratelimit-requests-reset", "2026-11-22T12:00:01Z"),
        ("anthropic-ratelimit-tokens-limit", "9"),
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-22T12:01:01Z"),
    ]
