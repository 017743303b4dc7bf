"""The only composition root: builds the rooms from a resolved configuration, joins them, and runs them under a server.

Rooms get plain values and each other's functions from here and know nothing of how they were made. What only a first
start needs (migrations, the first key) is imported only then, so that a warm start is quick.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
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
from tallygate.access.receipt_keys import load_or_create_receipt_keys
from tallygate.access.spool_key import load_or_create_spool_key
from tallygate.api.account import Accounts
from tallygate.api.door import Reply, Request
from tallygate.api.doors import Doors, Rooms
from tallygate.api.listener import listen, shown_host
from tallygate.api.proofs import Proofs
from tallygate.api.quote import Quotes
from tallygate.api.server import run_server
from tallygate.api.workers import run_workers
from tallygate.config.resolution import Resolved
from tallygate.config.settings import Settings
from tallygate.errors import ReceiptsUnavailable, TallygateError
from tallygate.genai.secret import Secret
from tallygate.ledger.fold import fold
from tallygate.ledger.money import parse_usd
from tallygate.media.folder import Folder, read_media_url
from tallygate.media.spool import Spool
from tallygate.pipeline.collector import spare_the_collector
from tallygate.pipeline.count import Counter
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Relay
from tallygate.pipeline.run import Hallway, Steps
from tallygate.pipeline.running import EVERY_S as KEYS_EVERY_S
from tallygate.pipeline.running import Running
from tallygate.pipeline.supply import Supply
from tallygate.providers.base import Found, Missing
from tallygate.receipts import high_water, key_file
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.receipt import Issuer, complete
from tallygate.receipts.sequencer import Sequencer, bind_log
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.enquirer import Enquirer
from tallygate.store.log import find_log
from tallygate.store.meta import claim_pepper, find_uncredited_workspace, has_workspace, schema_is_current
from tallygate.store.reader import Reader
from tallygate.store.recovery import Sweeper, keep_beating
from tallygate.store.standing import find_dead_keys
from tallygate.store.writer import Writer
from tallygate.telemetry import configure, logger
from tallygate.transport.fetch import Fetcher
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
        log_keys = open_log_keys(settings, address)

        def work(index: int) -> None:
            supply = make_supply(settings, demo=demo)
            doors = Worker(settings, address, pepper, log_keys, supply, port).open_doors(is_first=index == 0)

            def opened() -> None:
                if index == 0:
                    announce(describe(resolved, supply, port, first_key))

            run_server(doors, listener, opened)

        if settings.server.workers == 1:
            work(0)
        else:
            run_workers(settings.server.workers, work)


def make_supply(settings: Settings, *, demo: bool) -> Supply:
    """What can be called as far as the configuration and the environment say."""
    return Supply(
        settings.providers,
        settings.models,
        discovers=settings.discover,
        demo=demo,
        own_key_prefix=settings.keys.prefix,
    )


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


def open_log_keys(settings: Settings, address: DatabaseAddress) -> LogKeys:
    """The keys of receipts, made by the first start, and the database bound to their log. Raises BadSecret."""
    now_ns = time.time_ns()
    keys = load_or_create_receipt_keys(
        settings.data / key_file.FILE_NAME,
        now_ns // 1_000_000,
        log=find_log(address),
        origin=settings.receipts.origin,
        issuer=settings.receipts.issuer,
    )
    bind_log(address, keys, now_ns)
    return keys


class Worker:
    """The rooms of one process, joined, and what runs in them from start to stop."""

    def __init__(
        self,
        settings: Settings,
        address: DatabaseAddress,
        pepper: bytes,
        log_keys: LogKeys,
        supply: Supply,
        port: int,
    ) -> None:
        self._settings, self._address, self._supply, self._port = settings, address, supply, port
        admin_key = load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
        self._minter = Minter(pepper, settings.keys.prefix)
        self._reader = Reader(address)
        self._enquirer = Enquirer(address)
        # The gateway's own questions never wait behind those that callers ask, nor theirs behind anybody's.
        self._inspector = Enquirer(address)
        self._strangers = Enquirer(address)
        self._proofs = Proofs(log_keys.public, log_keys.origin, callers=self._enquirer, strangers=self._strangers)
        self._issuer = Issuer(log_keys.issuer, log_keys.origin, log_keys.subject_key)
        self._sequencer = Sequencer(
            address,
            log_keys,
            HighWater(settings.data / high_water.FILE_NAME, log_keys.signer.verifier.vkey),
            lambda: self._writer.epoch,
            supply.list_quoted,
            on_broken=stop_on_a_failed_disk,
        )
        self._writer = Writer(
            address,
            fold,
            complete,
            owner=f"{socket.gethostname()}, process {os.getpid()}",
            on_posted=self._sequencer.wake,
            on_broken=stop_on_a_failed_disk,
        )
        self._sweeper = Sweeper(
            address,
            self._writer,
            lambda hold: self._issuer.draft_unseen(hold, "recovered", "progress"),
            heartbeat_s=settings.store.heartbeat_s,
            lease_s=settings.store.lease_s,
        )
        self._folder = Folder(read_media_url(settings.media_url))
        self._spool = Spool(self._folder, load_or_create_spool_key(settings.data / "spool-key"), settings.idempotency)
        self._exit = HttpExit(settings.transport)
        self._fetcher = Fetcher(settings.fetch, settings.transport, own_url=settings.public_url)
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
            quotes=Quotes(accounts, supply.plan, supply.suit, supply.quote, settings.server.json_depth_max),
            admin=self._serve_admin,
            catalog=lambda: supply.catalog,
            find_price=supply.find_price,
            proofs=self._proofs,
            ping=self._ping,
            start=partial(self._start, is_first=is_first),
            stop=self._stop,
            version=__version__,
        )
        return Doors(rooms, settings.server)

    def _join_steps(self) -> Steps:
        settings, supply, writer = self._settings, self._supply, self._writer
        timeouts = settings.transport.timeouts
        return Steps(
            recall=self._doorman.recall,
            identify=self._doorman.identify,
            plan=supply.plan,
            suit=supply.suit,
            vouch=self._vouch,
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
            relay=Relay(self._exit, lambda: supply.rows, timeouts, fetch=self._fetcher.fetch_all),
            heed=supply.heed,
            note=writer.note,
            finisher=Finisher(writer.settle, supply.count_costs, self._issuer),
        )

    async def _start(self, *, is_first: bool) -> None:
        """Everything a first call needs. What dead processes have left open is ended before it (D2)."""
        store = self._settings.store
        self._reader.start()
        self._writer.start()
        self._sequencer.start()
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
        spare_the_collector()

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
        await self._fetcher.close()
        close_writer = partial(self._writer.close, at_last=self._sequencer.close)
        rooms = (self._sweeper, self._enquirer, self._inspector, self._strangers)
        for close in (*(room.close for room in rooms), close_writer, self._folder.close, self._reader.close):
            await asyncio.to_thread(close)
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

    async def _ping(self) -> None:
        """Whether a call could be made now. Raises StoreUnavailable, ReceiptsUnavailable."""
        self._vouch()
        await self._reader.ping()

    def _vouch(self) -> None:
        if self._settings.receipts.required and self._sequencer.refusal:
            raise ReceiptsUnavailable

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
