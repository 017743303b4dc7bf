"""The way of a verb to the configured database, without a server.

Access to tables and rules about them belong to `access` and `store`; here they are only opened in the right order.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tallygate.access.keys import Minter
from tallygate.access.pepper import fingerprint, load_or_create_pepper
from tallygate.access.secret_file import BadSecret
from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.cli.terminal.reading import locate_database
from tallygate.config import Settings
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.database import Database
from tallygate.store.meta import claim_pepper, schema_is_current
from tallygate.store.migrate import migrate
from tallygate.store.refusal import StoreRefusal
from tallygate.store.writer import Writer


@contextmanager
def open_database(
    config: Path | None, data: Path | None, *, untouched: bool = False
) -> Generator[tuple[Database, Settings]]:
    """The database of the configuration, made or brought up to date first. `untouched`: only if it need not be.

    Raises Failure where it cannot be used.
    """
    address, settings = locate_database(config, data) if untouched else _make_database(config, data)
    with Database(address) as database:
        yield database, settings


def _make_database(config: Path | None, data: Path | None) -> tuple[DatabaseAddress, Settings]:
    settings = read_settings(config, data=data).settings
    try:
        address = parse_address(settings.database_url, settings.data)
        if not schema_is_current(address):
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            migrate(address)
    except StoreRefusal as refusal:
        raise Failure(str(refusal)) from None
    return address, settings


@asynccontextmanager
async def open_writer(settings: Settings) -> AsyncGenerator[Writer]:
    """What writes the book, in a life of its own. Raises Failure where the database cannot be used or its disk fails.

    A verb gives no heartbeats: it holds no call, and is done sooner than it could be missed.
    """
    broken: list[Exception] = []
    address = parse_address(settings.database_url, settings.data)
    writer = Writer(address, fold, complete, owner=f"command line, process {os.getpid()}", on_broken=broken.append)
    try:
        writer.start()
    except StoreRefusal as refusal:
        raise Failure(str(refusal)) from None
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)
    if broken:
        raise Failure("The database's disk did not keep what was written: find out why before anything else.")


def load_minter(settings: Settings) -> Minter:
    """What makes keys that the gateway on this database accepts. Raises Failure."""
    try:
        pepper = load_or_create_pepper(settings.data / "key-pepper", settings.keys.pepper)
        claim_pepper(parse_address(settings.database_url, settings.data), fingerprint(pepper))
    except (StoreRefusal, BadSecret) as refusal:
        raise Failure(str(refusal)) from None
    return Minter(pepper=pepper, prefix=settings.keys.prefix)
