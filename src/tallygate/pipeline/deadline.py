"""The longest that a call may take from its arrival, over all its attempts: what its caller says, and what the operator
says. When that is over the call is stopped wherever it waits for somebody else, and its client is told; a settlement is
never interrupted.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from tallygate.errors import ProviderTimeout
from tallygate.pipeline.call import Call

_NS_PER_MS: Final = 1_000_000


class Deadline:
    """Guards one call. `total_ms` is the operator's limit; None: there is none."""

    __slots__ = ("_call", "_timer", "_total_ms")

    def __init__(self, call: Call, total_ms: int | None = None) -> None:
        self._call = call
        self._total_ms = total_ms
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        wished_ms, total_ms = self._find_wish_ms(), self._total_ms
        if wished_ms is not None and (total_ms is None or wished_ms <= total_ms):
            self._arm(wished_ms, self._call_off)
        elif total_ms is not None:
            self._arm(total_ms, self._stop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _find_wish_ms(self) -> int | None:
        """What the caller says: in its policy, or in a header. The shorter counts."""
        routing, timeout_ms = self._call.peek.routing, self._call.timeout_ms
        policy_ms = None if routing is None else routing.duration_ms_max
        if policy_ms is None or timeout_ms is None:
            return timeout_ms if policy_ms is None else policy_ms
        return min(policy_ms, timeout_ms)

    def _arm(self, limit_ms: int, end: Callable[[], None]) -> None:
        call = self._call
        call.until_ns = call.arrived_ns + limit_ms * _NS_PER_MS
        left_ms = call.find_left_ms() or 0.0
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left_ms / 1000), end)

    def _call_off(self) -> None:
        self._call.departure.call_off(ProviderTimeout("The call took longer than its caller allows."))

    def _stop(self) -> None:
        self._call.departure.stop(ProviderTimeout("The call took longer than this gateway allows."))
