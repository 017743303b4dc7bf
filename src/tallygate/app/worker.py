"""The rooms of one process: made, joined, started and stopped in the right order.

A room is made here and nowhere else; what it does is its own affair. What `opening` does has been done before.
"""

import asyncio
import os
import socket
import time
from functools import partial
from pathlib import Path

from tallygate import __version__
from tallygate.access.admin_key import load_or_create_admin_key
from tallygate.access.admission import Turnstile
from tallygate.access.doorman import Doorman
from tallygate.access.guardrails.registry import Guardrails
from tallygate.access.keys import Minter
from tallygate.access.settings import KeysSettings
from tallygate.access.spool_key import load_or_create_spool_key
from tallygate.access.wrong_keys import WrongKeys
from tallygate.api.account import Accounts
from tallygate.api.doors import Doors, Rooms
from tallygate.api.explain import Routes
from tallygate.api.proofs import Proofs
from tallygate.api.quote import Quotes
from tallygate.app.configuration import Configuration
from tallygate.app.late_collector import EVERY_S as SEND_EVERY_S
from tallygate.app.late_collector import LateCollector
from tallygate.app.late_desk import LateDesk
from tallygate.app.late_window import LateWindow
from tallygate.app.opening import give_opening_credit
from tallygate.app.panel import Panel
from tallygate.app.tending import (
    LOOK_EVERY_S,
    PRICES_EVERY_S,
    SPOOL_EVERY_S,
    repeat,
    stop_on_a_failed_disk,
)
from tallygate.config.settings import Settings
from tallygate.dashboard.house import House
from tallygate.errors import ReceiptsUnavailable
from tallygate.genai.secret import Secret
from tallygate.ledger.fold import fold
from tallygate.media.folder import Folder, read_media_url
from tallygate.media.spool import Spool
from tallygate.pipeline.collector import spare_the_collector
from tallygate.pipeline.count import Counter
from tallygate.pipeline.finish import Finisher
from tallygate.pipeline.relay import Relay
from tallygate.pipeline.run import Hallway, Steps
from tallygate.pipeline.running import EVERY_S as KEYS_EVERY_S
from tallygate.pipeline.running import Running
from tallygate.pipeline.screen import Screen
from tallygate.pipeline.supply import Supply
from tallygate.receipts import high_water
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.receipt import Issuer, complete
from tallygate.receipts.sequencer import Sequencer
from tallygate.store.address import DatabaseAddress
from tallygate.store.enquirer import Enquirer
from tallygate.store.reader import Reader
from tallygate.store.recovery import Sweeper, keep_beating
from tallygate.store.standing import find_dead_keys
from tallygate.store.writer import Writer
from tallygate.telemetry.log import configure, logger
from tallygate.telemetry.reporter import Reporter
from tallygate.telemetry.sheets import EVERY_S as SHEETS_EVERY_S
from tallygate.transport.fetch import Fetcher
from tallygate.transport.http import HttpExit


