"""An administrative change as the audit log keeps it, and as the body that enters the transparency log beside it.

The body says all that the row says, and a salt: only its digest is public, and nobody shall find out by guessing what
was done here. Pure; the store writes both, `receipts` holds them to each other.
"""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

CHANGE: Final = "tallygate/audit/1"
STATEMENT: Final = "audit"
"""The kind of statement that such a body is."""

# Text is escaped as RFC 8785 wants it, and ASCII names sort alike by bytes and by UTF-16 units; a test holds the two
# together.
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class AuditRow(Struct, frozen=True):
    """One row. `actor` is `cli`, `system`, `admin` or a user's id, `action` a kind of object, a dot and a verb;
    `detail` is a JSON object of names and settings, never of secrets.
    """

    seq: int
    at_ns: int
    actor: str
    action: str
    workspace_id: str | None
    object_id: str
    detail: str


class ChangeEntry(Struct, frozen=True, kw_only=True):
    """The body. `at_ns` is text, because nanoseconds are more than every reader of JSON keeps; `detail` is the row's
    own text; `workspace` is left out where the change is of none.
    """

    type: Literal["tallygate/audit/1"]
    log: str
    seq: int
    at_ns: str
    actor: str
    action: str
    object: str
    detail: str
    salt: str
    workspace: str | UnsetType = UNSET


def name_statement(seq: int) -> str:
    """What the statement about a row is called."""
    return f"{STATEMENT}_{seq}"


def make_entry(row: AuditRow, log: str, salt: str) -> ChangeEntry:
    """What enters the log about a row. `salt` is hexadecimal, 128 random bits."""
    return ChangeEntry(
        type=CHANGE,
        log=log,
        seq=row.seq,
        at_ns=str(row.at_ns),
        actor=row.actor,
        action=row.action,
        object=row.object_id,
        detail=row.detail,
        salt=salt,
        workspace=UNSET if row.workspace_id is None else row.workspace_id,
    )


def write_entry(entry: ChangeEntry) -> bytes:
    """The body in canonical JSON (RFC 8785)."""
    return _ENCODER.encode(entry)
