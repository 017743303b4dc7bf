"""A database that was set back is noticed by whoever remembers more, also while somebody else has the turn, and by a
process that has only just started before it takes its first call.
"""

from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import LiteralString

import pytest

from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_writer import LogRefused, LogWriter
from tallygate.receipts.sequencer import Sequencer
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import Life, begin_life
from tallygate.store.log import claim_log
from tests.receipts.logs import Clock, add_receipts, insert, make_keys, make_receipts

SET_BACK: tuple[LiteralString, ...] = (
    "DELETE FROM log_entries",
    "DELETE FROM log_tiles",
    "DELETE FROM log_checkpoints",
    "DELETE FROM receipts",
    "UPDATE logs SET size = 0, checkpoint_size = 0, holder = NULL",
)
"""A backup from before the first receipt takes the database's place."""


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def keys(address: DatabaseAddress) -> LogKeys:
    keys = make_keys()
    with closing(DriverConnection(address)) as connection:
        claim_log(connection, keys.origin, keys.signer.verifier.vkey, 1)
    return keys


def open_writer(
    address: DatabaseAddress, keys: LogKeys, machine: Path, clock: Clock, stack: ExitStack
) -> tuple[LogWriter, Life]:
    """A process on a machine, which is a folder."""
    machine.mkdir(exist_ok=True)
    life = begin_life(address, "test")
    stack.callback(life.end)
    connection = stack.enter_context(closing(DriverConnection(address)))
    mark = HighWater(machine / "log-high-water", keys.signer.verifier.vkey)
    return LogWriter(connection, address, keys, mark, clock_ns=clock), life


def fail(error: Exception) -> None:
    raise AssertionError from error


def set_back(address: DatabaseAddress) -> None:
    with closing(DriverConnection(address)) as connection:
        for statement in SET_BACK:
            connection.fetch(statement)


def test_who_only_follows_refuses_too(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    """Of a gateway's workers one at most has the turn, and none of them may take calls."""
    clock = Clock()
    one, other, new = (open_writer(address, keys, tmp_path / name, clock, stack) for name in ("a", "a", "b"))
    add_receipts(address, 3)
    assert one[0].take_turn(one[1].epoch).signed is not None
    assert not other[0].take_turn(other[1].epoch).held
    set_back(address)
    assert new[0].take_turn(new[1].epoch).held
    for writer, life in (one, other):
        with pytest.raises(LogRefused, match="up to 3 entries and has 0"):
            writer.take_turn(life.epoch)


def test_who_follows_sees_that_others_went_on_from_the_past(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    """The log is as large again as it was, and another one."""
    clock = Clock()
    one, new = (open_writer(address, keys, tmp_path / name, clock, stack) for name in ("a", "b"))
    add_receipts(address, 3)
    assert one[0].take_turn(one[1].epoch).signed is not None
    set_back(address)
    with closing(DriverConnection(address)) as connection:
        insert(connection, make_receipts(3, first=11))
    assert new[0].take_turn(new[1].epoch).signed is not None
    started, life = open_writer(address, keys, tmp_path / "a", clock, stack)
    with pytest.raises(LogRefused, match="are not those that were signed"):
        started.take_turn(life.epoch)


def test_nobody_vouches_for_a_log_before_the_first_look(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    one = open_writer(address, keys, tmp_path, Clock(), stack)
    add_receipts(address, 3)
    one[0].take_turn(one[1].epoch)
    for expected in ("", "set back to an older state"):
        life = begin_life(address, "test")
        mark = HighWater(tmp_path / "log-high-water", keys.signer.verifier.vkey)
        sequencer = Sequencer(address, keys, mark, lambda life=life: life.epoch, list, on_broken=fail)
        assert "not looked at" in sequencer.refusal
        sequencer.start()
        try:
            assert expected in sequencer.refusal
            assert bool(expected) == bool(sequencer.refusal)
        finally:
            sequencer.close()
            life.end()
        set_back(address)
