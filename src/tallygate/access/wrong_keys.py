"""Counts the wrong keys that come from each address, and says when there were too many.

Only wrong keys are refused for it: a good one is never looked for here. Each process counts for itself, in memory, and
looks into no database. An IPv6 address stands for its /64.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from tallygate.access.networks import name_neighbourhood
from tallygate.errors import TooManyWrongKeys

ADDRESSES_MAX: Final = 10_000
"""Addresses that are remembered; the one that has been quiet longest is forgotten first."""

_MINUTE_S: Final = 60.0


class WrongKeys:
    """A bucket for each address, which a wrong key fills by one and a minute empties by `per_minute`."""

    def __init__(self, per_minute: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock_s = clock_s
        self._filled: dict[str, tuple[float, float]] = {}

    def note(self, address: str) -> None:
        """Somebody has shown a wrong key. Raises TooManyWrongKeys where it no longer fits into the bucket."""
        name, now_s = name_neighbourhood(address), self._clock_s()
        filled, seen_s = self._filled.pop(name, (0.0, now_s))
        filled = max(0.0, filled - (now_s - seen_s) * self._per_minute / _MINUTE_S)
        over = filled + 1 - self._per_minute
        if len(self._filled) >= ADDRESSES_MAX:
            del self._filled[next(iter(self._filled))]
        self._filled[name] = (filled if over > 0 else filled + 1, now_s)
        if over > 0:
            raise TooManyWrongKeys(retry_after_s=math.ceil(over * _MINUTE_S / self._per_minute))
