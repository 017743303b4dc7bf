"""Turns at the log on both engines: each entry gets one leaf, nothing signed ever contradicts, and one has the turn."""

import shutil
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import LiteralString

import pytest
from msgspec import structs

from tallygate.receipts import log_writer, note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.high_water import HighWater
from tallygate.receipts.key_file import LogKeys
from tallygate.receipts.log_writer import LogRefused, LogWriter, Turn
from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life
from tallygate.store.log import claim_log, open_log
from tallygate.store.registry import Row, Value
from tests.receipts import trees
from tests.receipts.logs import (
    Clock,
    add_receipts,
    end_life,
    insert,
    judge,
    make_keys,
    make_receipts,
    read_entries,
    read_published,
)


class Machine:
    """A process with a life and a writer. `data` is the folder of its machine."""

    def __init__(self, address: DatabaseAddress, keys: LogKeys, data: Path, clock: Clock, stack: ExitStack) -> None:
        self.life = begin_life(address, "test")
        stack.callback(self.life.end)
        self.mark = HighWater(data / "high-water", keys.signer.verifier.vkey)
        self.open = lambda: stack.enter_context(closing(open_log(address)))
        self._address, self._keys, self._clock = address, keys, clock
        self.writer = self.make_writer(self.open())

    def make_writer(self, connection: DriverConnection, keys: LogKeys | None = None) -> LogWriter:
        return LogWriter(connection, self._address, keys or self._keys, self.mark, clock_ns=self._clock)

    def turn(self) -> Turn:
        return self.writer.take_turn(self.life.epoch)


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(address: DatabaseAddress) -> LogKeys:
    made = make_keys()
    with closing(open_log(address)) as connection:
        claim_log(connection, made.origin, made.signer.verifier.vkey, 1)
    return made


@pytest.fixture
def vkey(keys: LogKeys) -> str:
    return keys.signer.verifier.vkey


@pytest.fixture
def start(
    address: DatabaseAddress, keys: LogKeys, tmp_path: Path, clock: Clock, stack: ExitStack
) -> Callable[..., Machine]:
    def started(name: str = "one") -> Machine:
        data = tmp_path / name
        data.mkdir(exist_ok=True)
        return Machine(address, keys, data, clock, stack)

    return started


def test_an_empty_log_signs_nothing(start: Callable[..., Machine], address: DatabaseAddress) -> None:
    assert start().turn() == Turn(held=True)
    assert read_published(address) == []


def test_receipts_get_their_leaves_in_order_and_are_signed(
    start: Callable[..., Machine], address: DatabaseAddress, vkey: str, clock: Clock
) -> None:
    machine = start()
    for number in (1, 2, 255, 300):
        add_receipts(address, number)
        turn = machine.turn()
        assert (turn.appended, turn.more) == (number, False)
        clock.pass_s(1)
    entries = read_entries(address)
    assert entries == [row.entry for row in make_receipts(558)]
    assert judge(read_published(address), entries, vkey) == [1, 3, 258, 558]
    assert machine.mark.read() == Checkpoint("example.com/log", 558, trees.mth(entries))


def test_at_most_one_checkpoint_a_second(
    start: Callable[..., Machine], address: DatabaseAddress, vkey: str, clock: Clock
) -> None:
    machine = start()
    add_receipts(address, 1)
    first = machine.turn()
    assert first.signed is not None
    assert first.due_ns == 1_000_000_000
    clock.pass_s(0.25)
    add_receipts(address, 1)
    turn = machine.turn()
    assert (turn.appended, turn.signed, turn.due_ns) == (1, None, 750_000_000)
    clock.pass_s(0.75)
    turn = machine.turn()
    assert turn.signed is not None
    assert turn.signed.size == 2
    clock.pass_s(-3600)  # a clock that is set back does not silence the log
    add_receipts(address, 1)
    assert machine.turn().signed is not None
    assert judge(read_published(address), read_entries(address), vkey) == [1, 2, 3]


def test_much_work_is_done_in_bites(
    start: Callable[..., Machine], address: DatabaseAddress, vkey: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "BATCH_MAX", 10)
    add_receipts(address, 25)
    machine = start()
    turns = [machine.turn() for _ in range(3)]
    assert [(turn.appended, turn.more) for turn in turns] == [(10, True), (10, True), (5, False)]
    clock.pass_s(1)
    assert machine.turn().signed is not None
    assert judge(read_published(address), read_entries(address), vkey) == [10, 25]


