"""Receipts are inserted whole, each with its place in the queue, by one statement or not at all."""

from contextlib import closing

import pytest

from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection, DriverError
from tests.receipts.logs import insert, make_receipts


def test_a_receipt_and_its_entry_are_there(address: DatabaseAddress) -> None:
    rows = make_receipts(20)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows)
        bodies = connection.fetch("SELECT id, workspace_id, sequence, body, seed FROM receipts ORDER BY sequence")
        assert bodies == [(row.id, row.workspace_id, row.sequence, row.body, row.seed) for row in rows]
        queued = connection.fetch("SELECT id, log, entry, leaf_index FROM log_entries ORDER BY seq")
        assert queued == [(row.id, row.log, row.entry, None) for row in rows]


def test_the_second_receipt_of_a_call_is_refused(address: DatabaseAddress) -> None:
    rows = make_receipts(1)
    with closing(DriverConnection(address)) as connection:
        insert(connection, rows)
        with pytest.raises(DriverError):
            insert(connection, rows)


def test_a_number_is_given_once_in_a_workspace(address: DatabaseAddress) -> None:
    with closing(DriverConnection(address)) as connection:
        insert(connection, make_receipts(1))
        with pytest.raises(DriverError):
            insert(connection, make_receipts(1))


def test_a_row_does_not_show_its_seed() -> None:
    (row,) = make_receipts(1)
    assert repr(row.seed) not in repr(row)
