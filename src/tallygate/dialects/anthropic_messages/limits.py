"""Limits of requests and tokens as Anthropic's headers tell them (platform.claude.com/docs/en/api/rate-limits, Response
headers): the moment at which the whole limit is there again, in RFC 3339.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from tallygate.genai.rate_standing import RateStanding

_NS_PER_S: Final = 1_000_000_000


def write_limits(standings: Iterable[RateStanding]) -> list[tuple[str, str]]:
    """``anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}``."""
    headers: list[tuple[str, str]] = []
    for standing in standings:
        family, reset_at_ns = f"anthropic-ratelimit-{standing.kind}", standing.at_ns + standing.reset_ns
        headers += [
            (f"{family}-limit", str(standing.limit)),
            (f"{family}-remaining", str(standing.remaining)),
            (f"{family}-reset", _print_moment(-(-reset_at_ns // _NS_PER_S))),
        ]
    return headers


def _print_moment(at_s: int) -> str:
    """The whole second after it: whoever comes then finds what was promised."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
