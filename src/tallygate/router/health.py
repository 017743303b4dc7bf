"""How quick each target was lately: what the router knows from calls that have ended, in this process and in memory.

Nothing is asked of a provider for it, and nothing is decided here. What is forgotten costs a less well informed choice,
never a wrong answer.
"""

from typing import Final

from msgspec import Struct

from tallygate.genai.outcome import Outcome
from tallygate.genai.plan import Target
from tallygate.router.circuits import State

NEWEST_SHARE: Final = 0.2
"""How much of a figure is the newest call's: about the last ten calls count."""

FRESH_NS: Final = 600 * 10**9
"""So long a figure is believed. A target that is avoided for being slow is not measured, so it must be tried again."""

EVERY_NS: Final = 50 * 10**6
"""So long after one call of a target nothing is learnt from others: a busy target is no better known for it, and every
call would pay."""

OUTPUT_TOKENS_MIN: Final = 16
"""Shorter answers say nothing about tokens per second."""

TARGETS_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Pace(Struct, frozen=True):
    """Moving averages of one target: from the request's arrival to the first token of a stream, and output tokens per
    second of the whole call. None: not measured.
    """

    first_token_ms: float | None = None
    tokens_per_s: float | None = None
    seen_ns: int = 0


class TargetHealth(Struct, frozen=True, kw_only=True):
    """How one target is, as far as this process knows. `retry_in_s`: 0 if it may be asked; `running`: calls under way
    there; `last_error`: of those that its circuit still remembers, empty if none.
    """

    provider: str
    model: str
    circuit: State = "closed"
    retry_in_s: int = 0
    failures_in_row: int = 0
    last_error: str = ""
    running: int = 0
    first_token_ms: float | None = None
    tokens_per_s: float | None = None


class Health:
    """The pace of every target that has served. Times are of the process's monotonic clock."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str], Pace] = {}

    def heed(self, outcome: Outcome, now_ns: int) -> None:
        """Learn from a call that was served to its end by the first target it was sent to: the others' time would
        count as its own.
        """
        served = outcome.served
        if served is None or outcome.status != "ok" or len(outcome.attempts) != 1:
            return
        place = served.provider, served.model
        known = self._paces.get(place)
        if known is not None and now_ns - known.seen_ns < EVERY_NS:
            return
        if known is None or now_ns - known.seen_ns > FRESH_NS:
            if len(self._paces) >= TARGETS_MAX:
                self._paces.clear()
            known = Pace()
        self._paces[place] = Pace(
            _blend(known.first_token_ms, _first_token_ms(outcome)),
            _blend(known.tokens_per_s, _tokens_per_s(outcome)),
            now_ns,
        )

    def find_pace(self, target: Target, now_ns: int) -> Pace:
        """How quick the target was lately; of one that has not served lately, nothing."""
        pace = self._paces.get((target.provider, target.model))
        return pace if pace is not None and now_ns - pace.seen_ns <= FRESH_NS else Pace()


def _blend(known: float | None, newest: float | None) -> float | None:
    if known is None or newest is None:
        return newest if known is None else known
    return known + NEWEST_SHARE * (newest - known)


def _first_token_ms(outcome: Outcome) -> float | None:
    """Only a stream shows when its answer began."""
    return None if outcome.first_chunk_ns is None else outcome.first_chunk_ns / _NS_PER_MS


def _tokens_per_s(outcome: Outcome) -> float | None:
    tokens = 0 if outcome.usage is None else outcome.usage.output_tokens
    if tokens < OUTPUT_TOKENS_MIN or outcome.duration_ns <= 0:
        return None
    return tokens * _NS_PER_S / outcome.duration_ns
