"""The thread at the log, as a process runs it: it takes receipts in, hands its turn on, waits out what fails."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec import structs

from tallygate.genai.price_row import PriceRow
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.sequencer import Sequencer
from tallygate.store.address import DatabaseAddress
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import LogMismatch
from tests.receipts.logs import add_receipts, end_life, judge, make_keys, read_entries, read_published

PATIENCE_S = 30


class Process:
    """A life with its sequencer, as the gateway joins them."""

    def __init__(
        self, address: DatabaseAddress, keys: LogKeys, data: Path, stack: ExitStack, patience_s: float = PATIENCE_S
    ) -> None:
        data.mkdir(exist_ok=True)
        self.life = begin_life(address, "test")
        stack.callback(self.life.end)
        self.mark = HighWater(data / "high-water", keys.signer.verifier.vkey)
        self.prices: list[PriceRow] = []
        self.sequencer = Sequencer(
            address,
            keys,
            self.mark,
            lambda: self.life.epoch,
            lambda: tuple(self.prices),
            on_broken=fail,
            patience_s=patience_s,
        )
        self.sequencer.start()
        stack.callback(self.sequencer.close)


def fail(error: Exception) -> None:
    raise AssertionError from error


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def keys() -> LogKeys:
    return make_keys()


@pytest.fixture
def vkey(keys: LogKeys) -> str:
    return keys.signer.verifier.vkey


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.01)


def wait_for_size(address: DatabaseAddress, size: int) -> None:
    """Wait until a checkpoint covers so many receipts; the key set is an entry, too."""
    with closing(DriverConnection(address)) as connection:
        wait_until(lambda: connection.fetch("SELECT checkpoint_size FROM logs") == [(size + 1,)])


def test_what_is_settled_is_soon_signed(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    process = Process(address, keys, tmp_path, stack)
    add_receipts(address, 5)
    process.sequencer.wake()
    wait_for_size(address, 5)
    add_receipts(address, 2)  # settled by another process: nobody wakes this one
    wait_for_size(address, 7)
    assert process.sequencer.refusal == ""
    assert judge(read_published(address), read_entries(address), vkey)[-1] == 8


def test_closing_takes_in_what_is_there_and_hands_the_turn_on(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    process = Process(address, keys, tmp_path / "one", stack)
    add_receipts(address, 1)
    process.sequencer.wake()
    wait_for_size(address, 1)
    add_receipts(address, 4)
    process.sequencer.close()
    assert len(read_entries(address)) == 6
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SELECT holder FROM logs") == [(None,)]
    Process(address, keys, tmp_path / "two", stack)
    wait_for_size(address, 5)
    judge(read_published(address), read_entries(address), vkey)


def test_a_second_process_takes_over_and_knows_what_was_signed(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    one = Process(address, keys, tmp_path / "one", stack)
    add_receipts(address, 3)
    wait_for_size(address, 3)
    other = Process(address, keys, tmp_path / "other", stack)
    wait_until(lambda: other.mark.read() == one.mark.read() is not None)
    end_life(address, one.life.epoch)
    add_receipts(address, 3)
    wait_for_size(address, 6)
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SELECT holder FROM logs") == [(other.life.epoch,)]
    judge(read_published(address), read_entries(address), vkey)


def test_many_processes_make_one_log(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    processes = [Process(address, keys, tmp_path / str(number), stack) for number in range(4)]
    total = 0
    for process in processes[:3]:
        add_receipts(address, 10)
        total += 10
        for other in processes:
            other.sequencer.wake()
        wait_for_size(address, total)
        process.sequencer.close()
    judge(read_published(address), read_entries(address), vkey)


def test_a_refusal_is_told_and_ends_when_its_cause_does(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    process = Process(address, keys, tmp_path, stack)
    add_receipts(address, 2)
    wait_for_size(address, 2)
    with closing(DriverConnection(address)) as connection:
        last = "WHERE size = (SELECT max(size) FROM log_checkpoints)"
        ((note,),) = connection.fetch("SELECT note FROM log_checkpoints " + last)
        connection.fetch("UPDATE log_checkpoints SET note = ? " + last, (b"changed",))
        add_receipts(address, 1)
        wait_until(lambda: "contradicts what was signed" in process.sequencer.refusal)
        assert read_published(address)[-1] == b"changed"
        connection.fetch("UPDATE log_checkpoints SET note = ? " + last, (note,))
    wait_for_size(address, 3)
    wait_until(lambda: process.sequencer.refusal == "")
    judge(read_published(address), read_entries(address), vkey)


def test_keys_of_another_log_do_not_start(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    Process(address, keys, tmp_path / "one", stack)
    with pytest.raises(LogMismatch, match=r"example\.com/log"):
        Process(address, make_keys("example.com/other"), tmp_path / "two", stack)


def test_a_file_that_is_no_mark_is_told(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    (tmp_path / "high-water").write_bytes(b"something else")
    process = Process(address, keys, tmp_path, stack)
    add_receipts(address, 1)
    wait_until(lambda: "high-water" in process.sequencer.refusal)
    assert read_published(address) == []


def test_a_mark_that_cannot_be_written_becomes_a_refusal(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    """A data folder on a full or read-only disk: receipts gather that nobody can prove."""
    in_the_way = tmp_path / "high-water.new"
    in_the_way.mkdir()
    process = Process(address, keys, tmp_path, stack, patience_s=0)
    add_receipts(address, 1)
    wait_until(lambda: str(in_the_way) in process.sequencer.refusal)
    assert read_published(address) == []
    in_the_way.rmdir()
    wait_for_size(address, 1)
    wait_until(lambda: process.sequencer.refusal == "")
    judge(read_published(address), read_entries(address), vkey)


def test_who_can_write_its_mark_signs_in_the_place_of_who_cannot(
    address: DatabaseAddress, keys: LogKeys, vkey: str, tmp_path: Path, stack: ExitStack
) -> None:
    in_the_way = tmp_path / "first" / "high-water.new"
    in_the_way.mkdir(parents=True)
    first = Process(address, keys, tmp_path / "first", stack, patience_s=math.inf)
    add_receipts(address, 1)
    with closing(DriverConnection(address)) as connection:
        wait_until(lambda: connection.fetch("SELECT holder FROM logs WHERE size > 0") == [(None,)])
    second = Process(address, keys, tmp_path / "second", stack)
    wait_for_size(address, 1)
    assert second.sequencer.refusal == ""
    assert first.sequencer.refusal == "", "what may pass is no refusal yet"
    judge(read_published(address), read_entries(address), vkey)


def test_prices_that_calls_are_made_at_are_put_on_record_whoever_has_the_turn(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, stack: ExitStack
) -> None:
    first = Process(address, keys, tmp_path / "first", stack)
    wait_for_size(address, 0)
    second = Process(address, keys, tmp_path / "second", stack)
    row = PriceRow(version="v1", kind="sale", name="m", effective_from_ns=0, terms='"free"')
    first.prices.append(row)
    second.prices += [row, structs.replace(row, version="v2")]
    second.sequencer.wake()
    first.sequencer.wake()
    wait_for_size(address, 2)
    with closing(DriverConnection(address)) as connection:
        assert connection.fetch("SELECT id FROM log_statements WHERE kind = 'price' ORDER BY id") == [("v1",), ("v2",)]
