"""Every Book keeps what a fold made: all of it or nothing, once, and behind the database's own walls."""

import threading
from collections.abc import Generator
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from tallygate.genai.book import Answer, Budget, Claim, Hold, Rate, Rows, Transfer, User, Wallet
from tallygate.genai.items import (
    Bound,
    ClaimRequest,
    Cost,
    LimitChange,
    Payout,
    Progress,
    Recovery,
    Refund,
    Settlement,
    TopUp,
    Void,
)
from tallygate.genai.results import Folded, Held, Moved, Noted, Posted, Replay, Voided
from tallygate.ledger.fold import fold
from tallygate.store.address import DatabaseAddress
from tallygate.store.book import Away, Busy, EpochEnded, Walled
from tallygate.store.driver import DriverConnection, DriverError
from tallygate.store.engines import open_book
from tests.fakes.ledger import DAY_NS, NOON_NS, ask
from tests.fakes.receipts import DRAFT
from tests.fakes.twin import EPOCH, Twin, locked_elsewhere

HOSTILE = '\'; DROP TABLE "holds"; -- {NULL,\\x00} %s ? $1 \n\t\u20ac\U0001f600'
"""A text that means something to every layer it passes."""

BUDGETS = (
    Budget(id="b1", level="workspace", owner_id="w1", period="monthly", limit_nusd=8_000),
    Budget(id="b2", level="user", owner_id="u1", period="daily", limit_nusd=5_000),
    Budget(id="b3", level="key", owner_id="k1", period="total", limit_nusd=9_000),
    Budget(id="b4", level="user", owner_id="u3", period="weekly", limit_nusd=900),
)

RATES = (
    Rate(id="r1", level="workspace", owner_id="w1", kind="tokens", per_minute=100_000),
    Rate(id="r2", level="user", owner_id="u1", kind="requests", per_minute=1_000),
    Rate(id="r3", level="key", owner_id="k4", kind="requests", per_minute=60),
)


@pytest.fixture
def twin(address: DatabaseAddress) -> Generator[Twin]:
    with closing(Twin(address, *BUDGETS, *RATES)) as opened:
        yield opened


def open_hold(twin: Twin, hold_id: str = "h1", **changes: Any) -> Hold:
    (result,) = twin.commit(ask(hold_id, **changes))
    assert isinstance(result, Held)
    return result.hold


def settlement(hold: Hold, **changes: Any) -> Settlement:
    return replace(Settlement(hold=hold, epoch=hold.epoch, amount_nusd=60, receipt=DRAFT), **changes)


@pytest.mark.parametrize("wait_ms", [0, 60_000])
def test_every_kind_of_item_leaves_what_it_leaves_in_memory(twin: Twin, wait_ms: int) -> None:
    claim = ClaimRequest("u1/c", bytes(range(32)), DAY_NS)
    first, second, third = twin.commit(
        ask("h1", model=HOSTILE, claim=claim, bound=Bound(100, input_tokens_max=70)),
        ask("h2", key_id="k3"),
        ask("h3", key_id="k2"),
        wait_ms=wait_ms,
    )
    one, two, three = first.hold, second.hold, third.hold
    assert (one.rate_ids, one.rate_tokens, two.rate_ids) == (("r1", "r2"), 70, ("r1",))
    progress = Progress(hold=one, epoch=EPOCH, input_tokens=3, output_tokens=4, amount_nusd=7)
    end = settlement(one, details=HOSTILE, loss_nusd=5, costs=(Cost("lab", 9), Cost("lab", 1)))
    batches = [
        ([progress], Noted),
        ([replace(end, answer=Answer(bytes(32), HOSTILE)), Void(two, EPOCH), ask("h4")], Posted),
        ([Recovery(hold=three, from_epoch=EPOCH, to_epoch="e2", estimate_nusd=30, receipt=DRAFT)], Posted),
        ([ask("h5", claim=claim)], Replay),
        ([Refund("r1", one, 20), Refund("r1", one, 20)], Moved),
        ([TopUp("t1", "w2", 500), Payout("p1", "w1", 50), TopUp("opening", "w1", 10_000, "promo")], Moved),
        ([LimitChange("b4", 1), LimitChange("b9", 1)], object),
    ]
    for items, kind in batches:
        assert isinstance(twin.commit(*items, now_ns=NOON_NS + 1, wait_ms=wait_ms)[0], kind)
    # A week later the claim has ended and every window but the total's is another one.
    late_ns = NOON_NS + 40 * DAY_NS
    (again,) = twin.commit(ask("h5", claim=claim), now_ns=late_ns, wait_ms=wait_ms)
    (voided,) = twin.commit(Void(again.hold, EPOCH), now_ns=late_ns, wait_ms=wait_ms)
    assert isinstance(voided, Voided)
    assert not twin.shelf.tables["claims"]


