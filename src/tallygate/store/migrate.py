"""Brings the schema up to this code's version. Imported only when `meta.schema_is_current` has said no.

Migrations are alembic revisions inside the package and run without an ini file. All pending ones share one transaction
(both engines can undo DDL), taken by one process at a time: a second one waits and finds the work done. There is no way
down: an older gateway refuses a newer schema, and a backup is the way back.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tallygate.errors import StoreUnavailable
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.database import LOCK_MIGRATE, Database
from tallygate.store.meta import schema_is_current
from tallygate.store.refusal import DatabaseUnusable

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(address: DatabaseAddress) -> None:
    """Bring an empty or older database up to date; a current one is left as it is.

    Raises DatabaseUnusable, and SchemaNewer for a database that a newer gateway has written; both leave it unchanged.
    """
    if schema_is_current(address):
        return
    try:
        with (
            Database(address, foreign_keys=False) as database,
            database.writing(lock=LOCK_MIGRATE) as connection,
        ):
            command.upgrade(alembic_config(connection), "head")
            if address.engine is Engine.SQLITE and connection.execute(text("PRAGMA foreign_key_check")).all():
                raise DatabaseUnusable(f"The database {address.shown} has rows that refer to rows which do not exist.")
    except (DBAPIError, StoreUnavailable) as error:
        reason = error.__cause__ or error
        if isinstance(reason, DatabaseUnusable):
            raise reason from None
        raise DatabaseUnusable(
            f"The database {address.shown} could not be migrated and was left as it was: {reason}"
        ) from error


def alembic_config(connection: Connection | None = None) -> Config:
    """What alembic needs to know, with the connection that `migrations/env.py` shall use."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
