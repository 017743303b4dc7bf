"""The way of a verb to a database that it only reads, with what is kept beside it: the log's keys and its mark.

SQLAlchemy is not imported here, so that what asks in driver SQL alone needs no server.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from tallygate.cli.terminal.configuration import read_settings
from tallygate.cli.terminal.failure import Failure
from tallygate.config import Settings
from tallygate.genai.secret import Secret
from tallygate.receipts import high_water, key_file
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.flaw import Flaw
from tallygate.receipts.high_water import BadMark, HighWater
from tallygate.receipts.key_file import BadKeyFile, read_key_file
from tallygate.receipts.key_set import KeySet
from tallygate.receipts.pinned import BadKeySet, read_pinned
from tallygate.store.address import DatabaseAddress, parse_address
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.meta import schema_is_current
from tallygate.store.refusal import StoreRefusal

Keys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="The published key set. [default: receipt-keys.json beside the data]"),
]


UNTRUSTED = "No keys are at hand: the database was believed what it says of the log's key. Give --keys."


class Trusted(Struct, frozen=True):
    """The keys that may have signed the log (None: there are none at hand), how far this machine has signed, and what
    is wrong with the files that say so.
    """

    keys: KeySet | None = None
    mark: Checkpoint | None = None
    flaws: tuple[Flaw, ...] = ()


def locate_database(config: Path | None, data: Path | None) -> tuple[DatabaseAddress, Settings]:
    """The database of the configuration, which is there and up to date. Nothing is made. Raises Failure."""
    settings = read_settings(config, data=data).settings
    try:
        address = parse_address(settings.database_url, settings.data)
        if schema_is_current(address):
            return address, settings
    except StoreRefusal as refusal:
        raise Failure(str(refusal)) from None
    raise Failure(
        f"There is no database of this version of Tallygate at {address.shown}.\n"
        "Check `data` and `database_url`; `tallygate serve` makes a database or brings it up to date."
    )


@contextmanager
def open_reading(address: DatabaseAddress) -> Generator[DriverConnection]:
    """A connection to ask with. Raises Failure where the database cannot be reached or does not answer."""
    try:
        connection = DriverConnection(address)
    except StoreRefusal as refusal:
        raise Failure(str(refusal)) from None
    try:
        yield connection
    except DriverError as error:
        raise Failure(f"The database {address.shown} does not answer as it should: {error}") from None
    finally:
        connection.close()


def read_trusted(data: Path, keys: Path | None) -> Trusted:
    """The keys in a published set, or those of the data folder, and the mark there. Raises Failure for the former.

    To be read before the log: the mark never runs ahead of it.
    """
    if keys is not None:
        return Trusted(_read_published(keys))
    path = data / key_file.FILE_NAME
    if not path.exists():
        return Trusted()
    try:
        own = read_key_file(Secret(path.read_text(encoding="utf-8")))
    except (BadKeyFile, UnicodeDecodeError) as error:
        return Trusted(flaws=(Flaw(str(path), str(error)),))
    try:
        return Trusted(own.public, HighWater(data / high_water.FILE_NAME, own.signer.verifier.vkey).read())
    except BadMark as error:
        return Trusted(own.public, flaws=(Flaw("high-water mark", str(error)),))


def _read_published(path: Path) -> KeySet:
    try:
        return read_pinned(path.read_bytes())
    except BadKeySet as error:
        raise Failure(f"{path} is no set of keys: {error}.", 2) from None
