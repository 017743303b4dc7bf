"""A ledger that is written while it is audited is clean at every moment somebody looks."""

import asyncio

import pytest

from tallygate.genai.items import TopUp, Void
from tallygate.ledger.audit import Audit
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger
from tallygate.store.writer import Writer
from tests.fakes.bookkeeper import Tenant, hold, post, settle_in, writing

pytestmark = pytest.mark.anyio

CALLERS = 4
AUDITS = 8


async def spend(writer: Writer, tenant: Tenant, caller: int, stop: asyncio.Event) -> int:
    """Calls one after the other, paid, voided and topped up in turn."""
    calls = 0
    while not stop.is_set():
        held = await hold(writer, tenant, f"h{caller}-{calls}", 100)
        if calls % 3:
            await post(writer, held, 20 + caller)
        else:
            await writer.settle(Void(held, held.epoch))
        await writer.change(TopUp(f"t{caller}-{calls}", tenant.workspace_id, 25))
        calls += 1
    return calls


def look(database: Database) -> tuple[list[str], int]:
    with open_ledger(database) as book:
        reading = Audit(book)
        return [str(finding) for finding in reading.run()], reading.counts.transfers


async def test_a_busy_ledger_is_clean(address: DatabaseAddress, database: Database) -> None:
    tenant = settle_in(database, budgets_nusd={"daily": 10**12, "total": 10**12})
    stop = asyncio.Event()
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10_000))
        callers = [asyncio.create_task(spend(writer, tenant, caller, stop)) for caller in range(CALLERS)]
        seen = [await asyncio.to_thread(look, database) for _ in range(AUDITS)]
        stop.set()
        calls = sum(await asyncio.gather(*callers))
    assert [findings for findings, _ in seen] == [[]] * AUDITS
    assert seen[-1][1] > seen[0][1], "nothing was written while the ledger was audited"
    assert look(database) == ([], 1 + 3 * calls)