class Worker:
    """The rooms of one process, joined, and what runs in them from start to stop."""

    def __init__(
        self,
        configuration: Configuration,
        address: DatabaseAddress,
        pepper: bytes,
        log_keys: LogKeys,
        supply: Supply,
        port: int,
        sheets: Path | None = None,
    ) -> None:
        self._configuration = configuration
        self._settings = settings = configuration.settings
        self._address, self._supply, self._port = address, supply, port
        admin_key = load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
        self._minter = Minter(pepper, settings.keys.prefix)
        self._reader = Reader(address)
        self._enquirer = Enquirer(address)
        # The gateway's own questions never wait behind those that callers ask, nor theirs behind anybody's.
        self._inspector = Enquirer(address)
        self._strangers = Enquirer(address)
        self._proofs = Proofs(log_keys.public, log_keys.origin, callers=self._enquirer, strangers=self._strangers)
        self._issuer = Issuer(log_keys.issuer, log_keys.origin, log_keys.subject_key)
        self._sequencer = self._make_sequencer(log_keys)
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
        self._doorman = make_doorman(settings.keys, self._reader, pepper, admin_key)
        self._running = Running(self._find_dead)
        self._guardrails = Guardrails(settings.guardrails)
        self._desk = LateDesk(
            address, self._minter, self._writer, configuration, settings.server.json_depth_max, supply.list_health
        )
        self._window = LateWindow(
            settings,
            address,
            admin_key,
            self._minter,
            self._writer,
            Accounts(self._enquirer, settings.limits.concurrency),
            self._proofs,
            supply,
        )
        self._collector = LateCollector(settings.telemetry.otlp_endpoint)
        self._reporter = Reporter(self._collector.trace)
        self.panel = Panel(self._reporter, self._writer, supply.gates, self._inspector, log_keys.origin, sheets)
        self._tasks: list[asyncio.Task[None]] = []

    def _make_sequencer(self, log_keys: LogKeys) -> Sequencer:
        return Sequencer(
            self._address,
            log_keys,
            HighWater(self._settings.data / high_water.FILE_NAME, log_keys.signer.verifier.vkey),
            lambda: self._writer.epoch,
            self._supply.list_quoted,
            on_broken=stop_on_a_failed_disk,
        )

    def open_doors(self, *, is_first: bool) -> House:
        """The doors to everything. The first worker of a gateway gives the opening credit."""
        doors = Doors(self._join_rooms(is_first=is_first), self._settings.server)

        def use(settings: Settings) -> None:
            configure(settings.log_level, settings.log_format, key_prefix=settings.keys.prefix)
            self._guardrails.use(settings.guardrails)
            self._settings = settings
            self._supply.renew(settings.providers, settings.models, settings.router, discovers=settings.discover)
            doors.use(self._join_rooms(is_first=is_first))

        self._configuration.follow(use)
        return House(
            doors, self._window.open, enabled=self._settings.dashboard.enabled, public_url=self._settings.public_url
        )

    def _join_rooms(self, *, is_first: bool) -> Rooms:
        settings, supply = self._settings, self._supply
        accounts = Accounts(self._enquirer, settings.limits.concurrency)
        return Rooms(
            hallway=Hallway(self._join_steps()),
            identify=self._doorman.identify,
            accounts=accounts,
            quotes=Quotes(accounts, supply.plan, supply.suit, supply.quote, settings.server.json_depth_max),
            routes=Routes(supply, settings.server.json_depth_max),
            admin=self._desk.serve,
            catalog=lambda: supply.catalog,
            find_price=supply.find_price,
            proofs=self._proofs,
            ping=self._ping,
            start=partial(self._start, is_first=is_first),
            stop=self._stop,
            version=__version__,
            metrics=self.panel.serve,
            reporter=self._reporter,
        )

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
            relay=Relay(self._exit, lambda: supply.rows, timeouts, fetch=self._fetcher.fetch_all, gates=supply.gates),
            heed=supply.heed,
            note=writer.note,
            screen=Screen(self._guardrails.choose),
            finisher=Finisher(writer.settle, supply.count_costs, self._issuer),
            find_total_ms=lambda: supply.gates.rules.total_ms,
            reporter=self._reporter,
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
            await give_opening_credit(self._settings.opening_credit_usd, self._address, self._writer)
        await self._supply.look(self._exit, self._port)
        await self._sweep_spool()
        self._tasks += [
            asyncio.create_task(self._configuration.tend()),
            asyncio.create_task(repeat(KEYS_EVERY_S, self._running.look)),
            asyncio.create_task(repeat(store.heartbeat_s, self._sweeper.sweep)),
            asyncio.create_task(repeat(PRICES_EVERY_S, partial(self._supply.hear_prices, self._inspector))),
            asyncio.create_task(repeat(SPOOL_EVERY_S, self._sweep_spool)),
            asyncio.create_task(repeat(SHEETS_EVERY_S, self.panel.sheets.share)),
            asyncio.create_task(repeat(SEND_EVERY_S, partial(self._collector.send, self.panel.list_families))),
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
        for close in (
            *(room.close for room in rooms),
            close_writer,
            self._folder.close,
            self._reader.close,
            self._desk.close,
            self._window.close,
        ):
            await asyncio.to_thread(close)
        await self.panel.sheets.share()
        await self._collector.close(self.panel.list_families)

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


def make_doorman(settings: KeysSettings, reader: Reader, pepper: bytes, admin_key: Secret) -> Doorman:
    """Who lets callers in, with a count of wrong keys of its own."""
    wrong_keys = WrongKeys(settings.wrong_per_minute)
    return Doorman(reader.find_key, pepper=pepper, prefix=settings.prefix, admin_key=admin_key, wrong_keys=wrong_keys)
