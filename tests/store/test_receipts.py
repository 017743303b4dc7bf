"""Receipts are found by their owners, in the order of their numbers, and by nobody else."""

from contextlib import closing

from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.receipts import find_receipt, list_receipts
from tests.receipts.logs import insert, make_receipts


def test_an_owner_finds_a_receipt(address: DatabaseAddress) -> None:
    rows = make_receipts(3)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows)
        connection.fetch("UPDATE log_entries SET leaf_index = 7 WHERE id = ?", (rows[1].id,))
        found = find_receipt(connection, "ws_1", rows[1].id)
        assert found is not None
        assert (found.id, found.sequence, found.body, found.seed) == (rows[1].id, 2, rows[1].body, rows[1].seed)
        assert (found.log, found.leaf_index) == (rows[1].log, 7)
        waiting = find_receipt(connection, "ws_1", rows[0].id)
        assert waiting is not None
        assert waiting.leaf_index is None


def test_nobody_else_does(address: DatabaseAddress) -> None:
    (row,) = make_receipts(1)
    with closing(DriverConnection(address)) as connection:
        insert(connection, [row])
        assert find_receipt(connection, "ws_2", row.id) is None
        assert find_receipt(connection, "ws_1", "call_unknown") is None
        assert list_receipts(connection, "ws_2", 0, 10) == []


def test_they_are_listed_by_number(address: DatabaseAddress) -> None:
    rows = make_receipts(5)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows[::-1])
        assert [one.sequence for one in list_receipts(connection, "ws_1", 0, 10)] == [1, 2, 3, 4, 5]
        assert [one.sequence for one in list_receipts(connection, "ws_1", 2, 2)] == [3, 4]


def test_an_erased_receipt_keeps_its_place(address: DatabaseAddress) -> None:
    (row,) = make_receipts(1)
    with closing(DriverConnection(address)) as connection:
        insert(connection, [row])
        connection.fetch("UPDATE receipts SET body = NULL, seed = NULL")
        found = find_receipt(connection, "ws_1", row.id)
        assert found is not None
        assert (found.body, found.seed, found.log) == (None, None, row.log)
        assert "seed" not in repr(found)
