"""A change, its row and its entry are one: all of them are there, or none."""

import msgspec

from tallygate.store.address import DatabaseAddress
from tallygate.store.audit import Change, write_audit
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.log import claim_log, find_place, open_log


def count(connection: DriverConnection) -> tuple[int, int, int]:
    """Rows, statements, entries."""
    ((rows,),) = connection.fetch("SELECT count(*) FROM audit_log")
    ((statements,),) = connection.fetch("SELECT count(*) FROM log_statements")
    ((entries,),) = connection.fetch("SELECT count(*) FROM log_entries")
    return rows, statements, entries


def write(database: Database) -> None:
    with database.writing() as connection:
        write_audit(
            connection, Change("cli", 7), "key.revoke", workspace_id="ws_1", object_id="key_1", detail={"name": "a"}
        )


def test_a_row_brings_its_entry_along(address: DatabaseAddress) -> None:
    with Database(address) as database:
        connection = open_log(address)
        claim_log(connection, "example.com/log", "vkey", 1)
        write(database)
        write(database)
        assert count(connection) == (2, 2, 2)
        ((seq, body),) = connection.fetch(
            "SELECT seq, body FROM audit_log JOIN log_statements ON id = 'audit_' || seq ORDER BY seq LIMIT 1"
        )
        said = msgspec.json.decode(body)
        assert (said["seq"], said["at_ns"], said["action"], said["workspace"]) == (seq, "7", "key.revoke", "ws_1")
        place = find_place(connection, f"audit_{seq}")
        assert place is not None
        assert (place.log, place.leaf_index) == ("example.com/log", None)
        salts = connection.fetch("SELECT body FROM log_statements")
        assert len({msgspec.json.decode(one)["salt"] for (one,) in salts}) == 2
        connection.close()


def test_what_is_undone_leaves_nothing(address: DatabaseAddress) -> None:
    with Database(address) as database:
        connection = open_log(address)
        claim_log(connection, "example.com/log", "vkey", 1)
        with database.writing() as writing:
            write_audit(writing, Change("cli", 7), "x.y", workspace_id=None, object_id="z", detail={})
            writing.rollback()
        assert count(connection) == (0, 0, 0)
        connection.close()


def test_before_there_is_a_log_there_is_only_the_row(address: DatabaseAddress) -> None:
    with Database(address) as database:
        write(database)
        connection = open_log(address)
        assert count(connection) == (1, 0, 0)
        connection.close()