def test_a_batch_is_as_good_as_its_items(twin: Twin) -> None:
    twin.commit(TopUp("more", "w1", 100_000))
    holds = [result.hold for result in twin.commit(*[ask(f"h{n}", 10, slots_max=64) for n in range(64)])]
    ends = [settlement(hold, amount_nusd=n % 11, details=f'{{"n":{n}}}') for n, hold in enumerate(holds)]
    assert all(isinstance(result, Posted) for result in twin.commit(*ends))


def test_the_largest_amount_fits(twin: Twin) -> None:
    largest = 2**53
    twin.commit(TopUp("rich", "w2", largest))
    open_hold(twin, "h1", key_id="k4", bound=Bound(900))
    assert twin.town.read().wallet("w2").posted_nusd == largest


def test_nothing_is_left_of_what_was_rolled_back(twin: Twin) -> None:
    item = ask("h1")
    fold(twin.load(item).rows, [item], NOON_NS)
    twin.book.rollback()
    twin.book.rollback()
    twin.compare()
    open_hold(twin)


def test_nothing_is_left_of_what_was_not_committed(twin: Twin, address: DatabaseAddress) -> None:
    twin.load(ask("h1"))
    twin.book.close()
    twin.book.close()
    twin.compare()
    twin.book = open_book(address)
    open_hold(twin)


def test_a_closed_book_is_away(twin: Twin) -> None:
    twin.book.close()
    twin.book.rollback()
    twin.book.cut()
    for _ in range(2):
        with pytest.raises(Away):
            twin.load(ask("h1"))


def test_a_cut_from_another_thread_harms_nothing_that_does_not_hang(twin: Twin) -> None:
    thread = threading.Thread(target=twin.book.cut)
    thread.start()
    thread.join()
    try:
        open_hold(twin)
    except Away:  # PostgreSQL: its socket is shut for good
        twin.compare()


def test_a_heartbeat_is_counted_with_the_commit(twin: Twin) -> None:
    twin.load()
    twin.book.commit(Folded((), Rows(), ()), beats=True)
    assert twin.town.beats() == 1
    twin.load()
    twin.book.rollback()
    assert twin.town.beats() == 1


@pytest.mark.parametrize("epoch", ["e1", "never"])
def test_an_epoch_that_has_ended_writes_nothing(twin: Twin, epoch: str) -> None:
    twin.town.end_epoch("e1")
    for _ in range(2):
        with pytest.raises(EpochEnded):
            twin.load(ask("h1"), epoch=epoch)
    twin.town.begin_epochs("e2")
    twin.load(ask("h1"), epoch="e2")


def test_an_epoch_cannot_end_under_a_transaction(twin: Twin, address: DatabaseAddress) -> None:
    twin.load(ask("h1"))
    with closing(DriverConnection(address)) as other:
        other.fetch("PRAGMA busy_timeout=1" if other.engine.value == "sqlite" else "SET lock_timeout TO '1ms'")
        with pytest.raises(DriverError, match="lock"):
            other.fetch("UPDATE epochs SET ended_at_ns = 1")


def test_a_committed_revocation_is_seen(twin: Twin) -> None:
    twin.shelf.put(replace(twin.shelf.tables["keys"]["k1"], status="revoked", version=2))
    twin.town.put(twin.shelf.tables["keys"]["k1"])
    twin.commit(ask("h1"))
    assert not twin.shelf.tables["holds"]


