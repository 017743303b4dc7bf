"""A batch is its items in order: each sees what the earlier ones left, and succeeds or fails alone."""

from tallygate.genai.book import Rows
from tallygate.genai.items import Settlement, TopUp, Void
from tallygate.genai.results import Folded, Held, Posted, Refused
from tallygate.ledger.fold import fold
from tests.fakes.ledger import NOON_NS, ask, build_town, hold
from tests.fakes.receipts import DRAFT


def test_an_empty_batch_comes_to_nothing() -> None:
    assert fold(Rows(), [], NOON_NS) == Folded((), Rows(), ())


def test_an_item_sees_what_the_earlier_ones_left() -> None:
    shelf = build_town(credit_nusd=100)
    row = hold(shelf, "h1", 100)
    early, _, late = shelf.commit(
        [ask("h2", 60), Settlement(hold=row, epoch="e1", amount_nusd=40, receipt=DRAFT), ask("h3", 60)]
    ).results
    assert isinstance(early, Refused)
    assert isinstance(late, Held)


def test_a_refused_item_takes_nothing_from_its_neighbours() -> None:
    shelf = build_town(credit_nusd=100)
    folded = shelf.commit([ask("h1", 60), ask("h2", 60), ask("h3", 40), TopUp("t", "nowhere", 1)])
    assert [isinstance(result, Held) for result in folded.results] == [True, False, True, False]
    assert set(folded.changed.holds) == {"h1", "h3"}
    assert [line.id for line in folded.transfers] == ["h1/hold", "h3/hold"]


def test_a_row_is_written_once_as_the_last_item_left_it() -> None:
    shelf = build_town(credit_nusd=1_000)
    folded = shelf.commit([ask(f"h{number}", 10) for number in range(4)])
    assert folded.changed.wallets["w1"].held_nusd == 40
    assert folded.changed.users["u1"].slots_used == 4
    assert not folded.changed.keys
    assert not folded.changed.workspaces


def test_rows_are_left_as_they_were() -> None:
    shelf = build_town(credit_nusd=1_000)
    items = [ask("h1", 10), ask("h2", 2_000)]
    rows = shelf.load(items)
    before = Rows(**{name: dict(getattr(rows, name)) for name in Rows.__struct_fields__})
    assert fold(rows, items, NOON_NS) == fold(rows, items, NOON_NS)
    assert rows == before


def test_many_worst_cases_at_once_pass_exactly_while_there_is_money() -> None:
    shelf = build_town(credit_nusd=10 * 7)
    results = shelf.commit([ask(f"h{number}", 7, slots_max=200) for number in range(200)]).results
    assert sum(isinstance(result, Held) for result in results) == 10
    ends = [Void(result.hold, "e1") for result in results if isinstance(result, Held)]
    shelf.commit(ends)
    assert shelf.wallet().held_nusd == shelf.user().slots_used == 0


def test_a_call_may_begin_and_end_in_one_batch() -> None:
    row = hold(build_town(credit_nusd=100), "h")
    shelf = build_town(credit_nusd=100)
    first, second = shelf.commit([ask("h"), Settlement(hold=row, epoch="e1", amount_nusd=1, receipt=DRAFT)]).results
    assert isinstance(first, Held)
    assert isinstance(second, Posted)
