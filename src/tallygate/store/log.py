"""The log in the database: whose turn it is, what waits for a leaf, the tiles of the tree, checkpoints.

Driver SQL on a connection of the sequencer's own. Every change names the epoch that makes it and the size it builds on,
and is refused if either is out of date, so two sequencers cannot both succeed, whatever they believe. Nothing is hashed
or signed here.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import LiteralString

import msgspec
from msgspec import Struct

from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.book import Broken
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.epochs import locks_folder
from tallygate.store.lock_file import is_abandoned
from tallygate.store.postgresql_array import pack_array
from tallygate.store.refusal import StoreRefusal
from tallygate.store.sqlite_book import classify

_SELECT_TURN: LiteralString = (
    "SELECT logs.size, logs.checkpoint_size, logs.holder, epochs.epoch FROM logs"
    " LEFT JOIN epochs ON epochs.epoch = logs.holder AND epochs.ended_at_ns IS NULL"
    " WHERE logs.origin = ? AND logs.status = 'active'"
)
_TAKE: LiteralString = (
    "UPDATE logs SET holder = ? WHERE origin = ? AND coalesce(holder, '') = ?"
    " AND EXISTS (SELECT 1 FROM epochs WHERE epoch = ? AND ended_at_ns IS NULL) RETURNING size, checkpoint_size"
)
_GROW: LiteralString = (
    "UPDATE logs SET size = ? WHERE origin = ? AND holder = ? AND size = ?"
    " AND EXISTS (SELECT 1 FROM epochs WHERE epoch = holder AND ended_at_ns IS NULL) RETURNING origin"
)
_MARK: LiteralString = (
    "UPDATE logs SET checkpoint_size = ? WHERE origin = ? AND holder = ? AND checkpoint_size < ? AND size >= ?"
    " AND EXISTS (SELECT 1 FROM epochs WHERE epoch = holder AND ended_at_ns IS NULL) RETURNING origin"
)
_PLACE_SQLITE: LiteralString = (
    "UPDATE log_entries SET leaf_index = ? + new.key FROM json_each(?) AS new"
    " WHERE log_entries.seq = new.value AND log_entries.leaf_index IS NULL RETURNING log_entries.seq"
)
_PLACE_POSTGRESQL: LiteralString = (
    "UPDATE log_entries SET leaf_index = ? + new.place - 1 FROM unnest(?::bigint[]) WITH ORDINALITY AS new (seq, place)"
    " WHERE log_entries.seq = new.seq AND log_entries.leaf_index IS NULL RETURNING log_entries.seq"
)
_PUT_TILE: LiteralString = (
    "INSERT INTO log_tiles (log, level, tile_index, hashes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (log, level, tile_index) DO UPDATE SET hashes = excluded.hashes"
)
_CHECKPOINT: LiteralString = "SELECT size, note, at_ns FROM log_checkpoints WHERE log = ?"

_SESSION: tuple[LiteralString, ...] = (
    # A sequencer that is stopped in a transaction must not keep the others from taking over.
    "SET idle_in_transaction_session_timeout TO '5s'",
    "SET lock_timeout TO '2s'",
    # A plan made while the tables were small must not read them whole once they have grown.
    "SET enable_seqscan TO off",
)


class LogMismatch(StoreRefusal):
    """The database holds another log than that of the keys at hand."""


class TurnLost(Exception):
    """Another sequencer has taken the log, or has added to it. Nothing was changed."""


class Head(Struct, frozen=True):
    """How large the tree is, and how much of it the last checkpoint covers."""

    size: int
    checkpoint_size: int


class Waiting(Struct, frozen=True):
    """An entry without a leaf: the number of its row, and its 32 bytes."""

    seq: int
    entry: bytes


class Place(Struct, frozen=True):
    """Where an entry stands: in which log, its 32 bytes, and its leaf; None while it waits for one."""

    log: str
    entry: bytes
    leaf_index: int | None


class Published(Struct, frozen=True):
    """A checkpoint as it was signed, and when that was."""

    size: int
    note: bytes
    at_ns: int


def open_log(address: DatabaseAddress) -> DriverConnection:
    """A connection for one sequencer's thread. Raises DatabaseUnusable, DriverError."""
    connection = DriverConnection(address)
    if connection.engine is Engine.POSTGRESQL:
        for statement in _SESSION:
            connection.fetch(statement)
    return connection


def claim_log(connection: DriverConnection, origin: str, vkey: str, now_ns: int) -> None:
    """Bind the database to its log at the first use, and hold every later start to it. Raises LogMismatch."""
    active: LiteralString = "SELECT origin, vkey FROM logs WHERE status = 'active'"
    found = connection.fetch(active)
    if not found:  # an insert would wait for whoever is changing the row, and that one may be stopped
        connection.fetch(
            "INSERT INTO logs (origin, vkey, status, created_at_ns) VALUES (?, ?, 'active', ?) ON CONFLICT DO NOTHING",
            (origin, vkey, now_ns),
        )
        found = connection.fetch(active)
    ((held, key),) = found
    if (held, key) != (origin, vkey):
        raise LogMismatch(
            f"The keys of receipts do not belong to this database: it holds the log {held}, the keys are for {origin}"
            f"{', and the key is another one' if held == origin else ''}.\nPut back the file of keys that stood in the "
            "data folder when this database was first used, or name another database. All replicas need the same file."
        )


def find_log(address: DatabaseAddress) -> str | None:
    """The origin of the log that a database is bound to. Raises DatabaseUnusable, DriverError."""
    with closing(DriverConnection(address)) as connection:
        found = connection.fetch("SELECT origin FROM logs WHERE status = 'active'")
    return found[0][0] if found else None


