"""The whole house from the street: what is under `/dashboard` goes to the pages, everything else to the doors.

The pages are opened by the first who asks for one, because what renders them costs time and memory that a gateway
without visitors need not spend.
"""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Final, Protocol

from msgspec.structs import replace

from tallygate.access.networks import read_networks
from tallygate.api import surface
from tallygate.api.door import Reply, Request
from tallygate.api.exchange import Exchange
from tallygate.api.head import Head
from tallygate.api.peer import find_client
from tallygate.api.server import Doors
from tallygate.api.settings import ServerSettings
from tallygate.dashboard.forms import check_form
from tallygate.dashboard.urls import Place, is_ours, match
from tallygate.errors import InternalError, NotFound, TallygateError
from tallygate.pipeline.call import error_headers
from tallygate.telemetry.log import logger

POLICY: Final = (
    "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HTML: Final = "text/html; charset=utf-8"
GUARDED: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    # With `no-referrer` browsers would not say where a form comes from.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)
"""What every answer of the pages says to the browser."""
NOT_KEPT: Final = ("cache-control", "no-store")


class Window(Protocol):
    """What makes the pages."""

    async def serve(self, place: Place, request: Request) -> Reply:
        """One page, or the page of what went wrong. Never raises a TallygateError."""
        ...


class House:
    """Serves the doors and the pages together (server.Doors). `public_url`: what browsers call the gateway, if said."""

    def __init__(
        self, doors: Doors, open_window: Callable[[], Awaitable[Window]], *, enabled: bool, public_url: str
    ) -> None:
        self._doors = doors
        self._open_window = open_window
        self._enabled = enabled
        self._public_url = public_url
        self._proxies = read_networks(doors.settings.trusted_proxies)
        self.settings: ServerSettings = doors.settings

    async def start(self) -> None:
        """Make ready for a first request."""
        await self._doors.start()

    def drain(self) -> None:
        """Take no new calls."""
        self._doors.drain()

    async def stop(self) -> None:
        """End what `start` began."""
        await self._doors.stop()

    def match(self, head: Head) -> surface.Place:
        """Where a request goes, judged by its head. Raises RequestError."""
        if not is_ours(head.path):
            return self._doors.match(head)
        if not self._enabled:
            raise NotFound("The dashboard is switched off.")
        place = match(head.method, head.path)
        if head.method == "POST":
            check_form(head, self._public_url)
        return place

    def is_call(self, matched: surface.Place) -> bool:
        """True where a model answers."""
        return not isinstance(matched, Place) and self._doors.is_call(matched)

    def refuse(self, error: TallygateError, path: str, request_id: str) -> Reply:
        """An error in the words of the address it was asked at."""
        if not is_ours(path):
            return self._doors.refuse(error, path, request_id)
        return refuse(error)

    async def serve(self, matched: surface.Place, request: Request, exchange: Exchange) -> None:
        """Answer one request to its end. Never raises."""
        if not isinstance(matched, Place):
            await self._doors.serve(matched, request, exchange)
            return
        try:
            window = await self._open_window()
            client = find_client(request.peer, request.headers, self._proxies)
            reply = await window.serve(matched, replace(request, peer=client))
        except Exception:  # noqa: BLE001 - whatever broke, the browser gets an answer
            logger.exception("request %s broke at a page", request.request_id)
            reply = refuse(InternalError())
        exchange.reply(reply)


def refuse(error: TallygateError) -> Reply:
    """A page about an error that needs nothing to be rendered with."""
    text = f"<!doctype html><title>{error.status}</title><h1>{error.status}</h1><p>{escape(error.message)}</p>"
    headers = [*GUARDED, NOT_KEPT, *error_headers(error, error.status)]
    if "allow" in error.details:
        headers.append(("allow", str(error.details["allow"])))
    return Reply(error.status, text.encode(), tuple(headers), HTML)
