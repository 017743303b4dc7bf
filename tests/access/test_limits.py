"""Budgets and open calls as an administrator sets them: kept, shown, in the audit log, and binding the next call."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from tallygate.access import admin
from tallygate.access.limits import RATE_MAX, SLOTS_LIMIT, change_limits, show_limits
from tallygate.errors import Conflict, InvalidValue, NotFound
from tallygate.genai.items import TopUp
from tallygate.genai.results import Held, Refused, Result
from tallygate.ledger.audit import Audit
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger
from tallygate.store.limits import LimitsRow, Owner
from tallygate.store.schema import audit_log, budgets
from tests.fakes.bookkeeper import Tenant, ask, hold, post, settle_in, writing

MINUTE_NS = 60 * 10**9
OWNERS = [Owner("workspace", "acme"), Owner("user", "owner", "acme"), Owner("key", "acme")]


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return settle_in(database)


def change(database: Database, owner: Owner, **changes: Any) -> LimitsRow:
    return change_limits(database, owner, actor="tester", **changes)


def amounts(row: LimitsRow) -> dict[str, int]:
    return {budget.period: budget.limit_nusd for budget in row.budgets}


def last_audit(database: Database) -> tuple[str, str, dict[str, object]]:
    with database.reading() as connection:
        row = connection.execute(select(audit_log).order_by(audit_log.c.seq.desc())).first()
        assert row is not None
        return row.action, row.object_id, msgspec.json.decode(row.detail)


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.level)
def test_budgets_are_made_changed_and_removed(database: Database, tenant: Tenant, owner: Owner) -> None:
    assert show_limits(database, owner).budgets == ()
    made = change(database, owner, budgets_nusd={"daily": 5, "total": 0})
    assert amounts(made) == {"daily": 5, "total": 0}
    assert all(budget.owner_id == made.id and budget.level == owner.level for budget in made.budgets)
    assert all(budget.spent_nusd == budget.held_nusd == 0 for budget in made.budgets)
    changed = change(database, owner, budgets_nusd={"daily": 7, "weekly": 9}, removed=["total"])
    assert amounts(changed) == {"daily": 7, "weekly": 9}
    ids = {budget.period: budget.id for budget in made.budgets}
    assert next(budget.id for budget in changed.budgets if budget.period == "daily") == ids["daily"]
    detail = {"daily_nusd": 7, "weekly_nusd": 9, "total_nusd": None}
    assert last_audit(database) == (f"{owner.level}.limits", changed.id, detail)
    assert amounts(show_limits(database, owner)) == {"daily": 7, "weekly": 9}


def test_a_budget_that_is_not_there_cannot_be_removed_and_nothing_else_changes(
    database: Database, tenant: Tenant
) -> None:
    with pytest.raises(NotFound, match="no daily budget"):
        change(database, OWNERS[0], budgets_nusd={"weekly": 5}, removed=["daily"])
    assert show_limits(database, OWNERS[0]).budgets == ()
    assert last_audit(database)[0] != "workspace.limits"


def test_open_calls_are_limited_for_users_and_keys(database: Database, tenant: Tenant) -> None:
    _, user, key = OWNERS
    assert change(database, user, slots_max=8).slots_max == 8
    assert change(database, user, slots_max=None).slots_max is None
    before = admin.list_keys(database)[0].version
    limited = change(database, key, slots_max=2, shortens=False)
    assert (limited.slots_max, limited.shortens, limited.slots_used) == (2, False, 0)
    assert admin.list_keys(database)[0].version == before + 1
    assert last_audit(database)[2] == {"slots_max": 2, "shortens": 0}


@pytest.mark.parametrize(
    ("owner", "changes", "said"),
    [
        (OWNERS[0], {"slots_max": 3}, "counted for each user"),
        (OWNERS[1], {"shortens": False}, "a key's own"),
        (OWNERS[1], {"slots_max": -1}, "from 0 to 10000"),
        (OWNERS[2], {"slots_max": SLOTS_LIMIT + 1}, "from 0 to 10000"),
        (OWNERS[0], {"budgets_nusd": {"yearly": 5}}, "daily, weekly, monthly, total"),
        (OWNERS[0], {"budgets_nusd": {"daily": -5}}, "0 or more"),
        (OWNERS[0], {"removed": ["yearly"]}, "daily, weekly, monthly, total"),
        (OWNERS[0], {"budgets_nusd": {"daily": 5}, "removed": ["daily"]}, "set and removed at once: daily"),
    ],
)
def test_what_no_limit_can_be_is_refused(
    database: Database, tenant: Tenant, owner: Owner, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidValue, match=said):
        change(database, owner, **changes)


def test_whose_limits_has_to_be_there(database: Database, tenant: Tenant) -> None:
    for owner in (Owner("workspace", "x"), Owner("user", "x", "acme"), Owner("user", "owner"), Owner("key", "x")):
        with pytest.raises(NotFound):
            show_limits(database, owner)


def test_a_revoked_key_keeps_its_limits(database: Database, tenant: Tenant) -> None:
    admin.revoke_key(database, tenant.key_id, actor="tester")
    with pytest.raises(Conflict, match="revoked"):
        change(database, Owner("key", tenant.key_id), budgets_nusd={"daily": 5})
    assert show_limits(database, Owner("key", tenant.key_id)).budgets == ()


def test_a_key_is_made_with_its_limits_or_not_at_all(database: Database) -> None:
    tenant = settle_in(database, budgets_nusd={"monthly": 9}, slots_max=1, shortens=False)
    row = show_limits(database, Owner("key", tenant.key_id))
    assert (amounts(row), row.slots_max, row.shortens) == ({"monthly": 9}, 1, False)
    with pytest.raises(InvalidValue):
        settle_in(database, "other", budgets_nusd={"yearly": 9})
    assert [record.name for record in admin.list_keys(database)] == ["acme"]


def test_a_budget_is_shown_in_the_window_of_now(database: Database, tenant: Tenant) -> None:
    change(database, OWNERS[0], budgets_nusd={"daily": 9})
    with database.writing() as connection:
        connection.execute(update(budgets).values(spent_nusd=4, held_nusd=3, window_start_ns=1))
    (budget,) = show_limits(database, OWNERS[0]).budgets
    assert (budget.spent_nusd, budget.held_nusd) == (0, 3)
    assert budget.window_start_ns > 1


@pytest.mark.anyio
@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.level)
async def test_a_lowered_budget_binds_the_next_call_and_a_removed_one_none(
    address: DatabaseAddress, database: Database, tenant: Tenant, owner: Owner
) -> None:
    change(database, owner, budgets_nusd={"total": 1_000})
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10_000))
        version = admin.list_keys(database)[0].version
        first = await writer.admit(ask(writer, tenant, "h1", 600, key_version=version))
        assert isinstance(first, Held)
        change(database, owner, budgets_nusd={"total": 700})
        version = admin.list_keys(database)[0].version
        refused = await writer.admit(ask(writer, tenant, "h2", 200, key_version=version))
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.level, refused.available_nusd) == ("budget", owner.level, 100)
        change(database, owner, removed=["total"])
        version = admin.list_keys(database)[0].version
        second = await writer.admit(ask(writer, tenant, "h3", 800, key_version=version))
        assert isinstance(second, Held)
        await post(writer, first.hold, 500)
        change(database, owner, budgets_nusd={"total": 50})
        await post(writer, second.hold, 300)
    (budget,) = show_limits(database, owner).budgets
    assert (budget.spent_nusd, budget.held_nusd) == (0, 0)
    with open_ledger(database) as book:
        assert list(Audit(book).run()) == []


@pytest.mark.anyio
async def test_fewer_open_calls_bind_the_next_call(
    address: DatabaseAddress, database: Database, tenant: Tenant
) -> None:
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10_000))
        held = await hold(writer, tenant, "h1", 1)
        change(database, Owner("user", tenant.user_id, tenant.workspace_id), slots_max=1)
        refused = await writer.admit(ask(writer, tenant, "h2", 1))
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.slots_max) == ("slots", 1)
        assert show_limits(database, Owner("key", tenant.key_id)).slots_used == 1
        await post(writer, held, 0)
        await hold(writer, tenant, "h3", 1)


def rates(row: LimitsRow) -> dict[str, int]:
    return {rate.kind: rate.per_minute for rate in row.rates}


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.level)
def test_requests_and_tokens_in_a_minute_are_made_changed_and_taken_away(
    database: Database, tenant: Tenant, owner: Owner
) -> None:
    assert show_limits(database, owner).rates == ()
    made = change(database, owner, rpm=60, tpm=1_000)
    assert rates(made) == {"requests": 60, "tokens": 1_000}
    assert all(rate.owner_id == made.id and rate.level == owner.level for rate in made.rates)
    changed = change(database, owner, rpm=0, tpm=None)
    assert rates(changed) == {"requests": 0}
    assert changed.rates[0].id == made.rates[0].id
    assert last_audit(database) == (f"{owner.level}.limits", changed.id, {"rpm": 0, "tpm": None})
    assert rates(change(database, owner, budgets_nusd={"daily": 5})) == {"requests": 0}
    assert rates(change(database, owner, tpm=None, rpm=None)) == {}


@pytest.mark.parametrize(("name", "limit"), [("rpm", -1), ("tpm", -1), ("rpm", RATE_MAX + 1), ("tpm", RATE_MAX + 1)])
def test_a_number_in_a_minute_is_not_below_zero_nor_beyond_counting(
    database: Database, tenant: Tenant, name: str, limit: int
) -> None:
    with pytest.raises(InvalidValue) as refused:
        change(database, OWNERS[0], **{name: limit})
    assert refused.value.param == name
    assert show_limits(database, OWNERS[0]).rates == ()


@pytest.mark.anyio
@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.level)
async def test_a_limit_binds_the_next_call_and_a_lower_one_keeps_nobody_waiting_for_longer_than_a_minute(
    address: DatabaseAddress, database: Database, tenant: Tenant, owner: Owner
) -> None:
    async with writing(address) as writer:
        await writer.change(TopUp("opening", tenant.workspace_id, 10_000))

        async def admit(name: str) -> Result:
            version = admin.list_keys(database)[0].version
            return await writer.admit(ask(writer, tenant, name, 1, key_version=version, slots_max=99))

        change(database, owner, rpm=1_000)
        assert all([isinstance(await admit(f"h{number}"), Held) for number in range(9)])
        change(database, owner, rpm=2)
        refused = await admit("late")
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.level) == ("rate", owner.level)
        assert refused.wait_ns is not None
        assert refused.wait_ns <= MINUTE_NS // 2
        change(database, owner, rpm=None)
        assert isinstance(await admit("free"), Held)