@pytest.mark.parametrize("engine", ["postgresql"])  # on SQLite transactions commit in the order of their writes
def test_a_receipt_that_commits_late_is_not_missed(
    start: Callable[..., Machine], address: DatabaseAddress, vkey: str, clock: Clock
) -> None:
    machine = start()
    late, early = make_receipts(2)
    with closing(DriverConnection(address)) as slow, closing(DriverConnection(address)) as quick:
        slow.fetch("BEGIN")
        insert(slow, [late])
        insert(quick, [early])
        assert machine.turn().appended == 1
        slow.fetch("COMMIT")
    clock.pass_s(1)
    assert machine.turn().appended == 1
    assert read_entries(address) == [early.entry, late.entry]
    assert judge(read_published(address), read_entries(address), vkey) == [1, 2]


def test_only_one_has_the_turn_and_it_passes_on_without_a_fork(
    start: Callable[..., Machine], address: DatabaseAddress, vkey: str, clock: Clock
) -> None:
    one, other = start("one"), start("other")
    add_receipts(address, 3)
    assert one.turn().signed is not None
    clock.pass_s(1)
    add_receipts(address, 3)
    assert not other.turn().held
    assert read_entries(address) == [row.entry for row in make_receipts(3)]
    end_life(address, one.life.epoch)
    assert other.turn().signed is not None
    assert not one.turn().held
    add_receipts(address, 3)
    clock.pass_s(1)
    assert not one.turn().held
    assert other.turn().appended == 3
    assert judge(read_published(address), read_entries(address), vkey) == [3, 6, 9]


def test_a_turn_can_be_given(start: Callable[..., Machine], address: DatabaseAddress) -> None:
    one, other = start("one"), start("other")
    assert one.turn().held
    one.writer.give_turn(one.life.epoch)
    assert other.turn().held
    assert not one.turn().held


def test_who_has_ended_does_nothing(start: Callable[..., Machine], address: DatabaseAddress) -> None:
    machine = start()
    end_life(address, machine.life.epoch)
    add_receipts(address, 1)
    assert not machine.turn().held
    assert read_published(address) == []


class Pausing(DriverConnection):
    """A connection that stands still before its nth statement outside a transaction while something else happens."""

    def __init__(self, address: DatabaseAddress, point: int, meanwhile: Callable[[], None]) -> None:
        super().__init__(address)
        self._left, self._meanwhile = point, meanwhile
        self._in_transaction = False

    @property
    def has_paused(self) -> bool:
        return self._left <= 0

    def fetch(self, sql: LiteralString, values: Sequence[Value] = ()) -> list[Row]:
        if not self._in_transaction:
            self._left -= 1
            if self._left == 0:
                self._meanwhile()
        rows = super().fetch(sql, values)
        if sql.startswith("BEGIN"):
            self._in_transaction = True
        elif sql in ("COMMIT", "ROLLBACK"):
            self._in_transaction = False
        return rows


class Remembering(note.Signer):
    """A signer that keeps all it ever signed, published or not."""

    __slots__ = ("signed",)

    def __init__(self, name: str, seed: bytes) -> None:
        super().__init__(name, seed)
        self.signed: list[bytes] = []

    def sign(self, text: str) -> bytes:
        made = super().sign(text)
        self.signed.append(made)
        return made


def test_a_sequencer_that_wakes_up_late_never_contradicts_its_successor(
    start: Callable[..., Machine], address: DatabaseAddress, keys: LogKeys, vkey: str, clock: Clock
) -> None:
    signer = Remembering(keys.origin, keys.signer._key.private_bytes_raw())
    watched = structs.replace(keys, signer=signer)
    point = 0
    for point in count(1):
        one, other = start(f"one{point}"), start(f"other{point}")
        successor = other.make_writer(other.open(), watched)
        add_receipts(address, 2)

        def take_over(one: Machine = one, other: Machine = other, successor: LogWriter = successor) -> None:
            end_life(address, one.life.epoch)
            add_receipts(address, 1)
            clock.pass_s(1)
            assert successor.take_turn(other.life.epoch).signed is not None

        with closing(Pausing(address, point, take_over)) as connection:
            one.make_writer(connection, watched).take_turn(one.life.epoch)
            if not connection.has_paused:
                break
        signed_before = len(signer.signed)
        assert not one.make_writer(one.open(), watched).take_turn(one.life.epoch).held
        assert len(signer.signed) == signed_before
        judge(signer.signed, read_entries(address), vkey)
        end_life(address, other.life.epoch)
        clock.pass_s(1)
    assert point > 5, "the turn has fewer steps than it is known to have"
    judge(read_published(address), read_entries(address), vkey)