def test_a_lock_that_is_not_let_go_is_busy_and_nothing_more(twin: Twin, address: DatabaseAddress) -> None:
    with locked_elsewhere(address, "wallets", "w1") as other:
        with pytest.raises(Busy):
            twin.load(ask("h1"), wait_ms=1)
        other.fetch("ROLLBACK")
    open_hold(twin)


TRANSFER = Transfer(id="x", kind="topup", debit="payments", credit="wallet:w1", amount_nusd=1, at_ns=1)
HOLD = Hold(
    id="h9",
    workspace_id="w1",
    user_id="u1",
    key_id="k1",
    epoch=EPOCH,
    model="m",
    price_version="p1",
    amount_nusd=10,
    output_tokens_max=0,
    opened_at_ns=1,
)
ENDED = replace(HOLD, state="posted", ended_at_ns=2, sequence=1)


ROWS_THAT_CANNOT_BE = (
    ("users", User("u1", "w1", "active", slots_used=-1)),
    ("wallets", Wallet("w1", posted_nusd=10, held_nusd=11)),
    ("wallets", Wallet("w1", posted_nusd=-1, held_nusd=-1)),
    ("wallets", Wallet("w1", next_sequence=0)),
    ("wallets", Wallet("w1", posted_nusd=2**63)),
    ("budgets", replace(BUDGETS[0], limit_nusd=-1)),
    ("budgets", replace(BUDGETS[0], spent_nusd=-1)),
    ("budgets", replace(BUDGETS[0], held_nusd=-1)),
    ("holds", replace(HOLD, state="gone")),
    ("holds", replace(HOLD, ended_at_ns=1)),
    ("holds", replace(HOLD, state="voided")),
    ("holds", replace(HOLD, sequence=1)),
    ("holds", replace(ENDED, sequence=0)),
    ("holds", replace(HOLD, charged_nusd=11)),
    ("holds", replace(HOLD, charged_nusd=-1)),
    ("holds", replace(HOLD, refunded_nusd=1)),
    ("holds", replace(HOLD, loss_nusd=-1)),
    ("holds", replace(HOLD, progress_nusd=-1)),
    ("holds", replace(HOLD, user_id="u3")),
    ("holds", replace(HOLD, model="\ud800")),
)
LINES_THAT_CANNOT_BE = (
    replace(TRANSFER, kind="gift"),
    replace(TRANSFER, amount_nusd=-1),
    replace(TRANSFER, credit="payments"),
    replace(TRANSFER, id="opening/topup"),
    replace(TRANSFER, id="h1/void", kind="void", hold_id="h1"),
)


def test_the_database_refuses_a_row_that_cannot_be(twin: Twin) -> None:
    for table, row in ROWS_THAT_CANNOT_BE:
        changed: Any = {table: {getattr(row, "id", "w1"): row}}
        with pytest.raises(Walled):
            twin.save(TRANSFER, **changed)
    twin.compare()
    open_hold(twin)


def test_the_database_refuses_a_line_that_cannot_be(twin: Twin) -> None:
    twin.commit(settlement(open_hold(twin)))
    for line in LINES_THAT_CANNOT_BE:
        with pytest.raises(Walled):
            twin.save(line, wallets={"w1": Wallet("w1", 99)})
    twin.compare()


def test_a_row_that_was_not_loaded_is_not_overwritten(twin: Twin) -> None:
    claim = Claim(id="u1/c", request_digest=b"x", hold_id="h1", keep_ns=1)
    first = open_hold(twin, claim=ClaimRequest("u1/c", b"y", 1))
    with pytest.raises(Walled):
        twin.save(claims={claim.id: claim})
    with pytest.raises(Walled):
        twin.save(holds={first.id: first})
    twin.compare()


def test_two_sequences_of_a_wallet_are_never_one(twin: Twin) -> None:
    twin.commit(settlement(open_hold(twin)))
    with pytest.raises(Walled):
        twin.save(holds={ENDED.id: ENDED})


@pytest.mark.parametrize("sql", ["UPDATE transfers SET amount_nusd = 2", "DELETE FROM transfers"])
def test_a_line_of_the_ledger_is_never_changed(twin: Twin, address: DatabaseAddress, sql: Any) -> None:
    with closing(DriverConnection(address)) as other, pytest.raises(DriverError, match="never changed"):
        other.fetch(sql)
    twin.compare()
