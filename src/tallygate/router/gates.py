"""Who may be asked now: the circuit of every target, the calls that are under way at each, and the budget for asking
again, in this process and in memory.

What is forgotten costs a call that fails, never a wrong answer. The rules of a circuit stand in `circuits`; nothing is
sent here, and who is asked first is not decided here.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from tallygate.genai.plan import Excluded, Plan, Target
from tallygate.router.choice import refuse
from tallygate.router.circuits import (
    CLEAN,
    SERVED,
    Bar,
    Circuit,
    State,
    Verdict,
    begin,
    end,
    find_bar,
    find_state,
)
from tallygate.router.retries import Retries
from tallygate.router.settings import RouterSettings
from tallygate.telemetry.log import logger

PLACES_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""

BUSY_WAIT_S: Final = 1

Place = tuple[str, str]
"""A provider's name and the name of a model there."""

OPEN: Final = RouterSettings()


class Ticket:
    """One attempt at one target, from the moment it may be made until `end`, which must be called once."""

    __slots__ = ("_gates", "_is_probe", "_place")

    def __init__(self, gates: "Gates", place: Place, *, is_probe: bool) -> None:
        self._gates = gates
        self._place = place
        self._is_probe = is_probe

    @property
    def is_probe(self) -> bool:
        """True while it is this call that tries whether the target serves again."""
        return self._is_probe

    def prove(self) -> None:
        """The target has begun to answer as it should. A long stream need not end before others may ask."""
        if self._is_probe:
            self._gates.judge(self._place, SERVED, is_probe=True)
            self._is_probe = False

    def end(self, verdict: Verdict) -> None:
        """The attempt is over."""
        self._gates.leave(self._place)
        self._gates.judge(self._place, verdict, is_probe=self._is_probe)


class Gates:
    """Lets calls to targets. Times are of the process's monotonic clock."""

    def __init__(self, rules: RouterSettings = OPEN, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.rules = rules
        self.retries = Retries(rules)
        self._clock_ns = clock_ns
        self._circuits: dict[Place, Circuit] = {}
        self._running: dict[Place, int] = {}
        self._caps: Mapping[str, int] = {}

    def use(self, rules: RouterSettings) -> None:
        """Go by these rules from now on. What is known of targets stays."""
        self.rules = rules
        self.retries.use(rules)
        if not rules.circuits:
            self._circuits.clear()

    def cap(self, caps: Mapping[str, int]) -> None:
        """How many calls may be under way at a provider at most, of those that have a bound."""
        self._caps = caps

    def forgive(self, provider: str) -> None:
        """A provider has changed, its key perhaps: what was known of its targets no longer counts."""
        self._circuits = {place: known for place, known in self._circuits.items() if place[0] != provider}

    def find_bar(self, target: Target) -> Bar | None:
        """Why a target may not be asked now; None if it may. Moves nothing."""
        circuit = self._circuits.get((target.provider, target.model))
        if circuit is not None and (bar := find_bar(circuit, self._clock_ns())):
            return bar
        cap = self._caps.get(target.provider) if self._caps else None
        if cap is None or self._count_running(target.provider) < cap:
            return None
        return Bar("busy", f"{cap} calls are under way at provider {target.provider}, as many as may be", BUSY_WAIT_S)

    def keep_open(self, plan: Plan) -> Plan:
        """The plan without targets that may not be asked now. Raises NoTarget if nobody is left."""
        if not self._circuits and not self._caps:  # nearly always
            return plan
        barred = [self._exclude(target) for target in plan.targets]
        if not any(barred):
            return plan
        excluded = (*plan.excluded, *(item for item in barred if item is not None))
        kept = tuple(target for target, item in zip(plan.targets, barred, strict=True) if item is None)
        if not kept:
            raise refuse((plan.request_model, *plan.others), excluded)
        return replace(plan, targets=kept, excluded=excluded)

    def _exclude(self, target: Target) -> Excluded | None:
        bar = self.find_bar(target)
        return None if bar is None else Excluded(target, bar.reason, bar.cause, bar.wait_s)

    def enter(self, target: Target) -> Ticket | Excluded:
        """Let an attempt go to a target, or say why not: since the plan was made others may have failed there."""
        if (excluded := self._exclude(target)) is not None:
            return excluded
        place = target.provider, target.model
        self._running[place] = self._running.get(place, 0) + 1
        circuit = self._circuits.get(place)
        if circuit is None:
            return Ticket(self, place, is_probe=False)
        begun = self._circuits[place] = begin(circuit)
        return Ticket(self, place, is_probe=begun.probing)

    def leave(self, place: Place) -> None:
        """An attempt is over; a ticket's business."""
        left = self._running[place] - 1
        if left:
            self._running[place] = left
        else:
            del self._running[place]

    def judge(self, place: Place, verdict: Verdict, *, is_probe: bool) -> None:
        """Learn from an attempt; a ticket's business."""
        known = self._circuits.get(place)
        if known is None and (verdict.kind in ("served", "unknown") or not self.rules.circuits):  # nearly always
            return
        before = known or CLEAN
        after = end(before, verdict, self._clock_ns(), self.rules, is_probe=is_probe and before.probing)
        if after == CLEAN:
            self._circuits.pop(place, None)
        else:
            if known is None:
                self._make_room()
            self._circuits[place] = after
        if after.openings != before.openings:
            _tell(place, after, self._clock_ns())

    def _make_room(self) -> None:
        """The oldest goes, but no probe is forgotten while it is under way."""
        if len(self._circuits) >= PLACES_MAX:
            oldest = next((place for place, known in self._circuits.items() if not known.probing), None)
            self._circuits.pop(oldest or next(iter(self._circuits)))

    def _count_running(self, provider: str) -> int:
        return sum(count for place, count in self._running.items() if place[0] == provider)

    def find_circuit(self, place: Place) -> Circuit:
        """What is known of a target."""
        return self._circuits.get(place, CLEAN)

    def find_state(self, place: Place) -> State:
        """Where a target's circuit is."""
        return find_state(self.find_circuit(place), self._clock_ns())

    def count_running(self, place: Place) -> int:
        """How many calls are under way at a target."""
        return self._running.get(place, 0)

    def list_places(self) -> tuple[Place, ...]:
        """Every target that something is known of."""
        return tuple(dict.fromkeys((*self._circuits, *self._running)))


def _tell(place: Place, circuit: Circuit, now_ns: int) -> None:
    """For the operator's log. A name that a caller made up stands there only as far as it can be printed."""
    name = ascii("/".join(place)[:200])
    if circuit.openings:
        wait_s = -(-(circuit.until_ns - now_ns) // 1_000_000_000)
        logger.warning("target %s failed with %s and is left alone for %s s", name, circuit.code, wait_s)
    else:
        logger.info("target %s serves again", name)
