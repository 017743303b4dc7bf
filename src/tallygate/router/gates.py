"""Who may be asked now: the circuits of every target, the calls that are under way at each, and the budget for asking
again, in this process and in memory. Each caller has circuits of its own, and only that a target cannot be reached is
known to all: what else goes wrong there a request may have brought about.

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
    UNKNOWN,
    Bar,
    Circuit,
    State,
    Verdict,
    begin,
    end,
    find_bar,
    find_state,
    part,
)
from tallygate.router.retries import Retries
from tallygate.router.settings import RouterSettings
from tallygate.telemetry.log import logger

PLACES_MAX: Final = 4_096
"""Names of models come from callers, so what is remembered of them must have an end."""

BUSY_WAIT_S: Final = 1

Place = tuple[str, str]
"""A provider's name and the name of a model there."""

Spot = tuple[str, str, str]
"""A place, and whose circuit of it: a workspace's, or everybody's."""

EVERYBODY: Final = ""

Standing = tuple[Circuit, State, Bar | None]
"""What is known of a target, where its circuit is, and why it may not be asked, if so."""

WELL: Final[Standing] = (CLEAN, "closed", None)

OPEN: Final = RouterSettings()


class Ticket:
    """One attempt at one target, from the moment it may be made until `end`, which must be called once."""

    __slots__ = ("_caller", "_gates", "_place", "_probes")

    def __init__(self, gates: "Gates", place: Place, caller: str, probes: tuple[str, ...] = ()) -> None:
        self._gates = gates
        self._place = place
        self._caller = caller
        self._probes = probes

    @property
    def is_probe(self) -> bool:
        """True while it is this call that tries whether the target serves again."""
        return bool(self._probes)

    def prove(self) -> None:
        """The target has begun to answer as it should. A long stream need not end before others may ask."""
        for whose in self._probes:
            self._gates.judge(self._place, SERVED, is_probe=True, caller=whose)
        self._probes = ()

    def end(self, verdict: Verdict) -> None:
        """The attempt is over."""
        self._gates.leave(self._place)
        own, to_all = part(verdict) if self._caller else (UNKNOWN, verdict)
        if self._caller:
            self._judge(own, self._caller)
        self._judge(to_all, EVERYBODY)

    def _judge(self, verdict: Verdict, whose: str) -> None:
        self._gates.judge(self._place, verdict, is_probe=whose in self._probes, caller=whose)


