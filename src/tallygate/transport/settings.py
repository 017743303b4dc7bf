"""The settings of the way out: how long an exchange with a provider may take, how many connections there may be, and
what is fetched for callers.

Only values with defaults. `config` fills them in; nothing is looked up here.
"""

from typing import Annotated

from msgspec import Meta, Struct

from tallygate.transport.base import Timeouts

Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]


class TransportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[transport]``. Times are in milliseconds."""

    # From asking for a connection to having one, the look-up of the name and TLS included.
    connect_ms: Milliseconds = 10_000
    # From the first byte of the request to the head of the answer. A thinking model may take minutes.
    first_byte_ms: Milliseconds = 300_000
    # The longest silence inside an answer.
    silence_ms: Milliseconds = 120_000
    # One exchange from beginning to end.
    total_ms: Milliseconds = 1_800_000
    # Below the 5 s after which common servers close an idle connection: theirs must not close while ours is being used.
    keep_alive_ms: Milliseconds = 4_000
    # Every stream holds one connection, so this also bounds the calls that run at once.
    connections_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    # The longest line and the longest header of an answer; its head may be four times as long and have so many headers.
    header_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 20)] = 16_384
    headers_max: Annotated[int, Meta(ge=8, le=10_000)] = 128

    @property
    def timeouts(self) -> Timeouts:
        """The limits on one exchange."""
        return Timeouts(
            connect_ms=self.connect_ms,
            first_byte_ms=self.first_byte_ms,
            silence_ms=self.silence_ms,
            total_ms=self.total_ms,
        )


class FetchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``[fetch]``: media behind URLs in requests, for providers that take them inline only."""

    ports: tuple[Annotated[int, Meta(ge=1, le=65535)], ...] = (80, 443)
    # Places of the operator's own (``host:port``) that callers may have fetched although they are inside.
    allow: tuple[Annotated[str, Meta(pattern=r"^[0-9a-z.:\[\]_-]+:[0-9]{1,5}\Z")], ...] = ()
    # For all the URLs of one request together.
    urls_max: Annotated[int, Meta(ge=0, le=1_000)] = 20
    bytes_max: Annotated[int, Meta(ge=1024, le=1 << 30)] = 20 << 20
    total_ms: Milliseconds = 15_000
