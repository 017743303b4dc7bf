"""Counts wrong guesses at a password by whom they were made at and by whom, and refuses more of them for a while.

Kept in memory, by each process for itself: with several workers somebody has as many times more guesses, which is still
nothing against a password of twelve symbols.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from tallygate.errors import TooManySignIns

GUESSES_MAX: Final = 10
WINDOW_S: Final = 900.0
NAMES_MAX: Final = 10_000
"""Names that are remembered; the one that was guessed at first is forgotten first."""


class Guesses:
    """Wrong guesses by name: an account, or the address somebody guesses from. `clock_s` never goes back."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._wrong: dict[str, tuple[float, int]] = {}

    def check(self, names: Sequence[str]) -> None:
        """Raises TooManySignIns if too many guesses were wrong under one of the names."""
        now_s = self._clock_s()
        for name in names:
            begun_s, wrong = self._wrong.get(name, (now_s, 0))
            if wrong >= GUESSES_MAX and now_s - begun_s < WINDOW_S:
                raise TooManySignIns(retry_after_s=60)

    def note_wrong(self, names: Sequence[str]) -> None:
        """Count a wrong guess under each of the names."""
        now_s = self._clock_s()
        for name in names:
            begun_s, wrong = self._wrong.pop(name, (now_s, 0))
            if now_s - begun_s >= WINDOW_S:
                begun_s, wrong = now_s, 0
            if len(self._wrong) >= NAMES_MAX:
                del self._wrong[next(iter(self._wrong))]
            self._wrong[name] = (begun_s, wrong + 1)

    def forget(self, name: str) -> None:
        """Somebody got it right under this name."""
        self._wrong.pop(name, None)
