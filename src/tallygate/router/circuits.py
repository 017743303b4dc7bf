"""Whether a target may be asked, by what became of the calls before: a circuit as a pure state
machine over (circuit, verdict, time). No clock is read here.

Closed, every call passes; cooling, the provider has asked for a rest; open, it failed too often and nobody asks it;
half-open, its time is over and one call at a time tries whether it serves again.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from tallygate.errors import (
    ProviderForbidsUs,
    ProviderNotConnected,
    ProviderOverloaded,
    ProviderRefusedUs,
    ProviderTimeout,
    TallygateError,
    UpstreamError,
)
from tallygate.genai.plan import Cause
from tallygate.router.settings import RouterSettings

State = Literal["closed", "cooling", "open", "half_open"]

Kind = Literal["served", "failed", "limited", "refused", "unknown"]
"""`limited`: it said when to come again; `refused`: it does not take our key; `unknown`: nothing was learnt of it."""

OPENINGS_MAX: Final = 16
"""From here on a circuit opens for no longer than before, however it counts: a power of two must have an end."""

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Verdict(Struct, frozen=True):
    """What one attempt says of its target. `wait_ns`: how long it asked to be left alone; `code`: the error. `reached`:
    whether it was reached, which is the one thing that no request has any influence on; None: nobody knows.
    """

    kind: Kind
    wait_ns: int = 0
    code: str = ""
    reached: bool | None = True


SERVED: Final = Verdict("served")
UNKNOWN: Final = Verdict("unknown", reached=None)


class Circuit(Struct, frozen=True):
    """What is remembered of one target. `in_row`: failures without a success between them; `calls` and `failed` are
    counted from `since_ns`, when the first of them failed. `openings`: how often it has opened without being closed, so
    0 is closed. Nobody may ask before `until_ns`; `probing`: the one call that then may is under way. `code`: the last
    error.
    """

    in_row: int = 0
    calls: int = 0
    failed: int = 0
    since_ns: int = 0
    openings: int = 0
    until_ns: int = 0
    probing: bool = False
    code: str = ""


CLEAN: Final = Circuit()
"""Of a target that nothing bad is known of. It need not be kept."""


class Bar(Struct, frozen=True):
    """Why nobody may ask a target now, and in how many seconds that may be otherwise: 1 or more."""

    cause: Cause
    reason: str
    wait_s: int


def judge_error(error: TallygateError) -> Verdict:
    """What a failed attempt says of its target: of the caller's mistakes, and of ours, nothing."""
    match error:
        # One request may be forbidden where others are not.
        case ProviderRefusedUs() if not isinstance(error, ProviderForbidsUs):
            return Verdict("refused", code=error.code)
        case ProviderOverloaded(retry_after_s=int(seconds)):
            return Verdict("limited", seconds * _NS_PER_S, error.code)
        case ProviderNotConnected():
            return Verdict("failed", code=error.code, reached=False)
        case ProviderTimeout():
            return Verdict("failed", code=error.code, reached=None)
        case UpstreamError():
            return Verdict("failed", code=error.code)
        case _:
            return UNKNOWN


def find_state(circuit: Circuit, now_ns: int) -> State:
    """Where a circuit is."""
    rests = circuit.until_ns > now_ns
    if circuit.openings:
        return "open" if rests else "half_open"
    return "cooling" if rests else "closed"


def find_bar(circuit: Circuit, now_ns: int) -> Bar | None:
    """Why the target may not be asked now; None if it may."""
    wait_s = max(1, -(-(circuit.until_ns - now_ns) // _NS_PER_S))
    match find_state(circuit, now_ns):
        case "cooling":
            return Bar("cooling", f"it asked to be left alone for {wait_s} s more", wait_s)
        case "open":
            return Bar("circuit", f"it failed with {circuit.code} and is tried again in {wait_s} s", wait_s)
        case "half_open" if circuit.probing:
            return Bar("circuit", f"it failed with {circuit.code} and one call is trying it again", 1)
        case _:
            return None


def begin(circuit: Circuit) -> Circuit:
    """A call goes to a target that has no bar. Of one that is not closed it is the probe."""
    return replace(circuit, probing=True) if circuit.openings else circuit


def part(verdict: Verdict) -> tuple[Verdict, Verdict]:
    """What an attempt says to its own caller, and what to everybody: no caller's requests may close a target to others,
    so all that counts for those is whether it could be reached.
    """
    if verdict.reached is None:
        return verdict, UNKNOWN
    return (verdict, SERVED) if verdict.reached else (UNKNOWN, verdict)


def end(circuit: Circuit, verdict: Verdict, now_ns: int, rules: RouterSettings, *, is_probe: bool) -> Circuit:
    """What is known once a call has ended. What began before a circuit opened says nothing of it any more."""
    if is_probe:
        free = replace(circuit, probing=False)
        if verdict.kind == "unknown":
            return free
        return CLEAN if verdict.kind == "served" else _open(free, verdict, now_ns, rules)
    if circuit.openings or verdict.kind == "unknown":
        return circuit
    return _serve(circuit, now_ns, rules) if verdict.kind == "served" else _fail(circuit, verdict, now_ns, rules)


def _serve(circuit: Circuit, now_ns: int, rules: RouterSettings) -> Circuit:
    counts = circuit.failed and now_ns - circuit.since_ns <= rules.window_ms * _NS_PER_MS
    if counts or circuit.until_ns > now_ns:
        return replace(circuit, in_row=0, calls=circuit.calls + 1)
    return CLEAN


def _fail(circuit: Circuit, verdict: Verdict, now_ns: int, rules: RouterSettings) -> Circuit:
    is_first = circuit.calls == 0 or now_ns - circuit.since_ns > rules.window_ms * _NS_PER_MS
    calls, failed = (0, 0) if is_first else (circuit.calls, circuit.failed)
    until_ns = circuit.until_ns
    if verdict.kind == "limited":
        until_ns = max(until_ns, now_ns + _bound(verdict.wait_ns, rules))
    known = replace(
        circuit,
        in_row=circuit.in_row + 1,
        calls=calls + 1,
        failed=failed + 1,
        since_ns=now_ns if is_first else circuit.since_ns,
        until_ns=until_ns,
        code=verdict.code,
    )
    is_too_often = known.calls >= rules.window_calls_min and known.failed * 100 >= known.calls * rules.failure_percent
    if verdict.kind == "refused" or known.in_row >= rules.failures_in_row_max or is_too_often:
        return _open(known, verdict, now_ns, rules)
    return known


def _open(circuit: Circuit, verdict: Verdict, now_ns: int, rules: RouterSettings) -> Circuit:
    """Twice as long each time that it is tried in vain, up to a bound."""
    if verdict.kind == "refused":
        wait_ns = rules.refused_ms * _NS_PER_MS
    else:
        wait_ns = rules.open_ms * _NS_PER_MS << min(circuit.openings, OPENINGS_MAX)
        wait_ns = _bound(max(wait_ns, verdict.wait_ns), rules)
    return Circuit(
        in_row=circuit.in_row if circuit.openings == 0 else circuit.in_row + 1,
        openings=circuit.openings + 1,
        until_ns=now_ns + wait_ns,
        code=verdict.code,
    )


def _bound(wait_ns: int, rules: RouterSettings) -> int:
    return min(wait_ns, rules.open_ms_max * _NS_PER_MS)
