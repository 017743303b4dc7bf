"""What is read about money, on both engines: exact sums, nothing of anybody else, pages that join without a seam."""

from collections.abc import Generator

import pytest

from tallygate.access import admin
from tallygate.access.keys import Minter
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.rows import KeyRecord
from tallygate.store.usage import (
    GROUPS,
    Group,
    Scope,
    Span,
    find_account,
    find_call,
    find_key_facts,
    sum_calls,
    sum_key,
)
from tests.fakes.past import Past

MINTER = Minter(b"p" * 32, "lx-")
DAY_NS = 86_400 * 10**9
EVER = Span(0, 2**63 - 1)


@pytest.fixture
def past(address: DatabaseAddress) -> Past:
    return Past(address)


@pytest.fixture
def connection(address: DatabaseAddress) -> Generator[DriverConnection]:
    opened = DriverConnection(address)
    yield opened
    opened.close()


def make_key(database: Database, workspace: str, user: str = "owner", name: str = "") -> KeyRecord:
    if workspace not in {row.name for row in admin.list_workspaces(database)}:
        admin.create_workspace(database, workspace, actor="cli")
    if user not in {row.name for row in admin.list_users(database, workspace)}:
        admin.create_user(database, workspace, user, actor="cli")
    return admin.create_key(database, MINTER, workspace=workspace, user=user, name=name, actor="cli").record


def test_an_account_tells_what_was_funded_and_which_budgets_bind(
    database: Database, connection: DriverConnection, past: Past
) -> None:
    mine, other = make_key(database, "acme"), make_key(database, "rival")
    past.fund(mine.workspace_id, 5_000_000_000)
    past.fund(mine.workspace_id, 2_000_000_000)
    past.fund(mine.workspace_id, 1_000_000_000, kind="payout")
    past.fund(other.workspace_id, 9_000_000_000)
    past.budget(mine.workspace_id, "key", mine.id, 700, spent_nusd=5, held_nusd=6)
    past.budget(mine.workspace_id, "workspace", mine.workspace_id, 900)
    past.budget(other.workspace_id, "workspace", other.workspace_id, 1)
    account = find_account(connection, mine.workspace_id, (mine.workspace_id, mine.user_id, mine.id))
    assert account is not None
    assert (account.posted_nusd, account.held_nusd, account.funded_nusd) == (6_000_000_000, 0, 6_000_000_000)
    assert [(budget.level, budget.limit_nusd, budget.spent_nusd, budget.held_nusd) for budget in account.budgets] == [
        ("workspace", 900, 0, 0),
        ("key", 700, 5, 6),
    ]
    assert find_account(connection, "ws_nobody", ()) is None


def test_a_key_tells_its_facts(database: Database, connection: DriverConnection) -> None:
    record = make_key(database, "acme", "ada", "laptop")
    facts = find_key_facts(connection, record.id)
    assert facts is not None
    assert (facts.name, facts.workspace, facts.user, facts.last4) == ("laptop", "acme", "ada", record.last4)
    assert (facts.permissions, facts.models, facts.shortens) == (tuple(record.permissions), None, True)
    assert find_key_facts(connection, "key_nobody") is None


def test_a_call_is_found_within_its_scope_only(database: Database, connection: DriverConnection, past: Past) -> None:
    mine, sibling, other = make_key(database, "acme"), make_key(database, "acme", "ada"), make_key(database, "rival")
    call_id = past.call(mine, charged_nusd=7, input_tokens=1, output_tokens=2, details='{"status":"ok"}')
    call = find_call(connection, Scope(mine.workspace_id, mine.user_id), call_id)
    assert call is not None
    assert (call.charged_nusd, call.input_tokens, call.output_tokens, call.details) == (7, 1, 2, '{"status":"ok"}')
    assert find_call(connection, Scope(mine.workspace_id), call_id) == call
    for foreign in (Scope(mine.workspace_id, sibling.user_id), Scope(other.workspace_id), Scope("")):
        assert find_call(connection, foreign, call_id) is None


