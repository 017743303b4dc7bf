"""Writes the row that every administrative change leaves behind, and its entry in the transparency log, both in the
change's own transaction.

A change without its row, or a row without its change, cannot be committed; a row that is changed or removed later no
longer fits its entry. Details are names and settings, never a key, a digest or any other secret. Reading and delivering
them belongs to `events`.
"""

import secrets
from collections.abc import Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, insert, select

from tallygate.genai.audit_row import STATEMENT, AuditRow, make_entry, name_statement, write_entry
from tallygate.store.database import Database
from tallygate.store.log_schema import log_entries, log_statements, logs
from tallygate.store.log_statements import make_salt
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
    text = msgspec.json.encode(detail, order="sorted").decode()
    values = (change.at_ns, change.actor, action, workspace_id, object_id, text)
    columns = ("at_ns", "actor", "action", "workspace_id", "object_id", "detail")
    adding = insert(audit_log).values(dict(zip(columns, values, strict=True))).returning(audit_log.c.seq)
    row = AuditRow(connection.execute(adding).scalar_one(), *values)
    log = connection.execute(select(logs.c.origin).where(logs.c.status == "active")).scalar()
    # Before a gateway has first started there is no log; its sequencer enters what was done until then.
    if log is not None:
        _enter(connection, row, log)


def note_change(database: Database, change: Change, action: str, object_id: str, detail: Mapping[str, Detail]) -> None:
    """Note a change that is not one of the database, and of no workspace."""
    with database.writing() as connection:
        write_audit(connection, change, action, workspace_id=None, object_id=object_id, detail=detail)


def _enter(connection: Connection, row: AuditRow, log: str) -> None:
    body = write_entry(make_entry(row, log, make_salt()))
    statement_id = name_statement(row.seq)
    connection.execute(insert(log_statements).values(id=statement_id, kind=STATEMENT, body=body, at_ns=row.at_ns))
    connection.execute(insert(log_entries).values(id=statement_id, log=log, entry=sha256(body).digest()))


def new_id(prefix: str) -> str:
    """An id nobody can guess: the prefix and 128 random bits in hexadecimal."""
    return prefix + secrets.token_hex(16)
