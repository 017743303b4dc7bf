"""The only composition root: builds the rooms from a resolved configuration, joins them, and runs them under a server.

Rooms get plain values and each other's functions from here and know nothing of how they were made. What only a first
start needs (migrations, the first key) is imported only then, so that a warm start is quick.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tallygate import __version__
from tallygate.access.admin_key import load_or_create_admin_key
from tallygate.access.admission import Turnstile
from tallygate.access.doorman import Doorman
from tallygate.access.keys import Minter
from tallygate.access.pepper import fingerprint, load_or_create_pepper
from tallygate.access.spool_key import load_or_create_spool_key
from tallygate.api.account import Accounts
from tallygate.api.asgi import Doors, Rooms
from tallygate.api.door import Reply, Request
from tallygate.api.listener import listen, shown_host
from tallygate.api.quote import Quotes
from tallygate.api.server import run_server
from tallygate.api.workers import run_workers
from tallygate.config.resolution import Resolved
from tallygate.config.settings import Settings
from tallygate.dialects.base import Dialect
from tallygate.errors import TallygateError
from tallygate.genai.items import Cost
from tallygate.genai.peek import Peek
from tallygate.genai.plan import Plan, Target
from tallygate.genai.price_row import PriceRow
from tallygate.genai.secret import Secret
from tallygate.genai.usage import Usage
from tallygate.ledger.catalogue import load_catalogue
from tallygate.ledger.fold import fold
from tallygate.ledger.money import parse_usd
from tallygate.ledger.pricelist import PriceList
from tallygate.ledger.quote import Quote, count_costs, make_quote
from tallygate.ledger.reach import Reaches
from tallygate.media.folder import Folder, read_media_url
from tallygate.media.spool import Spool
from tallygate.pipeline.count import Counter
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Relay
from tallygate.pipeline.run import Hallway, Steps
from tallygate.pipeline.running import EVERY_S as KEYS_EVERY_S
from tallygate.pipeline.running import Running
from tallygate.providers.base import Found, Missing, Provider
from tallygate.providers.discover import discover
from tallygate.providers.registry import Providers, load
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.enquirer import Enquirer
from tallygate.store.meta import claim_pepper, find_uncredited_workspace, has_workspace, schema_is_current
from tallygate.store.price_feed import load_prices
from tallygate.store.reader import Reader
from tallygate.store.recovery import Sweeper, keep_beating
from tallygate.store.standing import find_dead_keys
from tallygate.store.writer import Writer
from tallygate.telemetry import configure, logger
from tallygate.transport.http import HttpExit

if TYPE_CHECKING:
    from tallygate.api.admin.desk import Desk

LOOK_EVERY_S = 30.0
PRICES_EVERY_S = 5.0
SPOOL_EVERY_S = 60.0
OPENING = "opening"
"""The id of the first workspace's opening credit: it is given once per database."""

DISK_FAILED = 74
"""The exit status of a process whose disk did not keep what was written (sysexits.h: EX_IOERR)."""


class Opened(Struct, frozen=True):
    """What a start came to, for whoever announces it. `first_key` is set only by the start that made it."""

    url: str
    data: Path
    config: Path | None
    discover: bool
    found: tuple[Found, ...]
    missing: tuple[Missing, ...]
    models: tuple[str, ...]
    first_key: Secret | None


Announce = Callable[[Opened], None]


class Supply:
    """Which providers, models and prices there are now. Each is replaced as a whole whenever there is news of it."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._known = load(settings.providers, os.environ, demo=demo, own_key_prefix=settings.keys.prefix)
        self._list = load_catalogue()
        self._price_rows: tuple[PriceRow, ...] = ()
        self._use(self._known)

    def _use(self, providers: Providers) -> None:
        self.providers = providers
        self.rows: Mapping[str, Provider] = providers.rows
        shelves = {
            name: Shelf(operations=frozenset({"chat", "count"}), claims=tuple(row.claims))
            for name, row in self.rows.items()
        }
        declared = {
            alias: model.targets
            for name, model in self._settings.models.items()
            for alias in (name, *model.aliases)
            if model.targets
        }
        self.catalog: Catalog = build_catalog(declared, providers.offers, shelves)
        self._reaches = Reaches(self.rows, providers.offers, self._list)
        self._price()

    def _price(self) -> None:
        free = [row.name for row in self.rows.values() if row.free]
        self.prices = PriceList(self._list, self._settings.models, free, self._price_rows)

    async def look(self, exit_: HttpExit, own_port: int) -> None:
        """Look for engines on this machine, and use what is there now."""
        if self._settings.discover:
            seen = await discover(exit_, self._known.rows, os.environ, own_ports=frozenset({own_port}))
            self._use(self._known.joined(seen))

    async def hear_prices(self, enquirer: Enquirer) -> None:
        """Use the prices that were set since the last time. Raises StoreUnavailable."""
        if rows := await enquirer.ask(partial(load_prices, after_seq=self.prices.seq)):
            self._price_rows = (*self._price_rows, *rows)
            self._price()

    def plan(self, model: str, operation: str) -> Plan:
        """The router's plan over what there is now."""
        return plan(self.catalog, model, operation)

    def quote(self, plan: Plan, peek: Peek, body: bytes, dialect: Dialect) -> Quote:
        """What a call may cost at most, at the prices of this moment."""
        return make_quote(self.prices, plan, peek, body, dialect.read_request, self._reaches, time.time_ns())

    def count_costs(self, attempts: Iterable[tuple[Target, Usage]]) -> tuple[Cost, ...]:
        """What the house owes for attempts, at the prices of this moment."""
        return count_costs(self.prices, attempts, time.time_ns())


