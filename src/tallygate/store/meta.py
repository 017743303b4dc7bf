"""The questions of a warm start, in driver SQL: is the schema current, is the pepper the right one, is anybody here.

The table `meta` holds single facts about the whole database. A start that finds everything in order has imported
neither SQLAlchemy nor alembic. Changes of the schema belong to `migrate`.
"""

from collections.abc import Generator
from contextlib import contextmanager

from tallygate.genai.lockset import derive_transfer_id
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.refusal import DatabaseUnusable, PepperMismatch, SchemaNewer

SCHEMA_VERSIONS = ("0001", "0002", "0003", "0004")
"""Every schema this code knows, oldest first: the revisions in `migrations/versions`."""

VERSION_TABLE = "tallygate_schema"
"""Where migrations note the revision. A name of our own: a shared PostgreSQL database may hold somebody's alembic."""

PEPPER_FINGERPRINT = "pepper_fingerprint"


def schema_is_current(address: DatabaseAddress) -> bool:
    """Whether the database has the schema of this code; False calls for `migrate`.

    Raises DatabaseUnusable where it cannot be opened or holds something else, SchemaNewer where a newer gateway has
    written it. An absent SQLite file is simply not current, and is not made.
    """
    if address.engine is Engine.SQLITE and not address.path.exists():
        return False
    with _opened(address) as connection:
        version = _read_version(connection)
    if version is not None and version not in SCHEMA_VERSIONS:
        raise SchemaNewer(
            f"The database {address.shown} has schema {version}, which this version of Tallygate does not know: "
            "a newer one has written it.\nInstall that version again, or restore the backup taken before the upgrade."
        )
    return version == SCHEMA_VERSIONS[-1]


def claim_pepper(address: DatabaseAddress, fingerprint: str) -> None:
    """Bind the database to the pepper at its first use, and hold every later start to it. Raises PepperMismatch."""
    with _opened(address) as connection:
        connection.fetch(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            (PEPPER_FINGERPRINT, fingerprint),
        )
        ((held,),) = connection.fetch("SELECT value FROM meta WHERE name = ?", (PEPPER_FINGERPRINT,))
    if held != fingerprint:
        raise PepperMismatch(
            f"The key pepper does not belong to the database {address.shown}: with another pepper every API key in it "
            "would be refused.\nPut back the file key-pepper that stood in the data folder when this database was "
            "first used (or set TALLYGATE_KEYS__PEPPER to its content), or name another database."
        )


def has_workspace(address: DatabaseAddress) -> bool:
    """Whether any workspace exists; without one this is the first run."""
    with _opened(address) as connection:
        return bool(connection.fetch("SELECT 1 FROM workspaces LIMIT 1"))


def find_uncredited_workspace(address: DatabaseAddress, credit_id: str) -> str | None:
    """The first workspace of all, if the top-up of this id was not made yet."""
    with _opened(address) as connection:
        found = connection.fetch(
            "SELECT id FROM workspaces WHERE NOT EXISTS (SELECT 1 FROM transfers WHERE id = ?)"
            " ORDER BY created_at_ns, id LIMIT 1",
            (derive_transfer_id(credit_id, "topup"),),
        )
    return found[0][0] if found else None


@contextmanager
def _opened(address: DatabaseAddress) -> Generator[DriverConnection]:
    connection = DriverConnection(address)
    try:
        yield connection
    except DriverError as error:
        raise DatabaseUnusable(
            f"The database {address.shown} does not answer as it should: {error}\n"
            "It may be read-only, damaged, full, or not a database of this gateway."
        ) from error
    finally:
        connection.close()


def _read_version(connection: DriverConnection) -> str | None:
    """The revision that migrations have noted, None in a database without any."""
    if connection.engine is Engine.SQLITE:
        found = connection.fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (VERSION_TABLE,))
    else:
        found = connection.fetch("SELECT 1 WHERE to_regclass(?) IS NOT NULL", (VERSION_TABLE,))
    if not found:
        return None
    versions = connection.fetch("SELECT version_num FROM tallygate_schema")
    return versions[0][0] if versions else None
