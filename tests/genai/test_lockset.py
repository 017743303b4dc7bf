"""A batch names its rows once each and in one order, however its items stand."""

from itertools import permutations

from tallygate.genai.book import Rate, Rows
from tallygate.genai.items import ClaimRequest, LimitChange, Payout, Recovery, Refund, TopUp, Void
from tallygate.genai.lockset import Lockset, derive_transfer_id, name_rows
from tests.fakes.ledger import ask, build_town, hold
from tests.fakes.receipts import DRAFT


def test_the_tables_are_locked_in_the_order_of_the_rows() -> None:
    tables = [name for name in Lockset.__struct_fields__ if not name.endswith("_owners")]
    assert tables == list(Rows.__struct_fields__)


def test_every_order_of_the_items_names_the_same_rows() -> None:
    row = hold(build_town(credit_nusd=1_000), "h1", key_id="k3")
    items = [ask("h2", claim=ClaimRequest("c", b"", 1)), Void(row, "e1"), TopUp("t", "w2", 1), LimitChange("b", 1)]
    expected = Lockset(
        workspaces=("w1",),
        users=("u1", "u2"),
        keys=("k1",),
        wallets=("w1", "w2"),
        budgets=("b",),
        budget_owners=("k1", "u1", "w1"),
        rates=(),
        rate_owners=("k1", "u1", "w1"),
        claims=("c",),
        holds=("h1", "h2"),
        transfers=("t/topup",),
    )
    assert all(name_rows(order) == expected for order in permutations(items))


def test_an_end_names_the_rows_its_hold_was_made_with() -> None:
    shelf = build_town(credit_nusd=1_000)
    shelf.put(Rate(id="r", level="user", owner_id="u1", kind="requests", per_minute=1))
    row = hold(shelf, "h", claim=ClaimRequest("c", b"", 1))
    named = name_rows([Recovery(hold=row, from_epoch="e1", to_epoch="e2", receipt=DRAFT)])
    assert (named.users, named.wallets, named.claims, named.holds) == (("u1",), ("w1",), ("c",), ("h",))
    assert (named.rates, named.rate_owners) == (("r",), ())


def test_money_with_an_id_of_its_own_is_looked_up_by_it() -> None:
    row = hold(build_town(credit_nusd=1_000), "h")
    named = name_rows([Refund("x", row, 1), Payout("x", "w1", 1), TopUp("x", "w1", 1)])
    assert named.transfers == ("x/payout", "x/refund", "x/topup")


def test_the_ids_of_transfers_never_meet() -> None:
    ids = {derive_transfer_id("h", "cost", number) for number in range(3)} | {derive_transfer_id("h", "post")}
    assert ids == {"h/cost", "h/cost/1", "h/cost/2", "h/post"}
