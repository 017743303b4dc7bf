"""The doors: what each address leads to. Whatever server carries requests here, none of its types comes in.

A request whose head has arrived is matched; once it is whole it is served, by a task of its own that outlives its
client. If the client of a call leaves, the call is told, never cancelled.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct, structs

from tallygate.access.networks import read_networks
from tallygate.access.principal import Principal
from tallygate.api import models, openrouter_models, passports
from tallygate.api.account import Accounts, show_credits, show_generation, show_key
from tallygate.api.door import Reply, Request, json_reply
from tallygate.api.exchange import Exchange
from tallygate.api.explain import Routes, show_route
from tallygate.api.guard import Identify, admit
from tallygate.api.head import Head
from tallygate.api.inference import CALLS, open_call
from tallygate.api.log_doors import serve_log
from tallygate.api.middleware import BODIED, Matched, check_body, choose, find, render
from tallygate.api.models import FindPrice
from tallygate.api.openrouter_doors import serve_account
from tallygate.api.peer import find_client
from tallygate.api.proofs import Proofs
from tallygate.api.quote import Quotes, show_quote
from tallygate.api.receipt_doors import serve_receipts
from tallygate.api.settings import ServerSettings
from tallygate.api.urls import Route
from tallygate.api.usage import show_usage
from tallygate.errors import (
    InternalError,
    NotFound,
    ReceiptsUnavailable,
    ShuttingDown,
    StoreUnavailable,
    TallygateError,
    UpgradeRequired,
)
from tallygate.pipeline.run import Hallway
from tallygate.router.plan import Catalog
from tallygate.telemetry.log import logger
from tallygate.telemetry.reporter import Reporter

ServeMetrics = Callable[[Request], Awaitable[Reply]]
ServeAdmin = Callable[[str, Request, Principal], Awaitable[Reply]]


class Rooms(Struct, frozen=True):
    """What the doors lead to: the hallway, who a caller is, a caller's own money, receipts and their log, the admin's
    doors by a route's path, what can be called now and what it is sold for, whether the database answers, and the start
    and end.
    """

    hallway: Hallway
    identify: Identify
    accounts: Accounts
    quotes: Quotes
    routes: Routes
    proofs: Proofs
    admin: ServeAdmin
    catalog: Callable[[], Catalog]
    find_price: FindPrice
    ping: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    version: str
    metrics: ServeMetrics
    reporter: Reporter


class Doors:
    """Serves whole requests (surface.Doors, server.Doors)."""

    def __init__(self, rooms: Rooms, settings: ServerSettings) -> None:
        self._rooms = rooms
        self._draining = False
        self._proxies = read_networks(settings.trusted_proxies)
        self.settings = settings

    def use(self, rooms: Rooms) -> None:
        """Lead to these from the next request on. Whoever is inside comes to the end where they are."""
        self._rooms = rooms

    async def start(self) -> None:
        """Make ready for a first request."""
        await self._rooms.start()

    def drain(self) -> None:
        """Take no new calls."""
        self._draining = True

    async def stop(self) -> None:
        """End what `start` began, once no request runs any more."""
        await self._rooms.stop()

    def match(self, head: Head) -> Matched:
        """Where a request goes, judged by its head. Raises NotFound, MethodNotAllowed, and what `check_body` raises."""
        matched = choose(find(head.path), head.method)
        if head.method in BODIED:
            check_body(head, self.settings.body_bytes_max)
        return matched

    def is_call(self, matched: Matched) -> bool:
        """True where a model answers: a client that leaves ends what was begun for it."""
        return matched.route.door in CALLS

    def refuse(self, error: TallygateError, path: str, request_id: str) -> Reply:
        """An error in the words of the address it was asked at; OpenAI's, where there is nothing."""
        try:
            dialect_name = find(path)[0].route.dialect
        except NotFound:
            dialect_name = "openai_chat"
        return render(error, dialect_name, request_id)

    async def serve(self, matched: Matched, request: Request, exchange: Exchange) -> None:
        """Answer one request to its end. Never raises."""
        route = matched.route
        if self._proxies:
            request = structs.replace(request, peer=find_client(request.peer, request.headers, self._proxies))
        try:
            if route.door in CALLS:
                await self._walk(route, request, exchange)
                return
            reply = await self._open(route, request)
        except TallygateError as error:
            self._rooms.reporter.refuse(error.code)
            reply = render(error, route.dialect, request.request_id)
        except Exception:  # noqa: BLE001 - whatever broke, the client gets an answer
            known = {"request_id": request.request_id}
            logger.exception("request %s broke at the door", request.request_id, extra=known)
            reply = render(InternalError(), route.dialect, request.request_id)
        exchange.reply(reply)

    async def _walk(self, route: Route, request: Request, exchange: Exchange) -> None:
        """A call that a model answers."""
        if self._draining:
            raise ShuttingDown(retry_after_s=5)
        if exchange.gone:
            return
        call = open_call(request, route, exchange, json_depth_max=self.settings.json_depth_max)
        exchange.tell(call.departure)
        await self._rooms.hallway.run(call)

    async def _open(self, route: Route, request: Request) -> Reply:
        """A door that does not lead to the hallway. What is not public is guarded, whichever door it is."""
        if route.policy != "public":
            principal = await admit(self._rooms.identify, route.policy, request)
            return await self._open_guarded(route, request, principal)
        match route.door:
            case "list_models":
                return models.list_models(self._rooms.catalog(), self._rooms.find_price, request.query)
            case "show_model":
                return models.show_model(self._rooms.catalog(), self._rooms.find_price, request.slots["model"])
            case "list_passports":
                return passports.list_passports(self._rooms.catalog(), self._rooms.find_price, request.query)
            case "show_passport":
                return passports.show_passport(self._rooms.catalog(), self._rooms.find_price, request.slots["id"])
            case "openrouter_models":
                return openrouter_models.list_models(self._rooms.catalog(), self._rooms.find_price, request)
            case "openrouter_model":
                return openrouter_models.show_model(self._rooms.catalog(), self._rooms.find_price, request)
            case "log":
                return await serve_log(self._rooms.proofs, route.path, request)
            case "upgrade":
                # A client that would rather speak over a WebSocket goes on at once, where a 404 makes it try again.
                raise UpgradeRequired
            case "health":
                return json_reply({"status": "ok", "version": self._rooms.version})
            case "ready":
                return await self._ready()
            case "home":
                return json_reply({"name": "tallygate", "version": self._rooms.version})
            case door:
                raise AssertionError(f"the door {door} is not public")

    async def _open_guarded(self, route: Route, request: Request, principal: Principal) -> Reply:
        rooms = self._rooms
        match route.door:
            case "credits":
                return await show_credits(rooms.accounts, request, principal)
            case "key":
                return await show_key(rooms.accounts, request, principal)
            case "openrouter_account":
                return await serve_account(rooms.accounts, route.path, request, principal)
            case "usage":
                return await show_usage(rooms.accounts, request, principal)
            case "generation":
                return await show_generation(rooms.accounts, request, principal)
            case "quote":
                return await show_quote(rooms.quotes, request, principal)
            case "receipts":
                return await serve_receipts(rooms.proofs, route.path, request, principal)
            case "explain":
                return await show_route(rooms.routes, request, principal)
            case "metrics":
                return await rooms.metrics(request)
            case "admin" | "workspace":
                return await rooms.admin(route.path, request, principal)
            case door:
                raise AssertionError(f"the door {door} is not guarded here")

    async def _ready(self) -> Reply:
        """``GET /ready``: 200 while calls are taken and the database answers, else 503."""
        if self._draining:
            return json_reply({"status": "draining"}, 503)
        try:
            await self._rooms.ping()
        except (StoreUnavailable, ReceiptsUnavailable) as error:
            return json_reply({"status": "unavailable", "reason": error.message}, 503)
        return json_reply({"status": "ready", "models": len(self._rooms.catalog().records)})
