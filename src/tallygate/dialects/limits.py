"""Limits of requests and tokens as headers: in OpenAI's names, which every wire but Anthropic's shares.

Only what was decided is told here (platform.openai.com/docs/guides/rate-limits, the table of headers). Pure.
"""

from collections.abc import Iterable
from typing import Final

from tallygate.genai.rate_standing import RateStanding

_NS_PER_MS: Final = 1_000_000
_MS_PER_S: Final = 1_000


def write_limits(standings: Iterable[RateStanding]) -> list[tuple[str, str]]:
    """``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``; a reset is a duration such as ``6m0s``."""
    headers: list[tuple[str, str]] = []
    for standing in standings:
        headers += [
            (f"x-ratelimit-limit-{standing.kind}", str(standing.limit)),
            (f"x-ratelimit-remaining-{standing.kind}", str(standing.remaining)),
            (f"x-ratelimit-reset-{standing.kind}", print_duration(standing.reset_ns)),
        ]
    return headers


def print_duration(duration_ns: int) -> str:
    """Hours, minutes and seconds, or milliseconds, rounded up: ``1h0m0s``, ``6m0s``, ``1.5s``, ``120ms``."""
    total_ms = -(-duration_ns // _NS_PER_MS)
    if 0 < total_ms < _MS_PER_S:
        return f"{total_ms}ms"
    total_s, ms = divmod(total_ms, _MS_PER_S)
    minutes, s = divmod(total_s, 60)
    seconds = (f"{s}.{ms:03}".rstrip("0") if ms else str(s)) + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"