def test_what_the_calls_of_a_key_came_to(database: Database, connection: DriverConnection, past: Past) -> None:
    mine, sibling = make_key(database, "acme"), make_key(database, "acme", "ada")
    past.call(mine, opened_at_ns=DAY_NS, charged_nusd=2**53 + 1)
    past.call(mine, opened_at_ns=2 * DAY_NS, charged_nusd=5, refunded_nusd=2)
    past.call(mine, opened_at_ns=2 * DAY_NS, state="open", amount_nusd=5)
    past.call(sibling, opened_at_ns=DAY_NS, charged_nusd=9)
    since_ns = (0, DAY_NS, DAY_NS + 1, 3 * DAY_NS)
    assert sum_key(connection, mine.workspace_id, mine.id, since_ns) == [2**53 + 4, 2**53 + 4, 3, 0]
    assert sum_key(connection, "ws_nobody", mine.id, (0,)) == [0]


def test_sums_are_exact_and_of_paid_calls_within_the_span(
    database: Database, connection: DriverConnection, past: Past
) -> None:
    mine, other = make_key(database, "acme"), make_key(database, "rival")
    for day in (10, 10, 11):
        past.call(mine, opened_at_ns=day * DAY_NS + 5, charged_nusd=2**53, input_tokens=3, output_tokens=4)
    past.call(mine, opened_at_ns=11 * DAY_NS, charged_nusd=1, refunded_nusd=1, model="n")
    past.call(mine, opened_at_ns=12 * DAY_NS, charged_nusd=1)
    past.call(mine, opened_at_ns=10 * DAY_NS, state="open", amount_nusd=5)
    past.call(mine, opened_at_ns=10 * DAY_NS, state="voided", amount_nusd=5)
    past.call(other, opened_at_ns=10 * DAY_NS, charged_nusd=1)
    rows = sum_calls(
        connection, Scope(mine.workspace_id), Span(10 * DAY_NS, 12 * DAY_NS), ("day", "model"), rows_max=10
    )
    shown = [(row.day, row.model, row.calls, row.input_tokens, row.output_tokens, row.charged_nusd) for row in rows]
    assert shown == [(10, "m", 2, 6, 8, 2**54), (11, "m", 1, 3, 4, 2**53), (11, "n", 1, 0, 0, 1)]
    assert [row.refunded_nusd for row in rows] == [0, 0, 1]
    assert {(row.key_id, row.user_id) for row in rows} == {(None, None)}


def test_keys_and_users_come_with_their_names(database: Database, connection: DriverConnection, past: Past) -> None:
    laptop = make_key(database, "acme", "ada", "laptop")
    past.call(laptop, charged_nusd=1)
    (row,) = sum_calls(connection, Scope(laptop.workspace_id), EVER, ("key", "user"), rows_max=10)
    assert (row.key_id, row.key_name, row.key_last4) == (laptop.id, "laptop", laptop.last4)
    assert (row.user_id, row.user_name, row.day, row.model) == (laptop.user_id, "ada", None, None)


@pytest.mark.parametrize("groups", [GROUPS, ("day",), ("model",), ("key", "user"), ("day", "user")])
def test_pages_join_without_a_seam(
    database: Database, connection: DriverConnection, past: Past, groups: tuple[Group, ...]
) -> None:
    keys = [make_key(database, "acme", user) for user in ("ada", "bob", "Zoë")]
    for number in range(24):
        # Names that a database in some language does not sort as bytes.
        model = ("a-b", "aB", "A c", "ä")[number % 4]
        past.call(keys[number % 3], opened_at_ns=number // 6 * DAY_NS + 1, charged_nusd=number, model=model)
    scope = Scope(keys[0].workspace_id)
    whole = sum_calls(connection, scope, EVER, groups, rows_max=100)
    assert sum(row.calls for row in whole) == 24
    field = {"day": "day", "model": "model", "key": "key_id", "user": "user_id"}
    paged, after = [], ()
    while page := sum_calls(connection, scope, EVER, groups, after=after, rows_max=2):
        paged += page
        after = tuple(getattr(page[-1], field[group]) for group in groups)
    assert paged == whole


def test_a_scope_of_one_user_sums_nobody_else(database: Database, connection: DriverConnection, past: Past) -> None:
    ada, bob = make_key(database, "acme", "ada"), make_key(database, "acme", "bob")
    past.call(ada, charged_nusd=1)
    past.call(bob, charged_nusd=10)
    rows = sum_calls(connection, Scope(ada.workspace_id, ada.user_id), EVER, ("user",), rows_max=9)
    assert [(row.user_name, row.charged_nusd) for row in rows] == [("ada", 1)]
