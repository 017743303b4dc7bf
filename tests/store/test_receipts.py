"""Receipts are found by their owners, in the order of their numbers, and by nobody else."""

from contextlib import closing

from msgspec import structs

from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.receipts import SPAN, ReceiptPage, find_receipt, list_receipts
from tallygate.store.usage import Scope
from tests.receipts.logs import insert, make_receipts

OWN = Scope("ws_1")


def test_an_owner_finds_a_receipt(address: DatabaseAddress) -> None:
    rows = make_receipts(3)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows)
        connection.fetch("UPDATE log_entries SET leaf_index = 7 WHERE id = ?", (rows[1].id,))
        found = find_receipt(connection, OWN, rows[1].id)
        assert found is not None
        assert (found.id, found.sequence, found.body, found.seed) == (rows[1].id, 2, rows[1].body, rows[1].seed)
        assert (found.log, found.leaf_index) == (rows[1].log, 7)
        waiting = find_receipt(connection, OWN, rows[0].id)
        assert waiting is not None
        assert waiting.leaf_index is None


def test_nobody_else_does(address: DatabaseAddress) -> None:
    (row,) = make_receipts(1)
    with closing(DriverConnection(address)) as connection:
        insert(connection, [row])
        assert find_receipt(connection, Scope("ws_2"), row.id) is None
        assert find_receipt(connection, OWN, "call_unknown") is None
        assert list_receipts(connection, Scope("ws_2"), 0, 10) == ReceiptPage((), 0, more=False)


def test_they_are_listed_by_number(address: DatabaseAddress) -> None:
    rows = make_receipts(5)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows[::-1])
        whole = list_receipts(connection, OWN, 0, 10)
        assert ([one.sequence for one in whole.receipts], whole.seen, whole.more) == ([1, 2, 3, 4, 5], 5, False)
        page = list_receipts(connection, OWN, 2, 2)
        assert ([one.entry for one in page.receipts], page.seen, page.more) == ([rows[2].entry, rows[3].entry], 4, True)
        last = list_receipts(connection, OWN, 3, 2)
        assert ([one.sequence for one in last.receipts], last.seen, last.more) == ([4, 5], 5, False)
        assert list_receipts(connection, OWN, 9, 2) == ReceiptPage((), 9, more=False)


def test_a_page_looks_through_so_many_numbers_and_says_how_far(address: DatabaseAddress) -> None:
    rows = [structs.replace(row, sequence=row.sequence * SPAN) for row in make_receipts(3)]
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows)
        pages = [list_receipts(connection, OWN, after_seq, 10) for after_seq in (0, SPAN, 3 * SPAN - 1)]
    assert [([one.sequence for one in page.receipts], page.seen, page.more) for page in pages] == [
        ([SPAN], SPAN, True),
        ([2 * SPAN], 2 * SPAN, True),
        ([3 * SPAN], 3 * SPAN, False),
    ]


def test_an_erased_receipt_keeps_its_place(address: DatabaseAddress) -> None:
    (row,) = make_receipts(1)
    with closing(DriverConnection(address)) as connection:
        insert(connection, [row])
        connection.fetch("UPDATE receipts SET body = NULL, seed = NULL")
        found = find_receipt(connection, OWN, row.id)
        assert found is not None
        assert (found.body, found.seed, found.log) == (None, None, row.log)
        assert "seed" not in repr(found)
