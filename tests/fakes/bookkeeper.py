"""The writer of the book on a test database, for the length of a block, and a tenant with a key to spend."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from tallygate.access.admin import create_key, create_workspace
from tallygate.access.keys import Minter
from tallygate.genai.book import Hold
from tallygate.genai.items import Admission, Bound, Settlement
from tallygate.genai.results import Held, Posted
from tallygate.ledger.fold import fold
from tallygate.receipts.receipt import complete
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.writer import Writer
from tests.fakes.receipts import DRAFT

MINTER = Minter(pepper=b"p" * 32, prefix="lx-")


class Tenant(Struct, frozen=True):
    """Ids of a workspace, its first user and a key."""

    workspace_id: str
    user_id: str
    key_id: str


def settle_in(database: Database, name: str = "acme", **limits: Any) -> Tenant:
    """A new workspace with a key that has these limits."""
    workspace = create_workspace(database, name, actor="test")
    created = create_key(database, MINTER, workspace=name, actor="test", name=name, **limits)
    return Tenant(workspace.id, created.record.user_id, created.record.id)


@asynccontextmanager
async def writing(address: DatabaseAddress) -> AsyncGenerator[Writer]:
    """A writer that works until the block ends. A disk that breaks fails the test."""
    broken: list[Exception] = []
    writer = Writer(address, fold, complete, owner="test", on_broken=broken.append)
    writer.start()
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)
    assert broken == []


def ask(writer: Writer, tenant: Tenant, hold_id: str, amount_nusd: int, **changes: Any) -> Admission:
    """An admission that holds `amount_nusd`."""
    fields: dict[str, Any] = {
        "hold_id": hold_id,
        "epoch": writer.epoch,
        "workspace_id": tenant.workspace_id,
        "user_id": tenant.user_id,
        "key_id": tenant.key_id,
        "key_version": 1,
        "model": "m",
        "price_version": "p1",
        "bound": Bound(amount_nusd),
    }
    return Admission(**{**fields, **changes})


async def hold(writer: Writer, tenant: Tenant, hold_id: str, amount_nusd: int) -> Hold:
    """An open hold."""
    result = await writer.admit(ask(writer, tenant, hold_id, amount_nusd))
    assert isinstance(result, Held), result
    return result.hold


async def post(writer: Writer, held: Hold, amount_nusd: int) -> Hold:
    """The hold, paid."""
    result = await writer.settle(Settlement(hold=held, epoch=held.epoch, amount_nusd=amount_nusd, receipt=DRAFT))
    assert isinstance(result, Posted), result
    return result.hold
