"""What dead processes and time leave behind: open holds that nobody works for, and claims that have run out.

Read and removed in bites, so that nothing is ever whole in memory and no lock is held for long. How a hold ends is not
decided here.
"""

from typing import LiteralString

from msgspec import Struct

from tallygate.genai.book import Hold
from tallygate.store.address import Engine
from tallygate.store.book_rows import unpack_hold
from tallygate.store.driver import DriverConnection

_SELECT: LiteralString = (
    "SELECT id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd, output_tokens_max,"
    " opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd, refunded_nusd, sequence,"
    " input_tokens, output_tokens, progress_nusd, details, rate_ids, rate_tokens FROM holds"
)
_DROP_CLAIMS: LiteralString = (
    "DELETE FROM claims WHERE id IN (SELECT id FROM claims WHERE ends_at_ns <= ? ORDER BY ends_at_ns LIMIT ?{})"
    " RETURNING answer_object"
)


class Dropped(Struct, frozen=True):
    """Claims that were removed, and the names of the objects that held their answers."""

    count: int
    objects: tuple[str, ...]


def list_ended_owners(connection: DriverConnection) -> list[str]:
    """Epochs that own an open hold and have ended, or were never there."""
    found = connection.fetch(
        "SELECT DISTINCT h.epoch FROM holds h LEFT JOIN epochs e ON e.epoch = h.epoch"
        " WHERE h.state = 'open' AND (e.epoch IS NULL OR e.ended_at_ns IS NOT NULL)"
    )
    return [epoch for (epoch,) in found]


def read_open(connection: DriverConnection, epoch: str, after_id: str, limit: int) -> list[Hold]:
    """The next open holds of an epoch, by id."""
    found = connection.fetch(
        _SELECT + " WHERE state = 'open' AND epoch = ? AND id > ? ORDER BY id LIMIT ?",
        (epoch, after_id, limit),
    )
    return [unpack_hold(row) for row in found]


def list_open(connection: DriverConnection, epoch: str, after_id: str, limit: int) -> list[str]:
    """The ids of the next open holds of an epoch."""
    found = connection.fetch(
        "SELECT id FROM holds WHERE state = 'open' AND epoch = ? AND id > ? ORDER BY id LIMIT ?",
        (epoch, after_id, limit),
    )
    return [hold_id for (hold_id,) in found]


def read_hold(connection: DriverConnection, hold_id: str) -> Hold | None:
    """One hold, None if there is none."""
    found = connection.fetch(_SELECT + " WHERE id = ?", (hold_id,))
    return unpack_hold(found[0]) if found else None


def drop_claims(connection: DriverConnection, now_ns: int, limit: int) -> Dropped:
    """Remove some of the claims whose time is over. One that a call is just using is left for the next time."""
    skip: LiteralString = " FOR UPDATE SKIP LOCKED" if connection.engine is Engine.POSTGRESQL else ""
    gone = connection.fetch(_DROP_CLAIMS.format(skip), (now_ns, limit))
    return Dropped(len(gone), tuple(name for (name,) in gone if name is not None))
