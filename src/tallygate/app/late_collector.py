"""Who spans and figures are sent to: nobody, unless an operator names a collector. Its SDK is loaded only then."""

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from tallygate import __version__
from tallygate.telemetry.family import Family
from tallygate.telemetry.log import logger
from tallygate.telemetry.reporter import Trace

if TYPE_CHECKING:
    from tallygate.telemetry.collector import Collector

VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
EVERY_S: Final = 60.0
"""How often figures are sent, as OpenTelemetry's SDKs do unless told otherwise."""


class LateCollector:
    """Stands in for the collector, whether there is one or not. To be made after any fork."""

    def __init__(self, endpoint: str) -> None:
        self._collector = _open(endpoint or os.environ.get(VARIABLE, ""))

    @property
    def trace(self) -> Trace | None:
        """What makes spans of calls, where they are wanted."""
        return None if self._collector is None else self._collector.trace

    async def send(self, list_families: Callable[[], Iterable[Family]]) -> None:
        """Send figures, if there is somebody to send them to. To be done every `EVERY_S`."""
        if self._collector is not None:
            await asyncio.to_thread(self._collector.send, list(list_families()))

    async def close(self, list_families: Callable[[], Iterable[Family]]) -> None:
        """Send the last of it, within seconds."""
        if self._collector is not None:
            await self.send(list_families)
            await asyncio.to_thread(self._collector.close)


def _open(endpoint: str) -> "Collector | None":
    if not endpoint:
        return None
    try:
        from tallygate.telemetry.collector import Collector
    except ModuleNotFoundError as error:
        logger.warning("no traces are sent: %s is missing; pip install 'tallygate[server,otel]'", error.name)
        return None
    return Collector(endpoint, __version__)
