"""The only composition root: builds the rooms from a resolved configuration, joins them, and runs them under a server.

Rooms get plain values and each other's functions from here and know nothing of how they were made. What only a first
start needs (migrations, the first key) is imported only then, so that a warm start is quick.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from tallygate import __version__
from tallygate.access.admin_key import load_or_create_admin_key
from tallygate.access.doorman import Doorman
from tallygate.access.keys import Minter
from tallygate.access.pepper import fingerprint, load_or_create_pepper
from tallygate.api.asgi import Doors, Rooms
from tallygate.api.server import run_server
from tallygate.api.workers import run_workers
from tallygate.config.resolution import Resolved
from tallygate.config.settings import Settings
from tallygate.genai.plan import Plan
from tallygate.genai.secret import Secret
from tallygate.pipeline.count import Counter
from tallygate.pipeline.relay import Relay
from tallygate.pipeline.run import Hallway
from tallygate.providers.base import Found, Missing, Provider
from tallygate.providers.discover import discover
from tallygate.providers.registry import Providers, load
from tallygate.router.plan import Catalog, Shelf, build_catalog, plan
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.meta import claim_pepper, has_workspace, schema_is_current
from tallygate.store.reader import Reader
from tallygate.telemetry import configure
from tallygate.transport.http import HttpExit

LOOK_EVERY_S = 30.0


class CannotStart(Exception):
    """The gateway cannot start, for a reason the operator can mend. The text is ready to be read."""


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
    """Which providers and models there are now. Replaced as a whole whenever this machine is looked at again."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._known = load(settings.providers, os.environ, demo=demo, own_key_prefix=settings.keys.prefix)
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

    async def look(self, exit_: HttpExit, own_port: int) -> None:
        """Look for engines on this machine, and use what is there now."""
        if self._settings.discover:
            seen = await discover(exit_, self._known.rows, os.environ, own_ports=frozenset({own_port}))
            self._use(self._known.joined(seen))

    async def keep_looking(self, exit_: HttpExit, own_port: int) -> None:
        """Look again and again: an engine started after us, or a model pulled since, is used without a restart."""
        while self._settings.discover:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look(exit_, own_port)

    def plan(self, model: str, operation: str) -> Plan:
        """The router's plan over what there is now."""
        return plan(self.catalog, model, operation)


def serve(resolved: Resolved, *, demo: bool, announce: Announce) -> None:
    """Run the gateway until it is told to stop. `announce` is called once, when it takes calls.

    Raises: CannotStart, and the rooms' own refusals to start, whose texts are meant for the operator.
    """
    settings = resolved.settings
    configure(settings.log_level)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # First of all, because a start that fails here must not have used up the one showing of the first key.
    with listen(settings) as listener:
        port: int = listener.getsockname()[1]
        address = parse_address(settings.database_url, settings.data)
        pepper, first_key = open_store(settings, address)

        def work(index: int) -> None:
            supply = Supply(settings, demo=demo)
            doors = build_doors(settings, address, pepper, supply, port)

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


def build_doors(settings: Settings, address: DatabaseAddress, pepper: bytes, supply: Supply, port: int) -> Doors:
    """Join the rooms."""
    reader = Reader(address)
    admin_key = load_or_create_admin_key(settings.data / "admin-key", settings.admin_key, settings.keys.prefix)
    doorman = Doorman(reader.find_key, pepper=pepper, prefix=settings.keys.prefix, admin_key=admin_key)
    exit_ = HttpExit(settings.transport)
    relay = Relay(exit_, lambda: supply.rows, settings.transport.timeouts)
    counter = Counter(exit_, lambda: supply.rows, settings.transport.timeouts)

    looking: list[asyncio.Task[None]] = []

    async def start() -> None:
        reader.start()
        await supply.look(exit_, port)
        looking.append(asyncio.create_task(supply.keep_looking(exit_, port)))

    async def stop() -> None:
        for task in looking:
            task.cancel()
        await exit_.close()
        reader.close()

    rooms = Rooms(
        hallway=Hallway(doorman.identify, supply.plan, relay, counter),
        catalog=lambda: supply.catalog,
        ping=reader.ping,
        start=start,
        stop=stop,
        version=__version__,
    )
    return Doors(rooms, settings.server)


def listen(settings: Settings) -> socket.socket:
    """The socket the gateway answers on; port 0 lets the system choose. Raises CannotStart."""
    host, port = settings.server.host, settings.server.port
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        raise CannotStart(f"The host {host} is not an address of this machine. Give another one with --host.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = error.strerror or "it cannot be used"
        raise CannotStart(
            f"Cannot listen on {host}, port {port}: {reason.lower()}. Choose another one with --port."
        ) from None
    return listener


def shown_host(host: str) -> str:
    """A host as it stands in a URL that somebody on this machine pastes."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
