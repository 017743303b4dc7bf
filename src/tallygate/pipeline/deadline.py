"""The longest a caller lets a call take. When it is over the call is stopped wherever it waits for somebody else, and
its client is told; a settlement is never interrupted.
"""

import asyncio
import time
from types import TracebackType
from typing import Final

from tallygate.errors import ProviderTimeout
from tallygate.pipeline.call import Call

_NS_PER_MS: Final = 1_000_000


class Deadline:
    """Guards one call, from its arrival. Does nothing for a call that may take its time."""

    __slots__ = ("_call", "_timer")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        routing = self._call.peek.routing
        if routing is None or routing.duration_ms_max is None:
            return
        left_ms = routing.duration_ms_max - (time.monotonic_ns() - self._call.arrived_ns) / _NS_PER_MS
        self._timer = asyncio.get_running_loop().call_later(max(0.0, left_ms / 1000), self._stop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _stop(self) -> None:
        self._call.departure.call_off(ProviderTimeout("The call took longer than its policy allows."))
