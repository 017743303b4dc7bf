"""Counts wrong guesses at a password by what they have in common, an account or an address; refuses more for a while.

Kept in memory, by each process for itself: with several workers somebody has as many times more guesses, which is still
nothing against a password of twelve symbols.
"""

import time
from collections.abc import Callable
from typing import Final

from tallygate.errors import TooManySignIns

WINDOW_S: Final = 900.0
NAMES_MAX: Final = 10_000
"""Names that are remembered; the one that was guessed wrong the longest ago is forgotten first."""


class Guesses:
    """Wrong guesses by name, `wrong_max` of them within a quarter of an hour. `clock_s` never goes back."""

    def __init__(self, wrong_max: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._wrong_max = wrong_max
        self._clock_s = clock_s
        self._wrong: dict[str, tuple[float, int]] = {}

    def check(self, name: str) -> None:
        """Raises TooManySignIns if too many guesses were wrong under this name."""
        now_s = self._clock_s()
        begun_s, wrong = self._wrong.get(name, (now_s, 0))
        if wrong >= self._wrong_max and now_s - begun_s < WINDOW_S:
            raise TooManySignIns(retry_after_s=60)

    def note_wrong(self, name: str) -> None:
        """Count a wrong guess."""
        now_s = self._clock_s()
        begun_s, wrong = self._wrong.pop(name, (now_s, 0))
        if now_s - begun_s >= WINDOW_S:
            begun_s, wrong = now_s, 0
        if len(self._wrong) >= NAMES_MAX:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[name] = (begun_s, wrong + 1)

    def forget(self, name: str) -> None:
        """Somebody got it right."""
        self._wrong.pop(name, None)