def serve(resolved: Resolved, *, demo: bool, announce: Announce) -> None:
    """Run the gateway until it is told to stop. `announce` is called once, when it takes calls.

    Raises: CannotListen, and the rooms' own refusals to start, whose texts are meant for the operator.
    """
    settings = resolved.settings
    configure(settings.log_level)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # First of all, because a start that fails here must not have used up the one showing of the first key.
    with listen(settings.server) as listener:
        port: int = listener.getsockname()[1]
        address = parse_address(settings.database_url, settings.data)
        pepper, first_key = open_store(settings, address)

        def work(index: int) -> None:
            supply = Supply(settings, demo=demo)
            doors = Worker(settings, address, pepper, supply, port).open_doors(is_first=index == 0)

            def opened() -> None:
                if index == 0:
                    announce(describe(resolved, supply, port, first_key))

            run_server(doors, listener, opened)

        if settings.server.workers == 1:
            work(0)
        else:
            run_workers(settings.server.workers, work)


def describe(resolved: Resolved, supply: Supply, port: int, first_key: Secret | None) -> Opened:
    """What there is to announce."""
    return Opened(
        url=f"http://{shown_host(resolved.settings.server.host)}:{port}",
        data=resolved.settings.data,
        config=resolved.file,
        discover=resolved.settings.discover,
        found=supply.providers.found,
        missing=supply.providers.missing,
        models=tuple(supply.catalog.records),
        first_key=first_key,
    )


def open_store(settings: Settings, address: DatabaseAddress) -> tuple[bytes, Secret | None]:
    """Bring the database up to date. Returns the keys' pepper, and the first key if this start had to make it."""
    if not schema_is_current(address):
        from tallygate.store.migrate import migrate

        migrate(address)
    pepper = load_or_create_pepper(settings.data / "key-pepper", settings.keys.pepper)
    claim_pepper(address, fingerprint(pepper))
    load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
    if has_workspace(address):
        return pepper, None
    from tallygate.access.admin import create_first_key
    from tallygate.store.database import Database

    with Database(address) as database:
        created = create_first_key(database, Minter(pepper, settings.keys.prefix))
    return pepper, created.secret if created else None