class Gates:
    """Lets calls to targets. Times are of the process's monotonic clock. A `caller` is a workspace's id; without one
    only what is known to all counts.
    """

    def __init__(self, rules: RouterSettings = OPEN, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.rules = rules
        self.retries = Retries(rules)
        self._clock_ns = clock_ns
        self._circuits: dict[Spot, Circuit] = {}
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
        self._circuits = {spot: known for spot, known in self._circuits.items() if spot[0] != provider}

    def find_bar(self, target: Target, caller: str = EVERYBODY) -> Bar | None:
        """Why a target may not be asked now; None if it may. Moves nothing."""
        if self._circuits:
            for circuit in self._list_circuits((target.provider, target.model), caller).values():
                if bar := find_bar(circuit, self._clock_ns()):
                    return bar
        return self._find_room(target)

    def _list_circuits(self, place: Place, caller: str) -> dict[str, Circuit]:
        """The circuits that a caller meets at a target, by whose they are."""
        whose = (caller, EVERYBODY) if caller else (EVERYBODY,)
        return {name: known for name in whose if (known := self._circuits.get((*place, name))) is not None}

    def _find_room(self, target: Target) -> Bar | None:
        cap = self._caps.get(target.provider) if self._caps else None
        if cap is None or self._count_running(target.provider) < cap:
            return None
        return Bar("busy", f"{cap} calls are under way at provider {target.provider}, as many as may be", BUSY_WAIT_S)

    def keep_open(self, plan: Plan, caller: str = EVERYBODY) -> Plan:
        """The plan without targets that may not be asked now. Raises NoTarget if nobody is left."""
        if not self._circuits and not self._caps:  # nearly always
            return plan
        barred = [self._exclude(target, caller) for target in plan.targets]
        if not any(barred):
            return plan
        excluded = (*plan.excluded, *(item for item in barred if item is not None))
        kept = tuple(target for target, item in zip(plan.targets, barred, strict=True) if item is None)
        if not kept:
            raise refuse((plan.request_model, *plan.others), excluded)
        return replace(plan, targets=kept, excluded=excluded)

    def _exclude(self, target: Target, caller: str) -> Excluded | None:
        bar = self.find_bar(target, caller)
        return None if bar is None else Excluded(target, bar.reason, bar.cause, bar.wait_s)

    def enter(self, target: Target, caller: str = EVERYBODY) -> Ticket | Excluded:
        """Let an attempt go to a target, or say why not: since the plan was made others may have failed there."""
        if (excluded := self._exclude(target, caller)) is not None:
            return excluded
        place = target.provider, target.model
        self._running[place] = self._running.get(place, 0) + 1
        if not self._circuits:  # nearly always
            return Ticket(self, place, caller)
        begun = {whose: begin(known) for whose, known in self._list_circuits(place, caller).items()}
        self._circuits.update({(*place, whose): known for whose, known in begun.items()})
        return Ticket(self, place, caller, tuple(whose for whose, known in begun.items() if known.probing))

    def leave(self, place: Place) -> None:
        """An attempt is over; a ticket's business."""
        left = self._running[place] - 1
        if left:
            self._running[place] = left
        else:
            del self._running[place]

    def judge(self, place: Place, verdict: Verdict, *, is_probe: bool, caller: str = EVERYBODY) -> None:
        """Learn from an attempt for one circuit; a ticket's business."""
        spot = (*place, caller)
        known = self._circuits.get(spot)
        if known is None and (verdict.kind in ("served", "unknown") or not self.rules.circuits):  # nearly always
            return
        before = known or CLEAN
        after = end(before, verdict, self._clock_ns(), self.rules, is_probe=is_probe and before.probing)
        if after == CLEAN:
            self._circuits.pop(spot, None)
        else:
            if known is None:
                self._make_room()
            self._circuits[spot] = after
        if after.openings != before.openings:
            _tell(spot, after, self._clock_ns())

    def _make_room(self) -> None:
        """The oldest goes, but no probe is forgotten while it is under way."""
        if len(self._circuits) >= PLACES_MAX:
            oldest = next((spot for spot, known in self._circuits.items() if not known.probing), None)
            self._circuits.pop(oldest or next(iter(self._circuits)))

    def _count_running(self, provider: str) -> int:
        return sum(count for place, count in self._running.items() if place[0] == provider)

    def find_circuit(self, place: Place, caller: str = EVERYBODY) -> Circuit:
        """What is known of a target: of two circuits the one that keeps a caller away for longer."""
        return max(self._list_circuits(place, caller).values(), key=_weigh, default=CLEAN)

    def find_state(self, place: Place, caller: str = EVERYBODY) -> State:
        """Where a target's circuit is."""
        return find_state(self.find_circuit(place, caller), self._clock_ns())

    def find_worst(self) -> dict[Place, Standing]:
        """How every target is about which something bad is known, for the caller who is worst off there."""
        worst: dict[Place, Circuit] = {}
        for (provider, model, _), known in self._circuits.items():
            place = provider, model
            worst[place] = max(worst.get(place, CLEAN), known, key=_weigh)
        now_ns = self._clock_ns()
        return {place: (known, find_state(known, now_ns), find_bar(known, now_ns)) for place, known in worst.items()}

    def count_running(self, place: Place) -> int:
        """How many calls are under way at a target."""
        return self._running.get(place, 0)

    def list_places(self) -> tuple[Place, ...]:
        """Every target that something is known of."""
        return tuple(dict.fromkeys((*((spot[0], spot[1]) for spot in self._circuits), *self._running)))


def _weigh(circuit: Circuit) -> tuple[int, int, int]:
    return circuit.openings, circuit.until_ns, circuit.in_row


def _tell(spot: Spot, circuit: Circuit, now_ns: int) -> None:
    """For the operator's log. A name that a caller made up stands there only as far as it can be printed."""
    provider, model, caller = spot
    name = ascii(f"{provider}/{model}"[:200]) + (f" for {caller}" if caller else "")
    if circuit.openings:
        wait_s = -(-(circuit.until_ns - now_ns) // 1_000_000_000)
        logger.warning("target %s failed with %s and is left alone for %s s", name, circuit.code, wait_s)
    else:
        logger.info("target %s serves again", name)
