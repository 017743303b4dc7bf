"""Wallets and what was paid into them and out of them, for who administers money. Moving it is the book's.

Nothing here changes an amount. The audit row of a movement follows in a transaction of its own, because the movement
itself rides in the book's.
"""

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy import func, literal, literal_column, or_, select

from tallygate.errors import NotFound
from tallygate.genai.book import Hold, Transfer
from tallygate.store.audit import Change, Detail, write_audit
from tallygate.store.book_rows import unpack_hold, unpack_transfer
from tallygate.store.database import Database
from tallygate.store.pages import EVERYTHING, Page, cut
from tallygate.store.schema import audit_log, holds, transfers, wallets, workspaces
from tallygate.store.tenants import find_workspace

# Spelled out, not bound: only so does an engine see that the index of these few lines will do.
_IS_TOPUP = transfers.c.kind == literal_column("'topup'")
_IS_PAYOUT = transfers.c.kind == literal_column("'payout'")


class Balance(Struct, frozen=True):
    """A workspace's wallet: what is posted, what of it is held for open calls, and when it was last topped up."""

    workspace_id: str
    workspace: str
    posted_nusd: int
    held_nusd: int
    topped_up_at_ns: int | None


def list_balances(database: Database, workspace: str | None = None, page: Page = EVERYTHING) -> list[Balance]:
    """The wallet of one workspace, or of all, oldest first. Raises NotFound."""
    with database.reading() as connection:
        account = literal("wallet:").concat(workspaces.c.id)
        topped_up = select(func.max(transfers.c.at_ns)).where(_IS_TOPUP, transfers.c.credit == account)
        columns = (workspaces.c.id, workspaces.c.name, wallets.c.posted_nusd, wallets.c.held_nusd)
        chosen = select(*columns, topped_up.scalar_subquery()).join(wallets, wallets.c.workspace_id == workspaces.c.id)
        if workspace is not None:
            chosen = chosen.where(workspaces.c.id == find_workspace(connection, workspace).id)
        rows = connection.execute(cut(connection, chosen, workspaces, page))
        return [Balance(*row) for row in rows]


def list_movements(database: Database, wallet: str, rows_max: int) -> list[Transfer]:
    """The last top-ups and payouts of a wallet's account, newest first."""
    with database.reading() as connection:
        paid_in = _IS_TOPUP & (transfers.c.credit == wallet)
        paid_out = _IS_PAYOUT & (transfers.c.debit == wallet)
        chosen = select(transfers).where(or_(paid_in, paid_out))
        rows = connection.execute(chosen.order_by(transfers.c.at_ns.desc(), transfers.c.id.desc()).limit(rows_max))
        return list(map(unpack_transfer, rows))


def find_transfer(database: Database, transfer_id: str) -> Transfer | None:
    """The line of this id."""
    with database.reading() as connection:
        row = connection.execute(select(transfers).where(transfers.c.id == transfer_id)).first()
        return None if row is None else unpack_transfer(row)


def find_hold(database: Database, hold_id: str) -> Hold:
    """The hold of a call. Raises NotFound."""
    with database.reading() as connection:
        row = connection.execute(select(holds).where(holds.c.id == hold_id)).first()
        if row is None:
            raise NotFound(f"There is no call {hold_id!r}.")
        return unpack_hold(row)


def note_movement(
    database: Database, change: Change, action: str, transfer: Transfer, workspace_id: str, detail: Mapping[str, Detail]
) -> None:
    """Write the audit row of a movement, unless it has one. Its object is the transfer's id."""
    with database.writing() as connection:
        noted = select(audit_log.c.seq).where(
            audit_log.c.workspace_id == workspace_id,
            audit_log.c.object_id == transfer.id,
            audit_log.c.action == action,
        )
        if connection.execute(noted).first() is None:
            write_audit(connection, change, action, workspace_id=workspace_id, object_id=transfer.id, detail=detail)
