"""Statements over many rows: whatever their number, each is written once and in order."""

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from tallygate.store.sqlite_shapes import ROWS, Shapes

NEW = Shapes("INSERT INTO t (id, said)", 2)
OLD = Shapes("UPDATE t SET said = new.column1 FROM (", 2, ") AS new WHERE t.id = new.column2")


@given(st.integers(0, 4 * ROWS[0]))
def test_every_row_is_written_once_and_in_order(count: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (place INTEGER PRIMARY KEY, id TEXT UNIQUE, said TEXT)")
        for sql, values in NEW.spell([(str(number), "new") for number in range(count)]):
            connection.execute(sql, values)
        for sql, values in OLD.spell([(f"said {number}", str(number)) for number in range(0, count, 2)]):
            connection.execute(sql, values)
        found = connection.execute("SELECT id, said FROM t ORDER BY place").fetchall()
    assert found == [(str(number), "new" if number % 2 else f"said {number}") for number in range(count)]


def test_a_batch_of_any_size_takes_few_statements() -> None:
    assert max(len(list(NEW.spell([("", "")] * count))) for count in range(ROWS[0])) == len(ROWS) - 1
