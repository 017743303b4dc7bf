"""The way out over HTTP/1.1: aiohttp behind the two interfaces of `transport.base`.

One session per process, made inside the event loop at the first request. Redirects, cookies, proxies from the
environment and compression are all off: what a provider sends is what the reader sees. Nothing is decided here about
providers, dialects or trying again. Framing follows RFC 9112.
"""

import asyncio
import select
import ssl
from collections.abc import Mapping
from io import BytesIO
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from tallygate import __version__
from tallygate.errors import InvalidAnswer, ShuttingDown, StreamBroken, TallygateError
from tallygate.transport.base import OutgoingRequest, Timeouts
from tallygate.transport.failure import FAILURES, explain_body, explain_head
from tallygate.transport.settings import TransportSettings

READ_BUFFER_BYTES = 64 * 1024
"""What waits unread for one slow reader before the provider is made to wait; the client keeps up to twice as much."""

READ_BYTES_MAX = 16 * 1024
"""What one read gives at most: a provider that never pauses must not keep other calls waiting while all that is
buffered of its answer is worked through.
"""

LARGE_BODY_BYTES = 256 * 1024


class _Connector(aiohttp.TCPConnector):
    """A pool that never lends a connection again on which bytes arrived that nobody had asked for.

    Without this, a provider that answers once too often gives the surplus answer to the next caller.
    """

    def __init__(self, trust: ssl.SSLContext, settings: TransportSettings) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            ssl=trust, limit=settings.connections_max, keepalive_timeout=settings.keep_alive_ms / 1000
        )
        self._lent: WeakSet[object] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (the library's own name)
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None
            # On a new connection the provider may speak first: its words will be read as the answer.
            if protocol not in self._lent or not (protocol.should_close or _has_unread(connection)):
                self._lent.add(protocol)
                return connection
            connection.close()


def _has_unread(connection: Connection) -> bool:
    """Whether bytes, or the end, have reached this machine that the event loop has not come to read yet."""
    transport = connection.transport
    if transport is None:
        return True
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


class HttpAnswer:
    """An answer that arrives over HTTP (`transport.base.Answer`)."""

    __slots__ = ("__weakref__", "_ended", "_failure", "_lost", "_protocol", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._ended = False
        self._failure: TallygateError | None = None
        self.status = response.status
        self.headers: Mapping[str, str] = _join_headers(response)
        # Without a connection the whole body is here already.
        self._protocol = response.connection.protocol if response.connection is not None else None
        self._lost = self._protocol.closed if self._protocol is not None else None
        if self._lost is not None:
            self._lost.add_done_callback(self._note_loss)
        if _is_encoded(self.headers):
            self._failure = InvalidAnswer("The provider sent its answer compressed although that was not asked for.")

    async def read(self) -> bytes:
        """The next bytes as they arrive; empty at a clean end. See `transport.base.Answer.read` for what is raised."""
        if self._ended:
            return b""
        if self._failure is not None:
            self.close()
            raise self._failure
        content = self._response.content
        if self._protocol is not None and not self._protocol.connected:
            self._mark_broken()
        try:
            data = await content.read(READ_BYTES_MAX)
        except FAILURES as error:
            self._failure = explain_body(error)
            data = _read_left(content)
            if not data:
                self.close()
                raise self._failure from None
        if not data:
            self._ended = True
            self._forget_loss()
        return data

    def close(self) -> None:
        """Drop the exchange at once: the connection is closed, never reused. Harmless after a clean end."""
        if self._ended:
            return
        if self._failure is None:
            self._failure = StreamBroken("The answer was closed before its end.")
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # A plain close would first wait for what is still to be sent.
            connection.transport.abort()
        self._forget_loss()
        self._response.close()

    def _note_loss(self, lost: asyncio.Future[None]) -> None:
        if not lost.cancelled():
            lost.exception()  # or it would be reported as never looked at
        self._mark_broken()

    def _mark_broken(self) -> None:
        """The library forgets the reader of a body whose framing turns out to be wrong; it would wait for ever."""
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    def _forget_loss(self) -> None:
        if self._lost is not None:
            self._lost.remove_done_callback(self._note_loss)


class HttpExit:
    """Sends requests over HTTP (`transport.base.Exit`). Made anywhere, used from one event loop."""

    def __init__(self, settings: TransportSettings | None = None) -> None:
        self._settings = settings or TransportSettings()
        self._session: aiohttp.ClientSession | None = None
        self._answers: WeakSet[HttpAnswer] = WeakSet()
        self._closed = False

    async def send(self, request: OutgoingRequest, timeouts: Timeouts) -> HttpAnswer:
        """Send and wait for the answer's head.

        Raises: ProviderUnreachable, ProviderTimeout, InvalidAnswer (not HTTP); ShuttingDown once the exit is closed.
        """
        session = self._open()
        body = request.body
        try:
            # The library's own limits do not see an upload that stalls; this one does.
            async with asyncio.timeout((timeouts.connect_ms + timeouts.first_byte_ms) / 1000):
                response = await session.request(
                    request.method,
                    _parse(request.url),
                    headers=request.headers,
                    # A large body is sent in pieces, so that other calls get their turn in between.
                    data=BytesIO(body) if len(body) > LARGE_BODY_BYTES else body or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        total=timeouts.total_ms / 1000,
                        connect=timeouts.connect_ms / 1000,
                        sock_read=timeouts.first_byte_ms / 1000,
                    ),
                )
        except FAILURES as error:
            # The cause stays behind: it knows addresses and headers, and the sentence says what happened.
            raise explain_head(error) from None
        _limit_silence(response, timeouts.silence_ms)
        answer = HttpAnswer(response)
        self._answers.add(answer)
        return answer

    async def close(self) -> None:
        """Close every connection. Later requests are refused."""
        self._closed = True
        # One by one first: an answer that ends with its connection must not take our closing for its end.
        for answer in list(self._answers):
            answer.close()
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ShuttingDown
        if self._session is None:
            settings = self._settings
            trust = ssl.create_default_context()
            trust.set_alpn_protocols(["http/1.1"])
            self._session = aiohttp.ClientSession(
                connector=_Connector(trust, settings),
                headers={"user-agent": f"tallygate/{__version__}", "accept-encoding": "identity"},
                skip_auto_headers=("accept", "content-type"),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=READ_BUFFER_BYTES,
                max_line_size=settings.header_bytes_max,
                max_field_size=settings.header_bytes_max,
                max_headers=settings.headers_max,
            )
        return self._session


def _read_left(content: aiohttp.StreamReader) -> bytes:
    """What came before a break. It is still the provider's answer, yet the library would withhold it."""
    content.set_exception(None)  # pyright: ignore[reportArgumentType]
    try:
        return content.read_nowait()
    except TimeoutError:
        return b""  # once the time for the whole is over, nothing more is given out


def _parse(url: str) -> URL:
    """The URL exactly as it is written: what is percent-encoded in it stays so."""
    try:
        return URL(url, encoded=True)
    except ValueError:
        raise aiohttp.InvalidURL(url) from None


def _limit_silence(response: aiohttp.ClientResponse, silence_ms: int) -> None:
    """From here on each wait for bytes has the limit of a body, no longer that of a head."""
    connection = response.connection
    if connection is None or connection.protocol is None:
        return  # the whole body came with the head
    connection.protocol.read_timeout = silence_ms / 1000
    connection.protocol.start_timeout()


def _join_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Headers with lower-case names; repeated ones joined by a comma (RFC 9110 section 5.2)."""
    joined: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _is_encoded(headers: Mapping[str, str]) -> bool:
    content = headers.get("content-encoding", "identity").strip().lower()
    transfer = headers.get("transfer-encoding", "chunked").strip().lower()
    return content not in ("", "identity") or transfer not in ("", "identity", "chunked")
