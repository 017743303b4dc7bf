"""How much is open in the database at this moment, for who watches the gateway: three small reads, each of an index."""

from typing import LiteralString

from msgspec import Struct

from tallygate.store.driver import DriverConnection

_HOLDS: LiteralString = "SELECT count(*) FROM holds WHERE state = 'open'"
_WAITING: LiteralString = "SELECT count(*) FROM log_entries WHERE log = ? AND leaf_index IS NULL"
_SIGNED: LiteralString = "SELECT at_ns FROM log_checkpoints WHERE log = ? ORDER BY size DESC LIMIT 1"


class Gauges(Struct, frozen=True):
    """Calls that hold money, entries of the log without a leaf, and when its last checkpoint was signed (0: never)."""

    holds_open: int
    entries_waiting: int
    signed_at_ns: int


def read_gauges(connection: DriverConnection, origin: str) -> Gauges:
    """The figures of this moment. Raises DriverError."""
    ((holds,),) = connection.fetch(_HOLDS)
    ((waiting,),) = connection.fetch(_WAITING, (origin,))
    signed = connection.fetch(_SIGNED, (origin,))
    return Gauges(holds, waiting, signed[0][0] if signed else 0)