def take_turn(connection: DriverConnection, address: DatabaseAddress, origin: str, epoch: str) -> Head | None:
    """Become, or stay, the one who adds to the log. None: somebody else is, and lives, or we do not.

    Who has ended, or was declared dead, has lost it. On SQLite a killed holder is known to be dead at once.
    """
    found = connection.fetch(_SELECT_TURN, (origin,))
    if not found:
        return None
    size, checkpoint_size, holder, living = found[0]
    if holder == epoch:
        return Head(size, checkpoint_size) if living else None
    if living and not (address.engine is Engine.SQLITE and is_abandoned(locks_folder(address) / holder)):
        return None
    taken = connection.fetch(_TAKE, (epoch, origin, holder or "", epoch))
    return Head(*taken[0]) if taken else None


def give_turn(connection: DriverConnection, origin: str, epoch: str) -> None:
    """Let anybody else add to the log."""
    connection.fetch("UPDATE logs SET holder = NULL WHERE origin = ? AND holder = ?", (origin, epoch))


def read_waiting(connection: DriverConnection, origin: str, limit: int) -> list[Waiting]:
    """Entries without a leaf, in the order of their arrival."""
    found = connection.fetch(
        "SELECT seq, entry FROM log_entries WHERE log = ? AND leaf_index IS NULL ORDER BY seq LIMIT ?", (origin, limit)
    )
    return [Waiting(*row) for row in found]


def append(
    connection: DriverConnection,
    origin: str,
    epoch: str,
    size: int,
    seqs: Sequence[int],
    tiles: Mapping[tuple[int, int], bytes],
) -> None:
    """Give the rows their leaves behind the first `size`, and save the tiles that changed, on the disk when it returns.

    Raises TurnLost; DriverError, after which the outcome has to be read; book.Broken.
    """
    place = _PLACE_SQLITE if connection.engine is Engine.SQLITE else _PLACE_POSTGRESQL
    listed = msgspec.json.encode(seqs).decode() if connection.engine is Engine.SQLITE else pack_array(seqs)
    with transaction(connection):
        # First of all: it locks the log's row, and who was slower finds another size behind the lock.
        if not connection.fetch(_GROW, (size + len(seqs), origin, epoch, size)):
            raise TurnLost
        if len(connection.fetch(place, (size, listed))) != len(seqs):
            raise TurnLost
        for (level, index), hashes in tiles.items():
            connection.fetch(_PUT_TILE, (origin, level, index, hashes))


def publish(connection: DriverConnection, origin: str, epoch: str, checkpoint: Published) -> None:
    """Make a signed checkpoint the log's last one. Raises as `append` does."""
    size = checkpoint.size
    with transaction(connection):
        if not connection.fetch(_MARK, (size, origin, epoch, size, size)):
            raise TurnLost
        connection.fetch(
            "INSERT INTO log_checkpoints (log, size, note, at_ns) VALUES (?, ?, ?, ?)",
            (origin, size, checkpoint.note, checkpoint.at_ns),
        )


def read_head(connection: DriverConnection, origin: str) -> Head | None:
    """How far the log is; None where there is none of that origin."""
    found = connection.fetch("SELECT size, checkpoint_size FROM logs WHERE origin = ?", (origin,))
    return Head(*found[0]) if found else None


def read_last_checkpoint(connection: DriverConnection, origin: str) -> Published | None:
    """The largest checkpoint published; None before the first."""
    found = connection.fetch(_CHECKPOINT + " ORDER BY size DESC LIMIT 1", (origin,))
    return Published(*found[0]) if found else None


def read_checkpoint(connection: DriverConnection, origin: str, size: int) -> Published | None:
    """The checkpoint of exactly that size; None where none was published."""
    found = connection.fetch(_CHECKPOINT + " AND size = ?", (origin, size))
    return Published(*found[0]) if found else None


def find_place(connection: DriverConnection, entry_id: str) -> Place | None:
    """Where the entry of a receipt or a statement stands; None where there is none of that id."""
    found = connection.fetch("SELECT log, entry, leaf_index FROM log_entries WHERE id = ?", (entry_id,))
    return Place(*found[0]) if found else None


def read_tile(connection: DriverConnection, origin: str, level: int, index: int) -> bytes:
    """The hashes of a tile; none where there is no such tile."""
    found = connection.fetch(
        "SELECT hashes FROM log_tiles WHERE log = ? AND level = ? AND tile_index = ?", (origin, level, index)
    )
    return found[0][0] if found else b""


def read_entries(connection: DriverConnection, origin: str, first: int, count: int) -> list[bytes]:
    """The entries of leaves, from the first on; as many as are there."""
    found = connection.fetch(
        "SELECT entry FROM log_entries WHERE log = ? AND leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index",
        (origin, first, first + count),
    )
    return [entry for (entry,) in found]


@contextmanager
def transaction(connection: DriverConnection) -> Generator[None]:
    """A transaction that writes: on the disk when the block has ended, undone when it raises.

    Raises DriverError, after which the outcome has to be read, and book.Broken.
    """
    connection.fetch("BEGIN IMMEDIATE" if connection.engine is Engine.SQLITE else "BEGIN")
    try:
        yield
        _commit(connection)
    except BaseException:
        with suppress(DriverError):  # a connection that is gone has rolled back
            connection.fetch("ROLLBACK")
        raise


def _commit(connection: DriverConnection) -> None:
    try:
        connection.fetch("COMMIT")
    except DriverError as error:
        cause = error.__cause__
        if (
            connection.engine is Engine.SQLITE
            and isinstance(cause, Exception)
            and classify(cause, committing=True) is Broken
        ):
            raise Broken(str(error)) from cause
        raise
