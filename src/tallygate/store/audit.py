"""Writes the row that every administrative change leaves behind, in the change's own transaction.

A change without its row, or a row without its change, cannot be committed. Details are names and settings, never a key,
a digest or any other secret. Reading and delivering the log belongs to `events`.
"""

import secrets
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, insert

from tallygate.store.schema import audit_log

Detail = str | int | None | list[str]


class Change(Struct, frozen=True):
    """Who changes something, and when: `actor` is `cli`, `system`, `admin` or a user's id."""

    actor: str
    at_ns: int


def write_audit(
    connection: Connection,
    change: Change,
    action: str,
    *,
    workspace_id: str | None,
    object_id: str,
    detail: Mapping[str, Detail],
) -> None:
    """Note one change. `action` is the kind of object, a dot and a verb: `key.revoke`."""
    connection.execute(
        insert(audit_log).values(
            at_ns=change.at_ns,
            actor=change.actor,
            action=action,
            workspace_id=workspace_id,
            object_id=object_id,
            detail=msgspec.json.encode(detail, order="sorted").decode(),
        )
    )


def new_id(prefix: str) -> str:
    """An id nobody can guess: the prefix and 128 random bits in hexadecimal."""
    return prefix + secrets.token_hex(16)
