"""What a provider's `Retry-After` comes to here: whole seconds from 1 to 60, or nothing (RFC 9110 section 10.2.3).

A date needs a clock to be understood, and a language has none: it counts as nothing said.
"""

import re
from typing import Final

RETRY_AFTER_S_MAX: Final = 60

_SECONDS = re.compile(r"([+-]?\d{1,4000})(?:\.(\d*))?", re.ASCII)


def read_retry_after(value: str | None) -> int | None:
    """Seconds to wait, rounded up and brought into 1 to 60; None if the header is absent, a date, or no number."""
    found = _SECONDS.fullmatch((value or "").strip())
    if found is None:
        return None
    whole = int(found[1]) + bool((found[2] or "").strip("0"))
    return min(max(whole, 1), RETRY_AFTER_S_MAX)
