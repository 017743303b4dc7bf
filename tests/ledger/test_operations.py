"""Credit in, credit out and a call's charge back, through the book's writer on both engines."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from tallygate.errors import Conflict, InvalidValue, NotFound, StoreUnavailable
from tallygate.ledger import operations
from tallygate.ledger.audit import Audit
from tallygate.ledger.operations import Movement
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger
from tallygate.store.schema import audit_log, wallets
from tallygate.store.writer import Writer
from tests.fakes.bookkeeper import Tenant, hold, post, settle_in, writing

pytestmark = pytest.mark.anyio

DOLLAR = 10**9

Work = Callable[[Writer], Awaitable[Any]]


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return settle_in(database)


def noted(database: Database) -> list[tuple[str, str, str, dict[str, object]]]:
    """The audit rows about money."""
    with database.reading() as connection:
        rows = connection.execute(
            select(audit_log).where(audit_log.c.action.like("credit.%")).order_by(audit_log.c.seq)
        )
        return [(row.actor, row.action, row.object_id, msgspec.json.decode(row.detail)) for row in rows]


def is_clean(database: Database) -> bool:
    with open_ledger(database) as book:
        return not list(Audit(book).run())


async def add(writer: Writer, database: Database, amount_nusd: int = 10 * DOLLAR, **changes: Any) -> Movement:
    asked: dict[str, Any] = {"workspace": "acme", "movement_id": "bank-1", "actor": "cli", **changes}
    return await operations.add_credit(writer, database, amount_nusd=amount_nusd, **asked)


async def test_credit_is_added_once(address: DatabaseAddress, database: Database, tenant: Tenant) -> None:
    async with writing(address) as writer:
        first = await add(writer, database)
        again = await add(writer, database, workspace=tenant.workspace_id, actor="someone")
        assert (first.repeated, again.repeated) == (False, True)
        assert again.transfer == first.transfer
        assert first.balance.posted_nusd == again.balance.posted_nusd == 10 * DOLLAR
        assert first.balance.topped_up_at_ns == first.transfer.at_ns
    account = f"wallet:{tenant.workspace_id}"
    detail = {"amount_nusd": 10 * DOLLAR, "debit": "payments", "credit": account}
    assert noted(database) == [("cli", "credit.add", "bank-1/topup", detail)]
    assert is_clean(database)


@pytest.mark.parametrize("changes", [{"amount_nusd": 1}, {"source": "promo"}, {"workspace": "other"}])
async def test_an_id_that_stands_for_something_else_is_refused(
    address: DatabaseAddress, database: Database, tenant: Tenant, changes: dict[str, Any]
) -> None:
    settle_in(database, "other")
    async with writing(address) as writer:
        await add(writer, database)
        with pytest.raises(Conflict, match=r"used before .* 10\.00 USD from payments to wallet:ws_\w+\. Nothing"):
            await add(writer, database, **changes)
    assert len(noted(database)) == 1


async def test_a_repetition_writes_an_audit_row_that_is_missing(
    address: DatabaseAddress, database: Database, tenant: Tenant
) -> None:
    async with writing(address) as writer:
        await add(writer, database)
        with database.writing() as connection:
            connection.execute(delete(audit_log))
        await add(writer, database)
    assert [row[2] for row in noted(database)] == ["bank-1/topup"]


async def test_unspent_credit_is_paid_out_but_not_what_is_held(
    address: DatabaseAddress, database: Database, tenant: Tenant
) -> None:
    async def pay_out(amount_nusd: int, movement_id: str) -> Movement:
        return await operations.pay_out(
            writer, database, workspace="acme", amount_nusd=amount_nusd, movement_id=movement_id, actor="cli"
        )

    async with writing(address) as writer:
        await add(writer, database)
        held = await hold(writer, tenant, "h1", 4 * DOLLAR)
        with pytest.raises(Conflict, match=r"7\.00 USD is more than the 6\.00 USD that are neither spent nor held"):
            await pay_out(7 * DOLLAR, "back-1")
        paid = await pay_out(6 * DOLLAR, "back-1")
        assert (paid.balance.posted_nusd, paid.balance.held_nusd) == (4 * DOLLAR, 4 * DOLLAR)
        assert (await pay_out(6 * DOLLAR, "back-1")).repeated
        await post(writer, held, 4 * DOLLAR)
    moved = operations.list_movements(database, tenant.workspace_id)
    assert [(line.kind, line.amount_nusd) for line in moved] == [("payout", 6 * DOLLAR), ("topup", 10 * DOLLAR)]
    assert noted(database)[-1][:3] == ("cli", "credit.payout", "back-1/payout")
    assert is_clean(database)


async def test_refunds_of_a_call_stay_within_its_charge(
    address: DatabaseAddress, database: Database, tenant: Tenant
) -> None:
    async def refund(amount_nusd: int, movement_id: str, call_id: str = "h1") -> Movement:
        return await operations.refund_call(
            writer, database, call_id=call_id, amount_nusd=amount_nusd, movement_id=movement_id, actor="cli"
        )

    async with writing(address) as writer:
        await add(writer, database)
        await post(writer, await hold(writer, tenant, "h1", 4 * DOLLAR), 3 * DOLLAR)
        refunded = await refund(2 * DOLLAR, "sorry-1")
        assert refunded.balance.posted_nusd == 9 * DOLLAR
        assert (await refund(2 * DOLLAR, "sorry-1")).repeated
        with pytest.raises(Conflict, match=r"2\.00 USD is more than the 1\.00 USD that are left of the call's charge"):
            await refund(2 * DOLLAR, "sorry-2")
        await refund(DOLLAR, "sorry-2")
        with pytest.raises(NotFound, match="no call 'h2'"):
            await refund(DOLLAR, "sorry-3", "h2")
    assert operations.list_balances(database)[0].posted_nusd == 10 * DOLLAR
    assert noted(database)[-1][1:3] == ("credit.refund", "sorry-2/refund")
    assert is_clean(database)


@pytest.mark.parametrize("movement_id", ["", "a b", "a/b", "é", "x" * 129])
async def test_an_id_is_short_and_plain(
    address: DatabaseAddress, database: Database, tenant: Tenant, movement_id: str
) -> None:
    async with writing(address) as writer:
        with pytest.raises(InvalidValue, match="An id has"):
            await add(writer, database, movement_id=movement_id)


@pytest.mark.parametrize("amount_nusd", [0, -1, 2**63])
async def test_an_amount_is_above_zero_and_countable(
    address: DatabaseAddress, database: Database, tenant: Tenant, amount_nusd: int
) -> None:
    async with writing(address) as writer:
        with pytest.raises(InvalidValue, match="above 0"):
            await add(writer, database, amount_nusd)
    assert noted(database) == []


async def test_a_database_that_does_not_answer_is_asked_again_with_the_same_id(
    address: DatabaseAddress, database: Database, tenant: Tenant
) -> None:
    async with writing(address) as writer:
        with database.writing() as connection:
            connection.execute(update(wallets).values(held_nusd=0))
            with pytest.raises(StoreUnavailable, match="Ask again with the same id"):
                await add(writer, database)
        await add(writer, database)
    assert operations.list_balances(database)[0].posted_nusd == 10 * DOLLAR
    assert len(noted(database)) == 1


async def test_a_workspace_has_to_be_there(address: DatabaseAddress, database: Database) -> None:
    async with writing(address) as writer:
        with pytest.raises(NotFound, match="no workspace 'acme'"):
            await add(writer, database)


def test_the_last_movements_are_shown_newest_first(database: Database, tenant: Tenant) -> None:
    assert operations.list_movements(database, tenant.workspace_id) == []
    (balance,) = operations.list_balances(database)
    assert (balance.workspace, balance.posted_nusd, balance.held_nusd, balance.topped_up_at_ns) == ("acme", 0, 0, None)
