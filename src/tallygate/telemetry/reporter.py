"""Who hears of calls: the counters, the line when debugging, and whoever makes spans of them, where somebody does.

The hallway and the doors tell it once for each call, and it must never stop one.
"""

from collections.abc import Callable

from msgspec import Struct

from tallygate.genai.outcome import Outcome
from tallygate.telemetry.call_line import tell_call
from tallygate.telemetry.log import logger
from tallygate.telemetry.meter import Meter


class Finished(Struct, frozen=True):
    """A call that was admitted and has ended, with what its outcome does not know of it: whose dialect asked, as a
    stream or not, and the trace it belongs to (a `traceparent` header as it came; empty: none).
    """

    outcome: Outcome
    dialect: str
    request_id: str = ""
    stream: bool = False
    traceparent: str = ""


Trace = Callable[[Finished], None]


class Reporter:
    """Passes on what is told to all who want it. `trace` is there where spans are wanted."""

    def __init__(self, trace: Trace | None = None) -> None:
        self.meter = Meter()
        self._trace = trace

    def tell(self, finished: Finished) -> None:
        """A call has ended. Never raises."""
        try:
            self.meter.count(finished.outcome, finished.dialect, stream=finished.stream)
            tell_call(finished.outcome)
            if self._trace is not None:
                self._trace(finished)
        except Exception:  # noqa: BLE001 - figures are not worth a call
            logger.exception("a finished call could not be told of")

    def refuse(self, code: str) -> None:
        """A request was refused, and nothing was sent for it."""
        self.meter.refuse(code)
