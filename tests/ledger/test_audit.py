"""The audit on both engines: a sound book is clean, and each kind of damage is named where it was done."""

from collections.abc import Sequence

import pytest
from msgspec import structs
from sqlalchemy import text

from tallygate.genai.book import Budget, Hold, Rate, RateKind
from tallygate.genai.items import Bound, Cost, Payout, Progress, Recovery, Refund, Settlement, TopUp, Void
from tallygate.genai.results import Posted
from tallygate.ledger.audit import Audit, pair
from tallygate.ledger.fold import fold
from tallygate.ledger.windows import DAY_NS
from tallygate.store.address import Engine
from tallygate.store.database import Database
from tallygate.store.ledger import open_ledger
from tests.fakes.ledger import NOON_NS, Shelf, build_town, hold
from tests.fakes.receipts import DRAFT
from tests.fakes.shelving import put_into

HOUR_NS = DAY_NS // 24


def build_book() -> Shelf:
    """Every event there is: h1 paid, h2 paid above its hold and refunded in part, h3 voided, h4 recovered, h5 open."""
    town = build_town(fold, credit_nusd=10_000)
    town.put(Budget(id="b1", level="user", owner_id="u1", period="daily", limit_nusd=5_000))
    town.put(*[Rate(id=name, level="user", owner_id="u1", kind=kind, per_minute=99) for name, kind in RATES.items()])
    town.do(TopUp("bank-1", "w2", 500))
    town.do(Payout("back-1", "w1", 1_000))
    settle(town, hold(town, "h1", 400), 300, costs=(Cost("lab", 90), Cost("farm", 80)))
    settle(town, hold(town, "h2", 400), 450)
    town.do(Refund("sorry-1", town.hold("h2"), 50))
    town.do(Void(hold(town, "h3", 700), "e1"))
    lost = hold(town, "h4", 200)
    town.do(Progress(hold=lost, epoch="e1", input_tokens=1, output_tokens=1, amount_nusd=60))
    town.do(Recovery(hold=lost, from_epoch="e1", to_epoch="e2", estimate_nusd=100, receipt=DRAFT))
    hold(town, "h5", bound=Bound(250, input_tokens_max=30))
    return town


def settle(town: Shelf, open_hold: Hold, amount_nusd: int, now_ns: int = NOON_NS, costs: tuple[Cost, ...] = ()) -> None:
    item = Settlement(hold=open_hold, epoch="e1", amount_nusd=amount_nusd, costs=costs, receipt=DRAFT)
    assert isinstance(town.do(item, now_ns), Posted)


def audit(database: Database) -> list[str]:
    with open_ledger(database) as book:
        return [str(finding) for finding in Audit(book).run()]


