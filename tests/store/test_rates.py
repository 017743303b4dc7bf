"""Limits of requests and tokens over several processes: whoever asks, exactly so many pass."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from tallygate.access.limits import change_limits
from tallygate.genai.book import Hold
from tallygate.genai.items import Bound, Settlement, TopUp, Void
from tallygate.genai.results import Held, Refused
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.limits import Owner
from tallygate.store.rates import list_rates, set_rates
from tallygate.store.schema import rates
from tallygate.store.writer import Writer
from tests.fakes.bookkeeper import Tenant, ask, settle_in, writing
from tests.fakes.receipts import DRAFT

pytestmark = pytest.mark.anyio

USER = Owner("user", "owner", "acme")


async def rush(writers: Sequence[Writer], tenant: Tenant, calls: int, **changes: Any) -> list[Hold]:
    """Calls from every writer at once, and those that passed; all others were refused for a rate."""
    asked = [
        writer.admit(ask(writer, tenant, f"h{number}-{place}", 1, slots_max=999, **changes))
        for number in range(calls)
        for place, writer in enumerate(writers)
    ]
    results = await asyncio.gather(*asked)
    refused = [result for result in results if isinstance(result, Refused)]
    assert {result.reason for result in refused} <= {"rate"}
    return [result.hold for result in results if isinstance(result, Held)]


async def test_of_two_processes_together_exactly_the_rate_passes(address: DatabaseAddress, database: Database) -> None:
    tenant = settle_in(database)
    change_limits(database, USER, actor="test", tpm=40)
    async with writing(address) as one, writing(address) as two:
        await one.change(TopUp("opening", tenant.workspace_id, 10**6))
        passed = await rush((one, two), tenant, 15, bound=Bound(1, input_tokens_max=4))
        assert len(passed) == 10
        with database.reading() as connection:
            (rate,) = list_rates(connection, tenant.user_id)
        assert (rate.held_tokens, rate.filled_micro) == (40, 0)
        for held in passed:
            writer = one if held.epoch == one.epoch else two
            await writer.settle(
                Settlement(hold=held, epoch=held.epoch, amount_nusd=1, receipt=DRAFT, input_tokens=1)
                if held.id.startswith("h1")
                else Void(held, held.epoch)
            )
        with database.reading() as connection:
            (rate,) = list_rates(connection, tenant.user_id)
        assert rate.held_tokens == 0
        assert rate.filled_micro <= 10**6 * len([held for held in passed if held.id.startswith("h1")])


async def test_a_change_of_one_kind_leaves_the_other_and_what_is_in_it(
    address: DatabaseAddress, database: Database
) -> None:
    tenant = settle_in(database, rpm=1, tpm=100)
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10**6))
        (held,) = await rush((writer,), tenant, 3, bound=Bound(1, input_tokens_max=30))
    with database.writing() as connection:
        set_rates(connection, "key", tenant.key_id, tenant.workspace_id, {"requests": 5})
        requests, tokens = list_rates(connection, tenant.key_id)
        assert (requests.per_minute, tokens.per_minute, tokens.held_tokens) == (5, 100, 30)
        assert requests.filled_micro == 10**6
        assert set(held.rate_ids) == {requests.id, tokens.id}
        set_rates(connection, "key", tenant.key_id, tenant.workspace_id, {"requests": 0, "tokens": None})
        (requests,) = list_rates(connection, tenant.key_id)
        assert (requests.per_minute, requests.filled_micro) == (0, 0)
        assert connection.execute(select(rates.c.workspace_id)).scalars().all() == [tenant.workspace_id]
