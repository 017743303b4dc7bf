"""The one way out: what a request to a provider and its answer look like to the rest of the house.

Two small interfaces, so that the HTTP client behind them can be chosen by measurement and providers served in process
(`mock/*`) take the same path. No dialect, provider or retry is known here.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Timeouts(Struct, frozen=True):
    """Limits on one exchange, in milliseconds. `silence_ms` bounds each wait for the next bytes of a body."""

    connect_ms: int = 10_000
    first_byte_ms: int = 300_000
    silence_ms: int = 120_000
    total_ms: int = 1_800_000


class OutgoingRequest(Struct, frozen=True):
    """One HTTP request to a provider. Header names are lower-case; values may hold secrets, so this is never logged."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"OutgoingRequest({self.method} {len(self.body)} bytes)"


class Answer(Protocol):
    """A provider's answer whose head has arrived. Its owner must read it to the end or close it."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers with lower-case names."""
        ...

    async def read(self) -> bytes:
        """The next bytes as they arrive; empty at a clean end, and again after it. Before all but the first of them
        other tasks get their turn, even if the bytes are there: or one lively stream would starve every other call.

        Raises: StreamBroken if the connection ends early or the framing is wrong, ProviderTimeout after `silence_ms` or
        `total_ms`, InvalidAnswer if the body is encoded in a way nobody asked for.
        """
        ...

    def close(self) -> None:
        """Drop the exchange at once: the connection is closed, never reused. Harmless after a clean end."""
        ...


class Exit(Protocol):
    """Sends requests. One per process; safe to use from many calls of one event loop."""

    async def send(self, request: OutgoingRequest, timeouts: Timeouts) -> Answer:
        """Send and wait for the answer's head. Raises ProviderUnreachable, ProviderTimeout, InvalidAnswer."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
