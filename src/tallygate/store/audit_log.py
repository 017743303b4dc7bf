"""Reads the audit log: pages of rows in the order they were written, of those that are asked for.

The rows are written in `audit`. Nothing here changes one, and nothing anywhere deletes one.
"""

from msgspec import Struct
from sqlalchemy import Select, select

from tallygate.genai.audit_row import AuditRow
from tallygate.store.database import Database
from tallygate.store.schema import audit_log
from tallygate.store.tenants import find_workspace


class Wanted(Struct, frozen=True, kw_only=True):
    """Which rows: of a workspace (name or id), an actor, an action (`key.revoke`, or `key` for all that is done to
    keys), from one moment up to, but not at, another. None: all.
    """

    workspace: str | None = None
    actor: str | None = None
    action: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


def list_changes(database: Database, wanted: Wanted, after_seq: int, rows_max: int) -> list[AuditRow]:
    """At most so many rows behind a number, the oldest first. Raises NotFound for a workspace that is not there."""
    columns = [audit_log.c[name] for name in AuditRow.__struct_fields__]
    with database.reading() as connection:
        chosen = _choose(select(*columns).where(audit_log.c.seq > after_seq), wanted)
        if wanted.workspace is not None:
            chosen = chosen.where(audit_log.c.workspace_id == find_workspace(connection, wanted.workspace).id)
        rows = connection.execute(chosen.order_by(audit_log.c.seq).limit(rows_max))
        return [AuditRow(*row) for row in rows]


def _choose(chosen: "Select[*tuple[object, ...]]", wanted: Wanted) -> "Select[*tuple[object, ...]]":
    if wanted.actor is not None:
        chosen = chosen.where(audit_log.c.actor == wanted.actor)
    if wanted.action is not None:
        of_kind = audit_log.c.action.startswith(f"{wanted.action}.", autoescape=True)
        chosen = chosen.where((audit_log.c.action == wanted.action) | of_kind)
    if wanted.from_ns is not None:
        chosen = chosen.where(audit_log.c.at_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        chosen = chosen.where(audit_log.c.at_ns < wanted.to_ns)
    return chosen