def damage(database: Database, *statements: str) -> None:
    """Do what no code of the gateway does: without triggers and, where the engine allows it, without constraints."""
    with database.writing() as connection:
        if database.engine_name is Engine.SQLITE:
            for trigger in ("transfers_refuse_update", "transfers_refuse_delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
            connection.execute(text("DROP INDEX IF EXISTS uq_transfers_end"))
            connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        else:
            connection.execute(text("ALTER TABLE transfers DISABLE TRIGGER ALL"))
            connection.execute(text("DROP INDEX IF EXISTS uq_transfers_end"))
            for table, name in CONSTRAINTS:
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        for statement in statements:
            connection.execute(text(statement))


RATES: dict[str, RateKind] = {"r1": "requests", "r2": "tokens"}
CONSTRAINTS = (
    ("wallets", "ck_wallets_covered"),
    ("budgets", "ck_budgets_amounts"),
    ("rates", "ck_rates_amounts"),
    ("users", "ck_users_slots_used"),
    ("holds", "ck_holds_state"),
    ("holds", "ck_holds_ended"),
    ("holds", "ck_holds_sequence"),
    ("holds", "ck_holds_charged"),
    ("holds", "ck_holds_refunded"),
    ("holds", "ck_holds_amounts"),
    ("transfers", "ck_transfers_kind"),
    ("transfers", "ck_transfers_amount"),
)


def test_a_sound_book_is_clean_and_adds_up(database: Database) -> None:
    put_into(database, build_book())
    with open_ledger(database) as book:
        reading = Audit(book)
        assert list(reading.run()) == []
    assert structs.asdict(reading.counts) == {"wallets": 2, "holds": 5, "open_holds": 1, "transfers": 17}
    assert sum(reading.final_nusd.values()) == sum(reading.pending_nusd.values()) == 0
    assert reading.final_nusd == {
        "promo": -10_000,
        "payments": 500,
        "wallet:w1": 10_000 - 1_000 - 300 - 400 + 50 - 60,
        "wallet:w2": 500,
        "revenue:m": 300 + 450 - 50 + 100,
        "house_loss": -50 - 40,
        "provider_cost:lab": -90,
        "payable:lab": 90,
        "provider_cost:farm": -80,
        "payable:farm": 80,
    } | {"payments": -500 + 1_000}
    assert reading.pending_nusd == {"wallet:w1": -250, "revenue:m": 250}


def test_an_empty_book_is_clean(database: Database) -> None:
    assert audit(database) == []


DAMAGES: dict[str, tuple[str, Sequence[str]]] = {
    "posted": (
        "UPDATE wallets SET posted_nusd = posted_nusd + 1 WHERE workspace_id = 'w2'",
        [
            "wallet w2: posted: expected 0.0000005 USD, found 0.000000501 USD",
            "all accounts: sum: expected 0.00 USD, found 0.000000001 USD",
        ],
    ),
    "held": (
        "UPDATE wallets SET held_nusd = 0 WHERE workspace_id = 'w1'",
        [
            "wallet w1: held: expected 0.00000025 USD, found 0.00 USD",
            "all accounts: pending sum: expected 0.00 USD, found 0.00000025 USD",
        ],
    ),
    "next sequence": (
        "UPDATE wallets SET next_sequence = 9 WHERE workspace_id = 'w1'",
        ["wallet w1: next posting: expected 4, found 9"],
    ),
    "gap": (
        "UPDATE holds SET sequence = 7 WHERE id = 'h4'",
        ["wallet w1: postings 3 to 6: expected one, found none", "wallet w1: next posting: expected 8, found 4"],
    ),
    "slots": ("UPDATE users SET slots_used = 4 WHERE id = 'u1'", ["user u1: slots in use: expected 1, found 4"]),
    "budget held": (
        "UPDATE budgets SET held_nusd = 0",
        ["budget b1: held: expected 0.00000025 USD, found 0.00 USD"],
    ),
    "budget spent": (
        "UPDATE budgets SET spent_nusd = spent_nusd - 1",
        ["budget b1: spent: expected 0.00000076 USD, found 0.000000759 USD"],
    ),
    "rate held": (
        "UPDATE rates SET held_tokens = 31, filled_micro = -1",
        [
            "rate r1: held (tokens): expected 0, found 31",
            "rate r1: what is in it: expected 0 or more, found -1",
            "rate r2: held (tokens): expected 30, found 31",
            "rate r2: what is in it: expected 0 or more, found -1",
        ],
    ),
    "edited line": (
        "UPDATE transfers SET amount_nusd = 299 WHERE id = 'h1/post'",
        [
            "hold h1: amount of its post transfer: expected 0.0000003 USD, found 0.000000299 USD",
            "wallet w1: posted: expected 0.000008291 USD, found 0.00000829 USD",
            "all accounts: sum: expected 0.00 USD, found -0.000000001 USD",
        ],
    ),
    "edited charge": (
        "UPDATE holds SET charged_nusd = 100 WHERE id = 'h1'",
        [
            "hold h1: amount of its post transfer: expected 0.0000001 USD, found 0.0000003 USD",
            "budget b1: spent: expected 0.00000056 USD, found 0.00000076 USD",
        ],
    ),
    "lost end": (
        "DELETE FROM transfers WHERE id = 'h3/void'",
        [
            "hold h3: number of void transfers (voided): expected 1, found 0",
            "all accounts: pending sum: expected 0.00 USD, found 0.0000007 USD",
        ],
    ),
    "second end": (
        "INSERT INTO transfers VALUES ('h3/post', 'post', 'wallet:w1', 'revenue:m', 0, 1, 'h3')",
        [
            "hold h3: number of post transfers (voided): expected 0, found 1",
            f"transfer h3/post: moment (ns): expected {NOON_NS}, found 1",
        ],
    ),
    "end of an open hold": (
        "INSERT INTO transfers VALUES ('h5/void', 'void', 'wallet:w1', 'revenue:m', 0, 1, 'h5')",
        [
            "hold h5: number of void transfers (open): expected 0, found 1",
            "all accounts: pending sum: expected 0.00 USD, found -0.00000025 USD",
        ],
    ),
    "lost hold line": (
        "DELETE FROM transfers WHERE id = 'h5/hold'",
        [
            "hold h5: number of hold transfers (open): expected 1, found 0",
            "all accounts: pending sum: expected 0.00 USD, found -0.00000025 USD",
        ],
    ),
    "lost hold": (
        "DELETE FROM holds WHERE id = 'h3'",
        [
            "transfer h3/hold: its hold h3: expected one, found none",
            "transfer h3/void: its hold h3: expected one, found none",
        ],
    ),
    "lost loss": (
        "DELETE FROM transfers WHERE id = 'h2/loss'",
        ["hold h2: number of loss transfers (posted): expected 1, found 0"],
    ),
    "edited loss": (
        "UPDATE holds SET loss_nusd = 51 WHERE id = 'h2'",
        ["hold h2: amount of its loss transfer: expected 0.000000051 USD, found 0.00000005 USD"],
    ),
    "lost cost": (
        "DELETE FROM transfers WHERE id = 'h1/cost'",
        ["hold h1: transfer h1/cost: expected one, found none"],
    ),
    "refund beyond the charge": (
        "UPDATE holds SET refunded_nusd = 500 WHERE id = 'h2'",
        [
            "hold h2: refunded: expected 0.0000004 USD at most, found 0.0000005 USD",
            "hold h2: sum of its refunds: expected 0.0000005 USD, found 0.00000005 USD",
        ],
    ),
    "charge beyond the hold": (
        "UPDATE holds SET amount_nusd = 200 WHERE id = 'h1'",
        [
            "hold h1: charge: expected 0.0000002 USD at most, found 0.0000003 USD",
            "hold h1: amount of its hold transfer: expected 0.0000002 USD, found 0.0000004 USD",
        ],
    ),
    "wrong account": (
        "UPDATE transfers SET debit = 'wallet:w2' WHERE id = 'h3/hold'",
        ["transfer h3/hold: its debit: expected wallet:w1, found wallet:w2"],
    ),
    "wallet that is not there": (
        "UPDATE transfers SET credit = 'wallet:w3' WHERE id = 'bank-1/topup'",
        [
            "wallet w2: posted: expected 0.00 USD, found 0.0000005 USD",
            "account wallet:w3: its wallet: expected one, found none",
        ],
    ),
    "top-up out of nothing": (
        "UPDATE transfers SET debit = 'house_loss' WHERE id = 'bank-1/topup'",
        ["transfer bank-1/topup: its debit: expected payments or promo, found house_loss"],
    ),
    "payout to nowhere": (
        "UPDATE transfers SET credit = 'promo' WHERE id = 'back-1/payout'",
        ["transfer back-1/payout: its credit: expected payments, found promo"],
    ),
    "line without its hold": (
        "UPDATE transfers SET hold_id = '' WHERE id = 'h1/cost/1'",
        ["transfer h1/cost/1: the hold of this cost: expected named, found not named"],
    ),
    "wrong id": (
        "UPDATE transfers SET id = 'x/void' WHERE id = 'h3/void'",
        ["transfer x/void: id: expected h3/void, found x/void"],
    ),
    "top-up that names a hold": (
        "UPDATE transfers SET hold_id = 'h1' WHERE id = 'bank-1/topup'",
        ["transfer bank-1/topup: hold: expected none, found h1"],
    ),
    "top-up under a payout's id": (
        "UPDATE transfers SET id = 'bank-1/payout' WHERE id = 'bank-1/topup'",
        ["transfer bank-1/payout: id: expected …/topup, found bank-1/payout"],
    ),
    "top-up of no wallet": (
        "UPDATE transfers SET credit = 'revenue:m' WHERE id = 'bank-1/topup'",
        [
            "transfer bank-1/topup: its credit: expected a wallet, found revenue:m",
            "wallet w2: posted: expected 0.00 USD, found 0.0000005 USD",
            "all accounts: sum: expected 0.00 USD, found 0.0000005 USD",
        ],
    ),
    "cost of a call that was never sent": (
        "INSERT INTO transfers VALUES ('h3/cost', 'cost', 'provider_cost:lab', 'payable:lab', 5, 1, 'h3')",
        ["hold h3: number of cost transfers (voided): expected 0, found 1"],
    ),
    "cost owed to another": (
        "UPDATE transfers SET credit = 'payable:farm' WHERE id = 'h1/cost'",
        ["transfer h1/cost: its credit: expected payable:lab, found payable:farm"],
    ),
    "refund out of nothing": (
        "UPDATE transfers SET debit = 'promo' WHERE id = 'sorry-1/refund'",
        ["transfer sorry-1/refund: its debit: expected revenue:m, found promo"],
    ),
    "numbered void": (
        "UPDATE holds SET sequence = 4 WHERE id = 'h3'",
        [
            "hold h3: sequence (voided): expected 0, found 4",
            "wallet w1: next posting: expected 5, found 4",
        ],
    ),
    "gap of one": (
        "UPDATE holds SET sequence = 4 WHERE id = 'h4'",
        ["wallet w1: posting 3: expected one, found none", "wallet w1: next posting: expected 5, found 4"],
    ),
    "moved moment": (
        "UPDATE transfers SET at_ns = 7 WHERE id = 'h3/void'",
        [f"transfer h3/void: moment (ns): expected {NOON_NS}, found 7"],
    ),
    "dead owner": (
        "UPDATE epochs SET ended_at_ns = 5 WHERE epoch = 'e1'",
        ["hold h5: its owner: expected alive, found e1, which has ended"],
    ),
    "unknown owner": ("DELETE FROM epochs", ["hold h5: its owner: expected alive, found e1, which has ended"]),
    "reopened": (
        "UPDATE holds SET state = 'open' WHERE id = 'h3'",
        [
            f"hold h3: moment of its end (open): expected none, found {NOON_NS}",
            "hold h3: number of void transfers (open): expected 0, found 1",
            "wallet w1: held: expected 0.00000095 USD, found 0.00000025 USD",
            "user u1: slots in use: expected 2, found 1",
            "budget b1: held: expected 0.00000095 USD, found 0.00000025 USD",
        ],
    ),
    "unknown state": (
        "UPDATE holds SET state = 'lost' WHERE id = 'h3'",
        ["hold h3: state: expected open, posted, voided, found 'lost'"],
    ),
    "overdrawn": (
        "UPDATE wallets SET held_nusd = 600 WHERE workspace_id = 'w2'",
        [
            "wallet w2: held: expected 0.00 USD, found 0.0000006 USD",
            "wallet w2: held: expected 0 at least and posted at most, found 0.0000006 USD of 0.0000005 USD",
            "all accounts: pending sum: expected 0.00 USD, found -0.0000006 USD",
        ],
    ),
    "negative amount": (
        "UPDATE transfers SET amount_nusd = -80 WHERE id = 'h1/cost/1'",
        ["transfer h1/cost/1: amount (nano-USD): expected a whole number from 0, found -80"],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(database: Database, name: str) -> None:
    statement, expected = DAMAGES[name]
    put_into(database, build_book())
    damage(database, statement)
    assert audit(database) == list(expected)


def test_a_posting_that_is_there_twice_is_named(database: Database) -> None:
    put_into(database, build_book())
    damage(database, "DROP INDEX uq_holds_sequence", "UPDATE holds SET sequence = 2 WHERE id = 'h4'")
    assert audit(database) == [
        "wallet w1: posting 2: expected once, found again",
        "wallet w1: next posting: expected 3, found 4",
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("value", ["1.5", "'much'"])
def test_an_amount_that_is_no_whole_number_is_named(database: Database, value: str) -> None:
    """SQLite alone keeps anything in any column."""
    put_into(database, build_book())
    damage(database, f"UPDATE holds SET charged_nusd = {value} WHERE id = 'h1'")
    assert f"hold h1: charged_nusd: expected a whole number from 0, found {value}" in audit(database)


def test_what_ended_shortly_before_a_window_may_count_in_it(database: Database) -> None:
    town = build_town(credit_nusd=10_000)
    town.put(Budget(id="b1", level="user", owner_id="u1", period="daily", limit_nusd=5_000))
    midnight_ns = NOON_NS + 12 * HOUR_NS
    early, late, past = (hold(town, name, 100) for name in ("early", "late", "past"))
    settle(town, past, 1, midnight_ns - 2 * HOUR_NS)
    settle(town, late, 10, midnight_ns)
    settle(town, early, 20, midnight_ns - 1)
    put_into(database, town)
    assert audit(database) == []
    damage(database, "UPDATE budgets SET spent_nusd = 31")
    assert audit(database) == ["budget b1: spent: expected 0.00000001 USD to 0.00000003 USD, found 0.000000031 USD"]


def test_a_removed_budget_is_not_missed(database: Database) -> None:
    put_into(database, build_book())
    damage(database, "DELETE FROM budgets")
    assert audit(database) == []


def test_a_reading_sees_one_moment(database: Database) -> None:
    put_into(database, build_book())
    with open_ledger(database) as book:
        run = Audit(book).run()
        budgets = list(book.budgets())
        with database.writing() as connection:
            connection.execute(text("UPDATE wallets SET posted_nusd = 7 WHERE workspace_id = 'w2'"))
        assert budgets
        assert list(run) == []
    assert len(audit(database)) == 2


def test_holds_and_lines_meet_by_id() -> None:
    town = build_book()
    rows = sorted(town.tables["holds"].values(), key=lambda row: row.id)
    lines = sorted((line for line in town.transfers.values() if line.hold_id), key=lambda line: (line.hold_id, line.id))
    met = {hold_id: (row, [line.id for line in found]) for hold_id, row, found in pair(iter(rows[1:4]), iter(lines))}
    assert [hold_id for hold_id, (row, _) in met.items() if row is None] == ["h1", "h5"]
    assert met["h3"][1] == ["h3/hold", "h3/void"]
    assert [found for _, _, found in pair(iter(rows), iter([]))] == [[]] * 5
