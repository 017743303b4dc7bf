"""The doors as an ASGI application: the only file of this room that knows the server's calling convention.

Reads the body within its limits, starts one owner task for each billable call, and watches the client's end of the
connection. The owner outlives the client; if the client leaves, the owner is told, never cancelled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from tallygate.access.principal import Principal
from tallygate.api import models
from tallygate.api.account import Accounts, show_credits, show_generation, show_key
from tallygate.api.door import Reply, Request, choose_request_id, header, json_reply
from tallygate.api.guard import Identify, admit
from tallygate.api.inference import OPERATIONS, open_call
from tallygate.api.log_doors import serve_log
from tallygate.api.middleware import (
    Matched,
    check_body_headers,
    check_headers,
    choose,
    find,
    render,
    too_large,
)
from tallygate.api.proofs import Proofs
from tallygate.api.quote import Quotes, show_quote
from tallygate.api.receipt_doors import serve_receipts
from tallygate.api.settings import ServerSettings
from tallygate.api.urls import Route
from tallygate.api.usage import show_usage
from tallygate.errors import (
    InternalError,
    ReceiptsUnavailable,
    RequestTimeout,
    ShuttingDown,
    StoreUnavailable,
    TallygateError,
)
from tallygate.pipeline.call import Client, ClientGone
from tallygate.pipeline.run import Hallway
from tallygate.router.plan import Catalog
from tallygate.telemetry import logger

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ServeAdmin = Callable[[str, Request], Awaitable[Reply]]

BODIED = ("POST", "PUT", "PATCH")
BODY_TIMEOUT_S = 60.0
LINGER_S = 2.0


class Rooms(Struct, frozen=True):
    """What the doors lead to: the hallway, who a caller is, a caller's own money, receipts and their log, the admin's
    doors by a route's path, what can be called now, whether the database answers, and the start and end.
    """

    hallway: Hallway
    identify: Identify
    accounts: Accounts
    quotes: Quotes
    proofs: Proofs
    admin: ServeAdmin
    catalog: Callable[[], Catalog]
    ping: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    version: str


class Doors:
    """The ASGI application. Keeps the owner tasks of running calls, so that a shutdown can wait for them."""

    def __init__(self, rooms: Rooms, settings: ServerSettings) -> None:
        self._rooms = rooms
        self._settings = settings
        self._owners: set[asyncio.Task[None]] = set()
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI scope: HTTP, or the server's own start and end."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._rooms.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self._draining = True
                if self._owners:
                    # Bounded, for a client that reads nothing can hold up its own end for ever.
                    await asyncio.wait(self._owners, timeout=2 * LINGER_S)
                await self._rooms.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: tuple[tuple[bytes, bytes], ...] = tuple(scope["headers"])
        request_id = choose_request_id(header(headers, b"x-request-id"))
        dialect_name = "openai_chat"
        try:
            path = scope["raw_path"].decode("latin-1")
            found = find(path)
            dialect_name = found[0].route.dialect
            matched = choose(found, scope["method"])
            check_headers(headers)
            body = await self._read_body(scope["method"], headers, receive)
            request = Request(
                method=scope["method"],
                path=path,
                query=scope["query_string"],
                headers=headers,
                body=body,
                request_id=request_id,
                arrived_ns=time.monotonic_ns(),
                slots=matched.slots,
            )
            if matched.route.door in OPERATIONS:
                await self._walk(matched, request, receive, send)
                return
            reply = await self._open(matched.route, request)
        except TallygateError as error:
            reply = render(error, dialect_name, request_id)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - whatever broke, the client gets an answer
            logger.exception("request %s broke at the door", request_id)
            reply = render(InternalError(), dialect_name, request_id)
        await _reply(send, receive, reply, request_id, bare=scope["method"] == "HEAD")

    async def _read_body(self, method: str, headers: tuple[tuple[bytes, bytes], ...], receive: Receive) -> bytes:
        if method not in BODIED:
            return b""
        bytes_max = self._settings.body_bytes_max
        check_body_headers(headers, bytes_max)
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    piece: bytes = message.get("body", b"")
                    size += len(piece)
                    if size > bytes_max:
                        raise too_large(bytes_max)
                    pieces.append(piece)
                    if not message.get("more_body", False):
                        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        except TimeoutError:
            raise RequestTimeout(f"The body did not arrive within {BODY_TIMEOUT_S:.0f} seconds.") from None

    async def _walk(self, matched: Matched, request: Request, receive: Receive, send: Send) -> None:
        """A call that a model answers: its owner task writes to the client, this one only watches for its leaving."""
        if self._draining:
            raise ShuttingDown(retry_after_s=5)
        client: Client = Socket(send)
        call = open_call(request, matched.route, client, json_depth_max=self._settings.json_depth_max)
        owner = asyncio.create_task(self._rooms.hallway.run(call))
        self._owners.add(owner)
        owner.add_done_callback(self._owners.discard)
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((owner, gone), return_when=asyncio.FIRST_COMPLETED)
            call.departure.leave()
        except asyncio.CancelledError:
            # The server gives up on us at the end of its drain, and closes the connection once we are through: the
            # call must not stream on into the void, and a client that is still there is told why it ends.
            call.departure.stop(ShuttingDown())
            await asyncio.wait((owner,), timeout=LINGER_S)
            raise
        finally:
            gone.cancel()
        await asyncio.wait((owner,))

    async def _open(self, route: Route, request: Request) -> Reply:
        """A door that does not lead to the hallway. What is not public is guarded, whichever door it is."""
        if route.policy != "public":
            principal = await admit(self._rooms.identify, route.policy, request)
            return await self._open_guarded(route, request, principal)
        match route.door:
            case "list_models":
                return models.list_models(self._rooms.catalog())
            case "show_model":
                return models.show_model(self._rooms.catalog(), request.slots["model"])
            case "log":
                return await serve_log(self._rooms.proofs, route.path, request)
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
            case "usage":
                return await show_usage(rooms.accounts, request, principal)
            case "generation":
                return await show_generation(rooms.accounts, request, principal)
            case "quote":
                return await show_quote(rooms.quotes, request, principal)
            case "receipts":
                return await serve_receipts(rooms.proofs, route.path, request, principal)
            case "admin":
                return await rooms.admin(route.path, request)
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


class Socket:
    """The client of an HTTP call: what is sent here goes to the server's transport.

    ASGI servers take what is sent to a client that has gone without a word, so leaving is told by `Departure` instead.
    """

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send the head."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def send(self, chunk: bytes) -> None:
        """Send bytes of the body, and let other tasks run whether or not the server had to wait."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        # A server that never has to wait would let one lively stream starve every other call of this process.
        await asyncio.sleep(0)

    async def end(self, last: bytes = b"") -> None:
        """Complete the body with its last bytes."""
        await self._send({"type": "http.response.body", "body": last, "more_body": False})


async def _reply(send: Send, receive: Receive, reply: Reply, request_id: str, *, bare: bool) -> None:
    # The body of these was not read to its end, so nothing after it on this connection could be trusted.
    close = reply.status in (408, 411, 413, 415)
    headers = [
        ("content-type", reply.content_type),
        ("content-length", str(len(reply.body))),
        *reply.headers,
        ("x-request-id", request_id),
        ("request-id", request_id),
    ]
    if close:
        headers.append(("connection", "close"))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    if close:
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
        await _linger(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await send({"type": "http.response.body", "body": b"" if bare else reply.body, "more_body": False})


async def _linger(receive: Receive) -> None:
    """Let a client that is still sending its body read our answer: closing at once would reset the connection."""
    try:
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
