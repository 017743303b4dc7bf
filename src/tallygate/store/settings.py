"""What an operator may set about the database. Values only: `config` knows where they came from."""

from msgspec import Struct


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database's address. It stands at the top of the configuration, not in a section."""

    database_url: str = ""
    """`sqlite:///path` or `postgresql://user@host/name`. Empty: the file `tallygate.db` in the data folder."""
