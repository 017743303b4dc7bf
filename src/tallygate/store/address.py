"""Where the database is: `database_url` read into a value that the drivers understand.

SQLite paths follow the usual rule: three slashes and a relative path, or four slashes and an absolute one. A PostgreSQL
address is libpq's connection URI (https://www.postgresql.org/docs/current/libpq-connect.html, section 34.1.1.2) and is
handed on as it stands, so every libpq option works. No connection is opened here.
"""

from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from tallygate.genai.secret import Secret
from tallygate.store.refusal import DatabaseUnusable

FILE_NAME = "tallygate.db"
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


class Engine(Enum):
    """The two engines that carry the same guarantees."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class DatabaseAddress(Struct, frozen=True):
    """One database. `shown` is safe to print; `target` is a file path (SQLite) or a libpq URI with its password."""

    engine: Engine
    target: Secret
    shown: str

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        assert self.engine is Engine.SQLITE
        return Path(self.target.reveal())


def parse_address(database_url: str, data: Path) -> DatabaseAddress:
    """Read the setting `database_url`; empty means the file in the folder `data`. Raises DatabaseUnusable."""
    if not database_url:
        return _sqlite_address(data.expanduser() / FILE_NAME)
    scheme, separator, rest = database_url.partition("://")
    if separator and scheme in _POSTGRESQL:
        uri = f"postgresql://{rest}"
        return DatabaseAddress(Engine.POSTGRESQL, Secret(uri), _without_password(uri))
    if database_url.startswith(_SQLITE):
        name = database_url.removeprefix(_SQLITE)
        if name and not name.startswith(":"):
            return _sqlite_address(Path(name).expanduser())
    # The value is not repeated: it may be a password in the wrong place.
    raise DatabaseUnusable(
        "The setting database_url is not an address this gateway knows. Write sqlite:///relative/path.db, "
        "sqlite:////absolute/path.db or postgresql://user@host/name, or leave it empty for a file in the data folder."
    )


def _sqlite_address(path: Path) -> DatabaseAddress:
    return DatabaseAddress(Engine.SQLITE, Secret(str(path)), str(path))


def _without_password(uri: str) -> str:
    """User, host and name of a libpq URI. A password can also stand in the query, so the query is left out."""
    parts = urlsplit(uri)
    user_info, at, hosts = parts.netloc.rpartition("@")
    return f"postgresql://{user_info.partition(':')[0]}{at}{hosts}{parts.path}"
