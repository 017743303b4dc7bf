"""The only way in which a URL that somebody outside gave is ever called: for media that a provider takes inline only.

The URL is judged before anything is looked up, every address of its host before any is connected to, and both again at
every redirect, so that what is called is what was judged (`inside`). What comes is bounded in bytes and in time. No
dialect and no provider is known here.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urljoin

from msgspec import Struct

from tallygate.errors import (
    MediaTimeout,
    MediaTooLarge,
    MediaUnavailable,
    ProviderTimeout,
    UpstreamError,
    UrlNotAllowed,
)
from tallygate.transport.base import Answer, Exit, OutgoingRequest, Timeouts
from tallygate.transport.http import HttpExit
from tallygate.transport.inside import judge_address, read_link
from tallygate.transport.request import Place, find_address
from tallygate.transport.settings import FetchSettings, TransportSettings

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
REDIRECTS_MAX: Final = 3

_HEADERS: Final = (("accept", "*/*"),)


class Fetched(Struct, frozen=True):
    """What a URL led to. `media_type` is what its bytes begin like, or else what the server said, in lower case."""

    media_type: str
    data: bytes


class Fetcher:
    """Fetches media for one process. Used from one event loop. `own_url`: what the world calls this gateway by."""

    def __init__(self, settings: FetchSettings, transport: TransportSettings, *, own_url: str = "") -> None:
        self._settings = settings
        self._own_host = find_address(own_url).place.host if own_url else ""
        self._exit: Exit = HttpExit(transport, judge=self._judge)
        limit = settings.total_ms
        self._timeouts = Timeouts(connect_ms=limit, first_byte_ms=limit, silence_ms=limit, total_ms=limit)

    async def fetch_all(self, urls: Sequence[str]) -> dict[str, Fetched]:
        """What each URL leads to. Raises what `fetch` raises for the first that fails, and MediaTooLarge for too many,
        or too much together.
        """
        settings = self._settings
        if len(urls) > settings.urls_max:
            raise MediaTooLarge(f"At most {settings.urls_max} URLs are fetched for one request.")
        fetched: dict[str, Fetched] = {}
        left_bytes = settings.bytes_max
        try:
            async with asyncio.timeout(settings.total_ms / 1000):
                for url in urls:  # one by one: a request must not make this gateway a crowd before somebody's door
                    fetched[url] = await self._fetch(url, left_bytes)
                    left_bytes -= len(fetched[url].data)
        except TimeoutError:
            raise MediaTimeout from None
        return fetched

    async def close(self) -> None:
        """Close every connection."""
        await self._exit.close()

    async def _fetch(self, url: str, bytes_max: int) -> Fetched:
        settings = self._settings
        for _ in range(1 + REDIRECTS_MAX):
            link = read_link(url, settings.ports, settings.allow)
            if self._own_host and find_address(link.url).place.host == self._own_host:
                raise UrlNotAllowed("This gateway fetches nothing from itself.")
            answer = await self._ask(link.url)
            try:
                if answer.status in REDIRECTS:
                    url = _follow(link.url, answer.headers.get("location", ""))
                    continue
                if answer.status != 200:
                    raise MediaUnavailable(f"The URL's server answered with {answer.status}.")
                return await _read(answer, bytes_max)
            finally:
                answer.close()
        raise UrlNotAllowed(f"The URL leads to more than {REDIRECTS_MAX} others.")

    async def _ask(self, url: str) -> Answer:
        try:
            return await self._exit.send(OutgoingRequest("GET", url, _HEADERS, b""), self._timeouts)
        except ProviderTimeout:
            raise MediaTimeout from None
        except UpstreamError:
            # Which of its addresses did not answer, and how, would tell whoever asks about the net around us.
            raise MediaUnavailable("The URL's server could not be reached.") from None

    def _judge(self, place: Place, addresses: Sequence[str]) -> None:
        """Let a connection go only to the public internet. One address inside is enough to refuse them all: whoever
        names it is not to be trusted with the others.
        """
        shown = f"[{place.host}]" if ":" in place.host else place.host
        if f"{shown}:{place.port}" in self._settings.allow:
            return
        if not addresses or not all(map(judge_address, addresses)):
            raise UrlNotAllowed("The URL's host is not one of the public internet.")


def _follow(url: str, location: str) -> str:
    """Where a redirect leads. Raises UrlNotAllowed for what leads nowhere."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise UrlNotAllowed("The URL leads to what is no URL.") from None


async def _read(answer: Answer, bytes_max: int) -> Fetched:
    if int(answer.headers.get("content-length", 0)) > bytes_max:
        raise MediaTooLarge
    data = bytearray()
    try:
        while piece := await answer.read():
            data += piece
            if len(data) > bytes_max:
                raise MediaTooLarge
    except ProviderTimeout:
        raise MediaTimeout from None
    except UpstreamError:
        raise MediaUnavailable("The URL's server broke off, or packed what it sent.") from None
    said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(find_media_type(bytes(data[:16])) or said, bytes(data))


def find_media_type(beginning: bytes) -> str:
    """The media type of what begins like this, as far as that can be told; else empty.

    Sources: the signatures of W3C PNG, ITU-T T.81, GIF89a, RFC 9649, ISO 32000, RFC 2361, RFC 3003, RFC 9639, RFC 3533.
    """
    for signature, media_type in _SIGNATURES:
        if beginning.startswith(signature):
            return media_type
    if beginning[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(beginning[8:12], "")
    return ""


_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
