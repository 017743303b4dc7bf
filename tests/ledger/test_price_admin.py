"""Setting and importing prices: checked before they are kept, named by what they say, and never changed."""

import time

import pytest
from msgspec.structs import replace

from tallygate.errors import Conflict, InvalidValue
from tallygate.genai.price_row import PriceRow
from tallygate.ledger.price_admin import find_current, import_prices, list_rows, set_price
from tallygate.ledger.price_rows import read_row
from tallygate.ledger.prices import Price, Rates, name_version
from tallygate.store.database import Database

COST = Price(kind="cost", name="lab/m", rates=Rates(input=1_000_000, output=2_000_000))


def test_a_price_is_set_from_now_on(database: Database) -> None:
    before_ns = time.time_ns()
    done = set_price(database, "sale", "m", {"input": "3.00", "output": "15.00"}, actor="cli")
    assert before_ns <= done.row.effective_from_ns <= time.time_ns()
    assert done.added
    assert [row.version for row in list_rows(database)] == [done.row.version] == [name_version(done.price)]
    assert done.price.rates == Rates(input=3_000_000, output=15_000_000)


def test_the_same_price_from_the_same_moment_is_set_once(database: Database) -> None:
    terms = {"input": "3.00", "output": "15"}
    assert set_price(database, "sale", "m", terms, effective_from_ns=9, actor="cli").added
    assert not set_price(database, "sale", "m", {**terms, "output": "15.0"}, effective_from_ns=9, actor="cli").added
    set_price(database, "sale", "m", "free", effective_from_ns=9, actor="cli")
    with pytest.raises(Conflict):
        set_price(database, "sale", "m", terms, effective_from_ns=9, actor="cli")


def test_a_factor_alone_is_kept_as_what_it_comes_to(database: Database) -> None:
    done = set_price(database, "sale", "m", {"factor": "0.1"}, listed=COST, actor="cli")
    assert done.row.terms == '{"input":"0.10","output":"0.20"}'
    with pytest.raises(InvalidValue, match="no list price to multiply"):
        set_price(database, "sale", "m", {"factor": "0.1"}, actor="cli")


@pytest.mark.parametrize(
    ("kind", "name", "terms", "from_ns", "says"),
    [
        ("sale", "m", {"input": 3.0}, 0, "as text"),
        ("sale", "m", {"inptu": "3.0"}, 0, "inptu"),
        ("sale", "m", {}, 0, "at least one part"),
        ("sale", "m", "cheap", 0, "free"),
        ("sale", "", "free", 0, "1 to 256"),
        ("sale", "m ", "free", 0, "printable"),
        ("sale", "m" * 257, "free", 0, "1 to 256"),
        ("cost", "m", "free", 0, "provider/model"),
        ("cost", "lab/", "free", 0, "provider/model"),
        ("sale", "m", "free", -1, "1970"),
        ("sale", "m", "free", 2**63, "2262"),
    ],
)
def test_what_is_no_price_is_not_kept(
    database: Database, kind: str, name: str, terms: object, from_ns: int, says: str
) -> None:
    with pytest.raises(InvalidValue, match=says):
        set_price(database, kind, name, terms, effective_from_ns=from_ns, actor="cli")  # pyright: ignore[reportArgumentType]
    assert list_rows(database) == []


def test_a_list_can_be_imported_again(database: Database) -> None:
    other = replace(COST, name="lab/n")
    first = import_prices(database, [COST, other, COST], source="list.json", actor="cli")
    assert (len(first.added), first.unchanged) == (2, 0)
    again = import_prices(database, [COST, other], source="list.json", actor="cli")
    assert (again.added, again.unchanged) == ((), 2)
    dearer = replace(other, rates=Rates(input=5_000_000, output=5_000_000))
    tried = import_prices(database, [COST, dearer], source="list.json", actor="cli", dry_run=True)
    assert ([row.name for row in tried.added], tried.unchanged) == (["lab/n"], 1)
    assert len(list_rows(database)) == 2
    import_prices(database, [COST, dearer], source="list.json", actor="cli")
    current = find_current(list_rows(database), time.time_ns())
    assert read_row(current["cost", "lab/n"]).rates == dearer.rates


def test_of_rows_the_one_in_force_is_found() -> None:
    rows = [
        PriceRow(version=version, kind="sale", name="m", effective_from_ns=from_ns, terms='"free"')
        for version, from_ns in [("b", 5), ("a", 1), ("c", 5), ("d", 9)]
    ]
    assert {at_ns: find_current(rows, at_ns)["sale", "m"].version for at_ns in (1, 5, 8, 9)} == {
        1: "a",
        5: "c",
        8: "c",
        9: "d",
    }
    assert find_current(rows, 0) == {}
