"""The audit of the stored log: a sound one has no flaw, and whatever is changed in it is found and its place named."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import pytest
from msgspec import structs

from tallygate.receipts import note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.flaw import Flaw
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_audit import LogAudit, LogCounts
from tallygate.receipts.log_writer import LogWriter
from tallygate.receipts.record import Record
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tests.receipts.logs import Clock, add_receipts, make_keys

ORIGIN = "example.com/log"


@pytest.fixture
def keys() -> LogKeys:
    return make_keys(ORIGIN)


@pytest.fixture
def connection(address: DatabaseAddress, keys: LogKeys, tmp_path: Path) -> Generator[DriverConnection]:
    """A log of a key set and 599 receipts, with checkpoints of 4, 5 and 600."""
    life, clock, vkey = begin_life(address, "test"), Clock(), keys.signer.verifier.vkey
    with closing(open_log(address)) as opened:
        claim_log(opened, ORIGIN, vkey, 1)
        Record(opened, keys).bring_up_to_date(clock())
        writer = LogWriter(opened, address, keys, HighWater(tmp_path / "high-water", vkey), clock_ns=clock)
        for count in (3, 1, 595):
            clock.pass_s(1)
            add_receipts(address, count)
            assert writer.take_turn(life.epoch).signed is not None
        add_receipts(address, 2)
        yield opened
    life.end()


def audit(connection: DriverConnection, keys: LogKeys) -> list[str]:
    return [str(flaw) for flaw in LogAudit(connection, keys.public).run()]


def test_a_sound_log_has_no_flaw(connection: DriverConnection, keys: LogKeys) -> None:
    for pinned in (keys.public, None):
        reading = LogAudit(connection, pinned)
        assert list(reading.run()) == []
        assert reading.logs == [LogCounts(ORIGIN, size=600, waiting=2, checkpoints=3)]


FOREIGN_KEY = note.generate(ORIGIN).verifier.vkey
FOREIGN = note.generate(ORIGIN).sign("example.com/log\n4\n" + "A" * 43 + "=\n")


@pytest.mark.parametrize(
    ("change", "values", "flaw"),
    [
        ("UPDATE receipts SET body = ? WHERE sequence = 7", (b"{}",), "its body is not what was entered"),
        ("DELETE FROM receipts WHERE sequence = 7", (), "neither a receipt nor a statement"),
        ("DELETE FROM log_entries WHERE leaf_index IS NULL", (), "a receipt that has no place in any log"),
        ("DELETE FROM log_entries WHERE leaf_index = 300", (), "leaf 300: there is no entry up to leaf 300"),
        ("DELETE FROM log_entries WHERE leaf_index >= 590", (), "leaf 590: there is no entry up to leaf 599"),
        ("DELETE FROM log_entries WHERE leaf_index = 0", (), "leaf 0: there is no entry up to leaf 0"),
        ("UPDATE log_entries SET entry = ? WHERE leaf_index = 300", (bytes(32),), "tile 1 of level 0: hash 300 is not"),
        ("UPDATE log_tiles SET hashes = ? WHERE tile_index = 1", (bytes(8192),), "tile 1 of level 0: hash 256 is not"),
        ("UPDATE log_tiles SET hashes = ? WHERE level = 1", (bytes(64),), "tile 0 of level 1: hash 0 is not"),
        ("UPDATE log_tiles SET hashes = ? WHERE tile_index = 2", (bytes(64),), "tile 2 of level 0: it has 2 hashes"),
        ("DELETE FROM log_tiles WHERE level = 1", (), "tile 0 of level 1: it has 0 hashes and should have 2"),
        ("UPDATE log_checkpoints SET note = ? WHERE size = 4", (FOREIGN,), "checkpoint 4: no key that is trusted"),
        ("UPDATE log_checkpoints SET note = ? WHERE size = 4", (b"",), "checkpoint 4: a note"),
        ("UPDATE log_checkpoints SET size = 6 WHERE size = 5", (), "checkpoint 6: it is about another tree"),
        ("UPDATE logs SET checkpoint_size = 0, size = 5", (), "checkpoint 600: the log has only 5 entries"),
        ("UPDATE logs SET checkpoint_size = 0, size = 5", (), "its leaf is beyond the tree"),
        ("DELETE FROM log_checkpoints WHERE size = 600", (), "checkpoint 600: it was published as the last one"),
        ("DELETE FROM log_checkpoints", (), "checkpoint 600: it was published as the last one and is missing"),
        ("UPDATE logs SET vkey = ?", (FOREIGN_KEY,), f"log {ORIGIN}: its key"),
        ("DELETE FROM logs", (), "an entry of a log that is not there"),
        ("UPDATE log_entries SET log = 'other' WHERE leaf_index = 3", (), "an entry of a log that is not there"),
    ],
)
def test_whatever_is_changed_is_found(
    connection: DriverConnection, keys: LogKeys, change: LiteralString, values: tuple[bytes | str, ...], flaw: str
) -> None:
    connection.fetch(change, values)
    assert any(flaw in found for found in audit(connection, keys)), audit(connection, keys)


def test_what_this_machine_has_signed_must_be_there_still(
    connection: DriverConnection, keys: LogKeys, tmp_path: Path
) -> None:
    mark = HighWater(tmp_path / "high-water", keys.signer.verifier.vkey).read()
    assert mark is not None
    assert mark.size == 600

    def audit_under(mark: Checkpoint) -> list[str]:
        return [str(flaw) for flaw in LogAudit(connection, keys.public, mark).run()]

    assert audit_under(mark) == []
    assert audit_under(structs.replace(mark, size=601)) == [
        "high-water mark: the log was signed up to 601 entries and has 600: was a backup restored?"
    ]
    assert audit_under(structs.replace(mark, root=bytes(32))) == ["high-water mark: the tree has another root"]
    strange = structs.replace(mark, origin="other")
    assert audit_under(strange) == ["high-water mark: it is of the log other, which is not there"]


def test_two_entries_that_are_exchanged_are_found(connection: DriverConnection, keys: LogKeys) -> None:
    connection.fetch("UPDATE log_entries SET leaf_index = 1000 WHERE leaf_index = 10")
    connection.fetch("UPDATE log_entries SET leaf_index = 10 WHERE leaf_index = 11")
    connection.fetch("UPDATE log_entries SET leaf_index = 11 WHERE leaf_index = 1000")
    assert audit(connection, keys) == ["tile 0 of level 0: hash 10 is not that of what it stands for"]


def test_a_log_that_grows_meanwhile_is_audited_as_it_was(
    connection: DriverConnection, keys: LogKeys, address: DatabaseAddress
) -> None:
    connection.fetch("DELETE FROM receipts WHERE sequence = 7")
    flaws = LogAudit(connection, keys.public).run()
    assert "neither" in str(next(flaws))
    with closing(open_log(address)) as other:
        other.fetch("DELETE FROM log_tiles")
    assert list(flaws) == []


def test_an_erased_body_is_no_flaw(connection: DriverConnection, keys: LogKeys) -> None:
    connection.fetch("UPDATE receipts SET body = NULL, seed = NULL WHERE sequence = 7")
    assert audit(connection, keys) == []


def test_a_flaw_says_where_and_what() -> None:
    assert str(Flaw("leaf 5", "it is gone")) == "leaf 5: it is gone"