class Worker:
    """The rooms of one process, joined, and what runs in them from start to stop."""

    def __init__(self, settings: Settings, address: DatabaseAddress, pepper: bytes, supply: Supply, port: int) -> None:
        self._settings, self._address, self._supply, self._port = settings, address, supply, port
        admin_key = load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
        self._minter = Minter(pepper, settings.keys.prefix)
        self._reader = Reader(address)
        self._enquirer = Enquirer(address)
        # The gateway's own questions never wait behind those that callers ask.
        self._inspector = Enquirer(address)
        self._writer = Writer(
            address, fold, owner=f"{socket.gethostname()}, process {os.getpid()}", on_broken=stop_on_a_failed_disk
        )
        self._sweeper = Sweeper(
            address, self._writer, heartbeat_s=settings.store.heartbeat_s, lease_s=settings.store.lease_s
        )
        self._folder = Folder(read_media_url(settings.media_url))
        self._spool = Spool(self._folder, load_or_create_spool_key(settings.data / "spool-key"), settings.idempotency)
        self._exit = HttpExit(settings.transport)
        self._doorman = Doorman(self._reader.find_key, pepper=pepper, prefix=settings.keys.prefix, admin_key=admin_key)
        self._running = Running(self._find_dead)
        self._desk: Desk | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def open_doors(self, *, is_first: bool) -> Doors:
        """The doors to everything. The first worker of a gateway gives the opening credit."""
        settings, supply = self._settings, self._supply
        accounts = Accounts(self._enquirer, settings.limits.concurrency)
        rooms = Rooms(
            hallway=Hallway(self._join_steps()),
            identify=self._doorman.identify,
            accounts=accounts,
            quotes=Quotes(accounts, supply.plan, supply.quote, settings.server.json_depth_max),
            admin=self._serve_admin,
            catalog=lambda: supply.catalog,
            ping=self._reader.ping,
            start=partial(self._start, is_first=is_first),
            stop=self._stop,
            version=__version__,
        )
        return Doors(rooms, settings.server)

    def _join_steps(self) -> Steps:
        settings, supply, writer = self._settings, self._supply, self._writer
        timeouts = settings.transport.timeouts
        return Steps(
            identify=self._doorman.identify,
            plan=supply.plan,
            counter=Counter(self._exit, lambda: supply.rows, timeouts),
            quote=supply.quote,
            turnstile=Turnstile(
                writer.admit,
                self._doorman.identify,
                keep_s=settings.idempotency.keep_s,
                slots_max=settings.limits.concurrency,
            ),
            spool=self._spool,
            running=self._running,
            relay=Relay(self._exit, lambda: supply.rows, timeouts),
            note=writer.note,
            finisher=Finisher(writer.settle, supply.count_costs),
        )

    async def _start(self, *, is_first: bool) -> None:
        """Everything a first call needs. What dead processes have left open is ended before it (D2)."""
        store = self._settings.store
        self._reader.start()
        self._writer.start()
        self._tasks.append(asyncio.create_task(keep_beating(self._writer.beat, store.heartbeat_s)))
        await self._recover()
        await self._supply.hear_prices(self._inspector)
        if is_first:
            await self._give_opening_credit()
        await self._supply.look(self._exit, self._port)
        await self._sweep_spool()
        self._tasks += [
            asyncio.create_task(repeat(KEYS_EVERY_S, self._running.look)),
            asyncio.create_task(repeat(store.heartbeat_s, self._sweeper.sweep)),
            asyncio.create_task(repeat(PRICES_EVERY_S, partial(self._supply.hear_prices, self._inspector))),
            asyncio.create_task(repeat(SPOOL_EVERY_S, self._sweep_spool)),
            # An engine started after us, or a model pulled since, is used without a restart.
            asyncio.create_task(repeat(LOOK_EVERY_S, partial(self._supply.look, self._exit, self._port))),
        ]

    async def _recover(self) -> None:
        """Sweep until nothing is left, but no longer than a lease: a wallet that somebody keeps locked stops its own
        calls, not the gateway.
        """
        store = self._settings.store
        until_s = time.monotonic() + store.lease_s
        while not (await self._sweeper.sweep()).complete:
            if time.monotonic() > until_s:
                logger.warning("some calls of dead processes could not be ended yet; this is tried again")
                return
            await asyncio.sleep(store.heartbeat_s)

    async def _stop(self) -> None:
        """The writer last but one: it writes what is still to be written, and needs the loop to say so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exit.close()
        for room in (self._sweeper, self._enquirer, self._inspector, self._writer, self._folder, self._reader):
            await asyncio.to_thread(room.close)
        if self._desk is not None:
            self._desk.database.close()

    async def _give_opening_credit(self) -> None:
        amount_nusd = parse_usd(self._settings.opening_credit_usd)
        workspace_id = find_uncredited_workspace(self._address, OPENING) if amount_nusd else None
        if workspace_id is None:
            return
        from tallygate.ledger.operations import add_credit
        from tallygate.store.database import Database

        with Database(self._address) as database:
            await add_credit(
                self._writer,
                database,
                workspace=workspace_id,
                amount_nusd=amount_nusd,
                movement_id=OPENING,
                actor="system",
                source="promo",
            )

    async def _find_dead(self, key_ids: frozenset[str]) -> frozenset[str]:
        return await self._inspector.ask(partial(find_dead_keys, key_ids=key_ids, now_ns=time.time_ns()))

    async def _sweep_spool(self) -> None:
        await self._spool.sweep(time.time_ns())

    async def _serve_admin(self, path: str, request: Request) -> Reply:
        """The admin's doors are rarely used and bring SQLAlchemy along: they are opened by the first who knocks."""
        from tallygate.api.admin.doors import serve_admin

        if self._desk is None:
            self._desk = await asyncio.to_thread(self._open_desk)
        return await serve_admin(self._desk, path, request)

    def _open_desk(self) -> "Desk":
        from tallygate.api.admin.desk import Desk
        from tallygate.store.database import Database

        return Desk(Database(self._address), self._minter, self._writer, self._settings.server.json_depth_max)


def stop_on_a_failed_disk(error: Exception) -> None:
    """End at once: after a failed fsync nobody knows what the database holds, and waiting calls must not be told."""
    logger.critical("the gateway stops: %s", error)
    os._exit(DISK_FAILED)


async def repeat(every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again until cancelled. A database that is away is asked again the next time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await work()
        except TallygateError as error:
            logger.warning("put off: %s", error)
        except Exception:  # noqa: BLE001 - a task that ended would be missed only when it is needed
            logger.exception("what is done every %s seconds failed, and is tried again", every_s)
