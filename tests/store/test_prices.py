"""Prices in the database: only ever added, each once, and heard of in the order they were set."""

import subprocess
import sys
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError, IntegrityError

from tallygate.errors import Conflict
from tallygate.genai.price_row import PriceRow
from tallygate.store.address import DatabaseAddress
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.price_feed import load_prices
from tallygate.store.prices import add_price, add_prices, list_prices
from tallygate.store.schema import audit_log

ROW = PriceRow(version="a", kind="sale", name="m", effective_from_ns=5, terms='{"input":"1"}')

ADD_MANY = """
import sys
from pathlib import Path
from tallygate.genai.price_row import PriceRow
from tallygate.store.address import parse_address
from tallygate.store.audit import Change
from tallygate.store.database import Database
from tallygate.store.prices import add_price
with Database(parse_address(sys.argv[1], Path())) as database:
    for number in range(25):
        name = f"{sys.argv[2]}{number}"
        row = PriceRow(version=name, kind="sale", name=name, effective_from_ns=0, terms='"free"')
        add_price(database, row, Change("cli", 1))
"""


def at(time_ns: int) -> Change:
    return Change("tester", time_ns)


def test_a_price_is_kept_as_it_was_set(database: Database, address: DatabaseAddress) -> None:
    assert add_price(database, ROW, at(7))
    kept = replace(ROW, created_at_ns=7, seq=1)
    assert list_prices(database) == list_prices(database, "sale", "m") == [kept]
    assert list_prices(database, "cost") == list_prices(database, None, "n") == []
    connection = DriverConnection(address)
    assert load_prices(connection) == [kept]
    assert load_prices(connection, 1) == []
    connection.close()


def test_setting_it_again_changes_nothing(database: Database) -> None:
    assert add_price(database, ROW, at(7))
    assert not add_price(database, ROW, at(8))
    assert [row.created_at_ns for row in list_prices(database)] == [7]
    assert [entry.at_ns for entry in audit(database)] == [7]


def test_a_price_that_was_replaced_cannot_come_back_at_the_same_moment(database: Database) -> None:
    add_price(database, ROW, at(7))
    add_price(database, replace(ROW, version="b", terms='"free"'), at(8))
    with pytest.raises(Conflict, match="Let it begin later"):
        add_price(database, ROW, at(9))
    assert add_price(database, replace(ROW, version="c", effective_from_ns=6), at(9))
    assert [row.version for row in list_prices(database)] == ["a", "b", "c"]


def test_many_are_added_at_once_and_only_those_that_are_new(database: Database) -> None:
    add_price(database, ROW, at(7))
    rows = [ROW, replace(ROW, version="b", name="n"), replace(ROW, version="c", kind="cost", name="p/n")]
    assert add_prices(database, rows, "list.json", at(8)) == 2
    assert add_prices(database, rows, "list.json", at(9)) == 0
    assert [(row.seq, row.version) for row in list_prices(database)] == [(1, "a"), (2, "b"), (3, "c")]
    last = audit(database)[-1]
    assert (last.at_ns, last.action, last.object_id, last.detail) == (8, "price.import", "list.json", '{"added":2}')


def test_who_set_what_is_in_the_audit_log(database: Database) -> None:
    add_price(database, ROW, at(7))
    (entry,) = audit(database)
    assert (entry.actor, entry.action, entry.workspace_id, entry.object_id) == ("tester", "price.set", None, "a")
    assert entry.detail == r'{"effective_from_ns":5,"kind":"sale","name":"m","terms":"{\"input\":\"1\"}"}'


def test_a_kind_that_is_none_is_refused_by_the_table(database: Database) -> None:
    bad: Any = "gift"
    with pytest.raises((IntegrityError, DatabaseError)):
        add_price(database, replace(ROW, kind=bad), at(7))


def test_a_worker_that_looks_while_others_write_misses_nothing(
    database: Database, database_url: str, address: DatabaseAddress
) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD_MANY, database_url, letter]) for letter in "ab"]
    connection = DriverConnection(address)
    seen: list[PriceRow] = []
    while any(writer.poll() is None for writer in writers) or len(seen) < 50:
        seen += load_prices(connection, seen[-1].seq if seen else 0)
        assert all(writer.poll() in (None, 0) for writer in writers)
    connection.close()
    assert seen == list_prices(database)
    assert len(seen) == 50


def audit(database: Database) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(select(audit_log).order_by(audit_log.c.seq)))
