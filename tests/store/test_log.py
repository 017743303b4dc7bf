"""The log's rows: bound to one log, changed only by the epoch that has the turn, and only behind the size it knows."""

from collections.abc import Generator
from contextlib import closing

import pytest

from tallygate.store import log
from tallygate.store.address import DatabaseAddress, Engine
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import Life, begin_life, locks_folder
from tallygate.store.lock_file import is_abandoned
from tallygate.store.log import Head, LogMismatch, Published, TurnLost
from tests.receipts.logs import add_receipts

ORIGIN = "example.com/log"


@pytest.fixture
def connection(address: DatabaseAddress) -> Generator[DriverConnection]:
    with closing(log.open_log(address)) as opened:
        log.claim_log(opened, ORIGIN, "key", 1)
        yield opened


@pytest.fixture
def life(address: DatabaseAddress) -> Generator[Life]:
    begun = begin_life(address, "test")
    yield begun
    begun.end()


def test_a_database_is_bound_to_one_log(connection: DriverConnection) -> None:
    log.claim_log(connection, ORIGIN, "key", 2)
    for origin, vkey in (("example.com/other", "key"), (ORIGIN, "other")):
        with pytest.raises(LogMismatch, match=ORIGIN):
            log.claim_log(connection, origin, vkey, 2)


@pytest.mark.parametrize("engine", ["postgresql"])  # on SQLite a lock is on the whole database
def test_nobody_waits_at_the_start_for_who_is_stopped_in_a_turn(
    connection: DriverConnection, address: DatabaseAddress
) -> None:
    with closing(DriverConnection(address)) as stopped:
        stopped.fetch("BEGIN")
        stopped.fetch("UPDATE logs SET size = size + 1")
        log.claim_log(connection, ORIGIN, "key", 2)


def test_entries_get_leaves_and_tiles(connection: DriverConnection, address: DatabaseAddress, life: Life) -> None:
    assert log.take_turn(connection, address, ORIGIN, life.epoch) == Head(0, 0)
    add_receipts(address, 3)
    waiting = log.read_waiting(connection, ORIGIN, 2)
    assert len(waiting) == 2
    log.append(connection, ORIGIN, life.epoch, 0, [one.seq for one in waiting], {(0, 0): bytes(64)})
    assert log.read_head(connection, ORIGIN) == Head(2, 0)
    assert log.read_entries(connection, ORIGIN, 0, 256) == [one.entry for one in waiting]
    assert log.read_entries(connection, ORIGIN, 1, 1) == [waiting[1].entry]
    assert log.read_tile(connection, ORIGIN, 0, 0) == bytes(64)
    assert log.read_tile(connection, ORIGIN, 0, 1) == b""
    (last,) = log.read_waiting(connection, ORIGIN, 2)
    log.append(connection, ORIGIN, life.epoch, 2, [last.seq], {(0, 0): bytes(96)})
    assert log.read_tile(connection, ORIGIN, 0, 0) == bytes(96)
    assert log.read_waiting(connection, ORIGIN, 2) == []


def test_nothing_is_appended_behind_another_size(
    connection: DriverConnection, address: DatabaseAddress, life: Life
) -> None:
    log.take_turn(connection, address, ORIGIN, life.epoch)
    add_receipts(address, 1)
    (one,) = log.read_waiting(connection, ORIGIN, 2)
    for size, seqs in ((1, [one.seq]), (0, [one.seq + 1]), (0, [one.seq, one.seq + 1])):
        with pytest.raises(TurnLost):
            log.append(connection, ORIGIN, life.epoch, size, seqs, {(0, 0): bytes(32)})
    assert log.read_head(connection, ORIGIN) == Head(0, 0)
    assert log.read_tile(connection, ORIGIN, 0, 0) == b""
    log.append(connection, ORIGIN, life.epoch, 0, [one.seq], {(0, 0): bytes(32)})
    with pytest.raises(TurnLost):  # an entry has one leaf
        log.append(connection, ORIGIN, life.epoch, 1, [one.seq], {(0, 0): bytes(64)})


def test_who_has_not_the_turn_changes_nothing(
    connection: DriverConnection, address: DatabaseAddress, life: Life
) -> None:
    log.take_turn(connection, address, ORIGIN, life.epoch)
    add_receipts(address, 1)
    (one,) = log.read_waiting(connection, ORIGIN, 1)
    other = begin_life(address, "other")
    assert log.take_turn(connection, address, ORIGIN, other.epoch) is None
    with pytest.raises(TurnLost):
        log.append(connection, ORIGIN, other.epoch, 0, [one.seq], {(0, 0): bytes(32)})
    log.append(connection, ORIGIN, life.epoch, 0, [one.seq], {(0, 0): bytes(32)})
    with pytest.raises(TurnLost):
        log.publish(connection, ORIGIN, other.epoch, Published(1, b"note", 1))
    log.give_turn(connection, ORIGIN, other.epoch)  # it has none to give
    assert log.take_turn(connection, address, ORIGIN, other.epoch) is None
    log.give_turn(connection, ORIGIN, life.epoch)
    assert log.take_turn(connection, address, ORIGIN, other.epoch) == Head(1, 0)
    other.end()
    with pytest.raises(TurnLost):  # whose life is over has lost it
        log.publish(connection, ORIGIN, other.epoch, Published(1, b"note", 1))
    assert log.take_turn(connection, address, ORIGIN, other.epoch) is None
    assert log.take_turn(connection, address, ORIGIN, life.epoch) == Head(1, 0)


def test_checkpoints_only_grow(connection: DriverConnection, address: DatabaseAddress, life: Life) -> None:
    log.take_turn(connection, address, ORIGIN, life.epoch)
    add_receipts(address, 3)
    for size, one in enumerate(log.read_waiting(connection, ORIGIN, 3)):
        log.append(connection, ORIGIN, life.epoch, size, [one.seq], {(0, 0): bytes(32 * (size + 1))})
    assert log.read_last_checkpoint(connection, ORIGIN) is None
    log.publish(connection, ORIGIN, life.epoch, Published(2, b"two", 7))
    for size in (1, 2, 4):
        with pytest.raises(TurnLost):
            log.publish(connection, ORIGIN, life.epoch, Published(size, b"again", 8))
    log.publish(connection, ORIGIN, life.epoch, Published(3, b"three", 9))
    assert log.read_last_checkpoint(connection, ORIGIN) == Published(3, b"three", 9)
    assert log.read_checkpoint(connection, ORIGIN, 2) == Published(2, b"two", 7)
    assert log.read_checkpoint(connection, ORIGIN, 1) is None
    assert log.read_head(connection, ORIGIN) == Head(3, 3)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_on_sqlite_a_killed_holder_is_known_at_once(
    connection: DriverConnection, address: DatabaseAddress, life: Life
) -> None:
    assert address.engine is Engine.SQLITE
    killed = begin_life(address, "killed")
    assert log.take_turn(connection, address, ORIGIN, killed.epoch) == Head(0, 0)
    assert log.take_turn(connection, address, ORIGIN, life.epoch) is None
    assert killed._lock is not None
    killed._lock.release(remove=False)  # what the kernel does when a process is killed
    assert is_abandoned(locks_folder(address) / killed.epoch)
    assert log.take_turn(connection, address, ORIGIN, life.epoch) == Head(0, 0)


def test_an_unknown_log_has_nothing(connection: DriverConnection, address: DatabaseAddress, life: Life) -> None:
    assert log.read_head(connection, "example.com/other") is None
    assert log.take_turn(connection, address, "example.com/other", life.epoch) is None
    assert log.read_entries(connection, "example.com/other", 0, 10) == []
