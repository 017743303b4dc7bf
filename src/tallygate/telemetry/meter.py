"""Counts calls as they end, for one process: a look into a table and some additions each, nothing else.

What is counted here is read by whoever collects it. Labels have an end: names come from callers, and one who makes up
names must fill neither the memory nor anybody's time series.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final

from tallygate.genai.outcome import Outcome
from tallygate.telemetry import names
from tallygate.telemetry.family import NS_PER_S, Family, Sample
from tallygate.telemetry.line import neutralise

SERIES_MAX: Final = 1_000
"""Of more kinds of calls the model is not told any more."""

OTHER: Final = "other"
NAME_CHARACTERS_MAX: Final = 200

# The bounds that the conventions give (gen-ai-metrics.md).
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = tuple(4**power for power in range(14))

_SECONDS_NS: Final = tuple(round(bound * NS_PER_S) for bound in SECONDS)

Key = tuple[str, str, str, str, str, str]


class Spread:
    """How values are spread over the bounds, and their sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def note(self, value: int) -> None:
        """One more value. A bound belongs to what is below it."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Tally:
    """What is known of all calls of one kind."""

    __slots__ = ("calls", "durations", "first_chunks", "inputs", "outputs")

    def __init__(self) -> None:
        self.calls = 0
        self.durations = Spread(_SECONDS_NS)
        self.first_chunks = Spread(_SECONDS_NS)
        self.inputs = Spread(TOKENS)
        self.outputs = Spread(TOKENS)


class Meter:
    """The counters of one process. Written by its event loop alone, and read by it."""

    def __init__(self, series_max: int = SERIES_MAX) -> None:
        self._series_max = series_max
        self._calls: dict[Key, Tally] = {}
        self._attempts: dict[tuple[str, str, str], int] = {}
        self._refusals: dict[str, int] = {}

    def count(self, outcome: Outcome, dialect: str, *, stream: bool) -> None:
        """A call that was admitted has ended."""
        served = outcome.served
        key = (
            outcome.operation,
            outcome.status,
            dialect,
            "" if served is None else served.provider,
            outcome.request_model,
            outcome.error_code,
        )
        tally = self._calls.get(key) or self._open(key)
        tally.calls += 1
        tally.durations.note(outcome.duration_ns)
        if stream and outcome.first_chunk_ns is not None:
            tally.first_chunks.note(outcome.first_chunk_ns)
        if outcome.usage is not None:
            tally.inputs.note(outcome.usage.input_tokens)
            tally.outputs.note(outcome.usage.output_tokens)
        for attempt in outcome.attempts:
            target = attempt.target
            place = (target.provider, target.model, attempt.error_code)
            if place not in self._attempts and len(self._attempts) >= self._series_max:
                place = (target.provider, OTHER, attempt.error_code)
            self._attempts[place] = self._attempts.get(place, 0) + 1

    def refuse(self, code: str) -> None:
        """A request was refused before anything was sent."""
        self._refusals[code] = self._refusals.get(code, 0) + 1

    def _open(self, key: Key) -> Tally:
        if len(self._calls) >= self._series_max:
            operation, status, dialect, provider, _, error = key
            return self._calls.setdefault((operation, status, dialect, provider, OTHER, error), Tally())
        return self._calls.setdefault(key, Tally())

    def list_families(self) -> list[Family]:
        """Everything counted so far."""
        calls = [Sample(_show(key), tally.calls) for key, tally in self._calls.items()]
        attempts = [Sample(_show(place), count) for place, count in self._attempts.items()]
        refusals = [Sample((code,), count) for code, count in self._refusals.items()]
        return [
            Family(
                name="tallygate.calls",
                kind="counter",
                help="Calls that were admitted and have ended.",
                labels=("operation", "status", "dialect", "provider", "model", "error"),
                samples=tuple(calls),
                unit="{call}",
            ),
            Family(
                name="tallygate.attempts",
                kind="counter",
                help="Requests to providers; error is empty for those that answered.",
                labels=("provider", "model", "error"),
                samples=tuple(attempts),
                unit="{attempt}",
            ),
            Family(
                name="tallygate.refusals",
                kind="counter",
                help="Requests refused before anything was sent to a provider, by error code.",
                labels=("code",),
                samples=tuple(refusals),
                unit="{request}",
            ),
            self._spread_seconds(names.DURATION, "GenAI operation duration.", lambda tally: tally.durations),
            self._spread_seconds(
                names.TIME_TO_FIRST_CHUNK,
                "From a call's arrival to the first chunk of its stream.",
                lambda tally: tally.first_chunks,
            ),
            self._count_tokens(),
        ]

    def _spread_seconds(self, name: str, help_: str, choose: Callable[[Tally], Spread]) -> Family:
        found = (((*_show(_pick(key)),), choose(tally)) for key, tally in self._calls.items())
        return Family(
            name=name,
            kind="histogram",
            help=help_,
            labels=(names.OPERATION, names.PROVIDER, names.REQUEST_MODEL, names.ERROR_TYPE),
            samples=_gather(found),
            unit="s",
            scale=NS_PER_S,
            bounds=SECONDS,
        )

    def _count_tokens(self) -> Family:
        found: list[tuple[tuple[str, ...], Spread]] = []
        for key, tally in self._calls.items():
            labels = _show(_pick(key)[:3])
            found += [((*labels, "input"), tally.inputs), ((*labels, "output"), tally.outputs)]
        return Family(
            name=names.USAGE,
            kind="histogram",
            help="Number of input and output tokens used.",
            labels=(names.OPERATION, names.PROVIDER, names.REQUEST_MODEL, names.COUNTED_KIND),
            samples=_gather(found),
            unit="{token}",
            bounds=tuple(map(float, TOKENS)),
        )


def _pick(key: Key) -> tuple[str, ...]:
    """What the conventions tell calls apart by."""
    operation, _, _, provider, model, error = key
    return (names.name_operation(operation), provider, model, error)


def _show(labels: Iterable[str]) -> tuple[str, ...]:
    """Names as somebody else's page may show them."""
    return tuple(neutralise(label, NAME_CHARACTERS_MAX) for label in labels)


def _gather(found: Iterable[tuple[tuple[str, ...], Spread]]) -> tuple[Sample, ...]:
    """One sample for all that has the same labels; none where nothing was noted."""
    totals: dict[tuple[str, ...], tuple[int, list[int]]] = {}
    for labels, spread in found:
        if not any(spread.counts):
            continue
        total, counts = totals.get(labels, (0, [0] * len(spread.counts)))
        totals[labels] = (total + spread.total, [a + b for a, b in zip(counts, spread.counts, strict=True)])
    return tuple(Sample(labels, total, tuple(counts)) for labels, (total, counts) in totals.items())