def test_a_restored_backup_is_not_signed(
    start: Callable[..., Machine],
    address: DatabaseAddress,
    keys: LogKeys,
    tmp_path: Path,
    clock: Clock,
    stack: ExitStack,
    request: pytest.FixtureRequest,
) -> None:
    one, standby = start("one"), start("standby")
    add_receipts(address, 3)
    assert one.turn().signed is not None
    assert not standby.turn().held
    stack.close()  # nobody may be connected to a database that is copied
    backup = copy_database(address, tmp_path / "backup.db", request)
    with ExitStack() as later:
        gone_on = Machine(address, keys, tmp_path / "one", clock, later)
        watching = Machine(address, keys, tmp_path / "standby", clock, later)
        add_receipts(address, 2)
        clock.pass_s(1)
        assert gone_on.turn().signed is not None
        assert not watching.turn().held  # and it has seen what was signed
    with ExitStack() as restored:
        clock.pass_s(1)
        for name in ("one", "standby"):
            machine = Machine(backup, keys, tmp_path / name, clock, restored)
            with pytest.raises(LogRefused, match="signed up to 5 entries and has 3"):
                machine.turn()
            machine.writer.give_turn(machine.life.epoch)
        # It stays so when the tree has grown past the mark: these are other entries.
        stranger = Machine(backup, keys, make_folder(tmp_path / "stranger"), clock, restored)
        with closing(open_log(backup)) as connection:
            insert(connection, make_receipts(9, first=100))
        assert stranger.turn().signed is not None
        stranger.writer.give_turn(stranger.life.epoch)
        machine = Machine(backup, keys, tmp_path / "one", clock, restored)
        with pytest.raises(LogRefused, match="first 5 entries are not those that were signed"):
            machine.turn()


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


def copy_database(address: DatabaseAddress, path: Path, request: pytest.FixtureRequest) -> DatabaseAddress:
    """A backup of a database that nobody is connected to."""
    if address.engine is Engine.SQLITE:
        shutil.copy(address.path, path)
        return parse_address(f"sqlite:///{path}", Path())
    server = request.getfixturevalue("postgresql_server")
    name = address.target.reveal().partition("@/")[2].partition("?")[0]
    return parse_address(server.create_database(f"copy_{uuid.uuid4().hex}", template=name), Path())


@pytest.mark.parametrize(
    ("damage", "values", "message"),
    [
        ("DELETE FROM log_checkpoints", (), "last checkpoint is missing"),
        ("UPDATE log_tiles SET hashes = ?", (bytes(96),), "not those"),
        ("DELETE FROM log_tiles", (), "damaged"),
        ("UPDATE log_checkpoints SET note = ?", (b"no note",), "not signed by it"),
        ("UPDATE log_checkpoints SET note = ?", (note.generate("example.com/log").sign("x\n"),), "not signed by it"),
    ],
)
def test_a_tree_that_was_changed_is_not_signed(
    start: Callable[..., Machine],
    address: DatabaseAddress,
    clock: Clock,
    damage: LiteralString,
    values: tuple[bytes, ...],
    message: str,
) -> None:
    add_receipts(address, 3)
    assert start("one").turn().signed is not None
    with closing(DriverConnection(address)) as connection:
        connection.fetch(damage, values)
        connection.fetch("UPDATE logs SET holder = NULL")
    clock.pass_s(1)
    add_receipts(address, 1)
    before = read_published(address)
    machine = start("two")
    for _ in range(2):
        with pytest.raises(LogRefused, match=message):
            machine.turn()
    assert read_published(address) == before


@pytest.mark.parametrize(("not_before_ms", "not_after_ms"), [(0, -1), (0, 0), (1, 2)])
def test_a_key_signs_nothing_when_it_is_not_valid(
    address: DatabaseAddress,
    keys: LogKeys,
    tmp_path: Path,
    clock: Clock,
    stack: ExitStack,
    not_before_ms: int,
    not_after_ms: int,
) -> None:
    """Its end is the first moment after it, as it is for who verifies."""
    now_ms = clock.now_ns // 1_000_000
    invalid = structs.replace(keys, not_before_ms=now_ms + not_before_ms, not_after_ms=now_ms + not_after_ms)
    machine = Machine(address, invalid, tmp_path, clock, stack)
    add_receipts(address, 1)
    with pytest.raises(LogRefused, match="not valid now"):
        machine.turn()
    assert read_published(address) == []
