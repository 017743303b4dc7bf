"""The audit log is held to the transparency log: whatever is changed, removed or slipped in there is found."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import pytest

from tallygate.access import admin
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_audit import LogAudit
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.record import BITE, Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.database import Database
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tests.receipts.logs import Clock, make_keys

ORIGIN = "example.com/log"


@pytest.fixture
def keys() -> LogKeys:
    return make_keys(ORIGIN)


@pytest.fixture
def connection(address: DatabaseAddress, keys: LogKeys, tmp_path: Path) -> Generator[DriverConnection]:
    """A log with what was done before there was one, and after; much later somebody signs it once more."""
    life, clock, vkey = begin_life(address, "test"), Clock(), keys.signer.verifier.vkey
    with Database(address) as database, closing(open_log(address)) as opened:
        admin.create_workspace(database, "early", actor="cli")
        claim_log(opened, ORIGIN, vkey, 1)
        admin.create_workspace(database, "late", actor="admin")
        Record(opened, keys).bring_up_to_date(clock())
        writer = LogWriter(opened, address, keys, HighWater(tmp_path / "high-water", vkey), clock_ns=clock)
        assert writer.take_turn(life.epoch).signed is not None
        opened.fetch("UPDATE log_checkpoints SET at_ns = 4000000000000000000")
        yield opened
    life.end()


def audit(connection: DriverConnection, keys: LogKeys) -> list[str]:
    return [str(flaw) for flaw in LogAudit(connection, keys.public).run()]


def test_every_change_has_its_entry(connection: DriverConnection, keys: LogKeys) -> None:
    assert audit(connection, keys) == []
    ((rows,),) = connection.fetch("SELECT count(*) FROM audit_log")
    ((entered,),) = connection.fetch("SELECT count(*) FROM log_statements WHERE kind = 'audit'")
    ((placed,),) = connection.fetch(
        "SELECT count(*) FROM log_entries JOIN log_statements ON log_statements.id = log_entries.id"
        " WHERE kind = 'audit' AND leaf_index IS NOT NULL"
    )
    assert rows == entered == placed == 4


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ("UPDATE audit_log SET actor = 'cli' WHERE seq = 3", "change 3: its actor is not what was entered"),
        ("UPDATE audit_log SET action = 'x' WHERE seq = 1", "change 1: its action is not what was entered"),
        ("UPDATE audit_log SET at_ns = at_ns + 1 WHERE seq = 2", "change 2: its at_ns is not what was entered"),
        ("UPDATE audit_log SET detail = '{}' WHERE seq = 2", "change 2: its detail is not what was entered"),
        ("UPDATE audit_log SET workspace_id = NULL WHERE seq = 2", "change 2: its workspace is not what was"),
        ("DELETE FROM audit_log WHERE seq = 3", "entry audit_3: the row of the audit log that it is about is gone"),
        ("UPDATE audit_log SET seq = 9 WHERE seq = 4", "change 9: it stands in the audit log and was not entered"),
        (
            "INSERT INTO audit_log (at_ns, actor, action, object_id, detail) VALUES (5, 'cli', 'x.y', 'z', '{}')",
            "it stands in the audit log and was not entered in the log",
        ),
        ("UPDATE log_statements SET body = substr(body, 2) WHERE id = 'audit_4'", "change 4: its entry cannot be read"),
        ("DELETE FROM log_statements WHERE id = 'audit_4'", "neither a receipt nor a statement"),
    ],
)
def test_whatever_is_altered_is_found(
    connection: DriverConnection, keys: LogKeys, change: LiteralString, flaw: str
) -> None:
    connection.fetch(change)
    assert any(flaw in line for line in audit(connection, keys))
    Record(connection, keys).bring_up_to_date(5)
    assert any(flaw in line for line in audit(connection, keys)), "nobody mends it by looking"


def test_a_long_past_is_entered_bite_by_bite(address: DatabaseAddress, keys: LogKeys) -> None:
    with closing(open_log(address)) as connection:
        for number in range(BITE + 3):
            connection.fetch(
                "INSERT INTO audit_log (at_ns, actor, action, object_id, detail) VALUES (?, 'cli', 'x.y', 'z', '{}')",
                (number,),
            )
        claim_log(connection, ORIGIN, keys.signer.verifier.vkey, 1)
        record = Record(connection, keys)
        assert record.bring_up_to_date(5) == BITE + 1
        assert Record(connection, keys).bring_up_to_date(5) == 3, "another process goes on where it broke off"
        assert record.bring_up_to_date(5) == 0
        ((entered,),) = connection.fetch("SELECT count(*) FROM log_statements WHERE kind = 'audit'")
        assert entered == BITE + 3
