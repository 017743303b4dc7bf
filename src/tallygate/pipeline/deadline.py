"""The longest that a call may take from its arrival, over all its attempts: what its caller says, and what the operator
says. When that is over the call is stopped wherever it waits for somebody else, and its client is told; a settlement is
never interrupted.
"""

import asyncio
import time
from operator import itemgetter
from types import TracebackType
from typing import Final

from tallygate.errors import ProviderTimeout
from tallygate.pipeline.call import Call

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Deadlines:
    """The operator's limit on every call. One timer serves all of them: nearly every call ends long before, and a timer
    of its own would cost more than everything else that is done here.
    """

    def __init__(self) -> None:
        self._open: dict[Call, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0

    def guard(self, call: Call, total_ms: int | None) -> "Deadline":
        """End the call where it takes longer, for the length of a `with` block. `total_ms` None: it may."""
        return Deadline(self, call, total_ms)

    def add(self, call: Call, until_ns: int) -> None:
        """Watch over a call; a guard's business."""
        self._open[call] = until_ns
        if self._timer is None or until_ns < self._timer_ns:
            self._arm(until_ns)

    def remove(self, call: Call) -> None:
        """The call has ended, whatever it was; a guard's business."""
        self._open.pop(call, None)

    def _arm(self, until_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        left_s = (until_ns - time.monotonic_ns()) / _NS_PER_S
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left_s), self._look)
        self._timer_ns = until_ns

    def _look(self) -> None:
        """Stop the calls whose time is over, and come again when the next one's is."""
        self._timer = None
        now_ns = time.monotonic_ns()
        for call, until_ns in sorted(self._open.items(), key=itemgetter(1)):
            if until_ns > now_ns:
                break
            del self._open[call]
            call.departure.stop(ProviderTimeout("The call took longer than this gateway allows."))
        if self._open:
            self._arm(min(self._open.values()))


class Deadline:
    """Guards one call. Where its caller allows it less than the operator, a timer of its own ends it."""

    __slots__ = ("_call", "_deadlines", "_timer", "_total_ms")

    def __init__(self, deadlines: Deadlines, call: Call, total_ms: int | None) -> None:
        self._deadlines = deadlines
        self._call = call
        self._total_ms = total_ms
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        call, total_ms = self._call, self._total_ms
        wished_ms = self._find_wish_ms()
        if wished_ms is not None and (total_ms is None or wished_ms <= total_ms):
            call.until_ns = call.arrived_ns + wished_ms * _NS_PER_MS
            left_s = (call.until_ns - time.monotonic_ns()) / _NS_PER_S
            self._timer = asyncio.get_running_loop().call_later(max(0.0, left_s), self._call_off)
        elif total_ms is not None:
            call.until_ns = call.arrived_ns + total_ms * _NS_PER_MS
            self._deadlines.add(call, call.until_ns)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._deadlines.remove(self._call)

    def _find_wish_ms(self) -> int | None:
        """What the caller says: in its policy, or in a header. The shorter counts."""
        routing, timeout_ms = self._call.peek.routing, self._call.timeout_ms
        policy_ms = None if routing is None else routing.duration_ms_max
        if policy_ms is None or timeout_ms is None:
            return timeout_ms if policy_ms is None else policy_ms
        return min(policy_ms, timeout_ms)

    def _call_off(self) -> None:
        self._call.departure.call_off(ProviderTimeout("The call took longer than its caller allows."))
