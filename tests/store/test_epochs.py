"""An epoch is one life of one process: it begins with its lock and its row, and is buried only by who saw it still."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.store.address import DatabaseAddress, Engine, parse_address
from tallygate.store.driver import DriverConnection
from tallygate.store.epochs import begin_life, bury, drop_ended, list_living, locks_folder
from tallygate.store.lock_file import is_abandoned
from tallygate.store.refusal import DatabaseUnusable

WORKERS = """
import os, signal, sys
from pathlib import Path
from tallygate.store.address import parse_address
from tallygate.store.epochs import begin_life
address = parse_address(f"sqlite:///{sys.argv[1]}", Path())
for _ in range(2):
    if os.fork() == 0:
        life = begin_life(address, "worker")
        print(os.getpid(), life.epoch, flush=True)
        signal.pause()
for _ in range(2):
    print("gone", os.wait()[0], flush=True)
"""


@pytest.fixture
def connection(address: DatabaseAddress) -> Generator[DriverConnection]:
    with closing(DriverConnection(address)) as opened:
        yield opened


def put_hold(connection: DriverConnection, hold_id: str, epoch: str, state: str = "open") -> None:
    connection.fetch(
        "INSERT INTO workspaces (id, name, status, created_at_ns) VALUES ('w1', 'w1', 'active', 1)"
        " ON CONFLICT DO NOTHING"
    )
    connection.fetch(
        "INSERT INTO users (id, workspace_id, name, status, created_at_ns) VALUES ('u1', 'w1', 'u1', 'active', 1)"
        " ON CONFLICT DO NOTHING"
    )
    connection.fetch(
        "INSERT INTO holds (id, workspace_id, user_id, key_id, epoch, model, price_version, amount_nusd,"
        " output_tokens_max, opened_at_ns, budget_ids, claim_id, state, ended_at_ns, charged_nusd, loss_nusd,"
        " refunded_nusd, sequence, input_tokens, output_tokens, progress_nusd, details)"
        " VALUES (?, 'w1', 'u1', 'k1', ?, 'm', 'p1', 100, 0, 1, '[]', '', ?, ?, 0, 0, 0, 0, 0, 0, 0, '')",
        (hold_id, epoch, state, None if state == "open" else 2),
    )


def ended(connection: DriverConnection) -> dict[str, bool]:
    """Every epoch there is, and whether it has ended."""
    return {epoch: at_ns is not None for epoch, at_ns in connection.fetch("SELECT epoch, ended_at_ns FROM epochs")}


def beat(connection: DriverConnection, epoch: str) -> None:
    connection.fetch("UPDATE epochs SET beats = beats + 1 WHERE epoch = ?", (epoch,))


def test_a_life_begins_with_a_row_and_ends_without_a_trace(
    address: DatabaseAddress, connection: DriverConnection
) -> None:
    life = begin_life(address, "host:7")
    (living,) = list_living(connection)
    assert (living.epoch, living.owner, living.beats) == (life.epoch, "host:7", 0)
    life.end()
    assert ended(connection) == {}
    if address.engine is Engine.SQLITE:
        assert list(locks_folder(address).iterdir()) == []


def test_two_lives_have_two_names(address: DatabaseAddress) -> None:
    first, second = begin_life(address, "host:7"), begin_life(address, "host:7")
    assert first.epoch != second.epoch
    first.end()
    second.end()


def test_a_life_that_leaves_an_open_hold_stays_as_ended(address: DatabaseAddress, connection: DriverConnection) -> None:
    life = begin_life(address, "host:7")
    put_hold(connection, "h1", life.epoch)
    life.end()
    assert ended(connection) == {life.epoch: True}
    assert list_living(connection) == []


def test_only_whom_nobody_saw_beat_is_buried(address: DatabaseAddress, connection: DriverConnection) -> None:
    life = begin_life(address, "host:7")
    beat(connection, life.epoch)
    assert not bury(connection, life.epoch, 0, at_ns=5)
    assert ended(connection) == {life.epoch: False}
    assert bury(connection, life.epoch, 1, at_ns=5)
    assert ended(connection) == {life.epoch: True}
    assert not bury(connection, life.epoch, 1, at_ns=6), "nobody is buried twice"
    life.end()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_an_owner_in_the_middle_of_a_transaction_is_left_alone(
    address: DatabaseAddress, connection: DriverConnection
) -> None:
    life = begin_life(address, "host:7")
    with closing(DriverConnection(address)) as owner:
        owner.fetch("BEGIN")
        owner.fetch("SELECT 1 FROM epochs WHERE epoch = ? FOR NO KEY UPDATE", (life.epoch,))
        assert not bury(connection, life.epoch, 0, at_ns=5)
        owner.fetch("COMMIT")
    assert bury(connection, life.epoch, 0, at_ns=5)
    life.end()


def test_of_many_who_bury_one_does(address: DatabaseAddress) -> None:
    life = begin_life(address, "host:7")
    start, buried = threading.Barrier(4), list[bool]()

    def run() -> None:
        with closing(DriverConnection(address)) as own:
            start.wait()
            buried.append(bury(own, life.epoch, 0, at_ns=5))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(buried) == [False, False, False, True]
    life.end()


def test_the_ended_are_forgotten_once_nothing_of_theirs_is_open(
    address: DatabaseAddress, connection: DriverConnection
) -> None:
    names = ("living", "late", "early", "owing")
    lives = {name: begin_life(address, name) for name in names}
    for name, at_ns in (("late", 10), ("early", 5), ("owing", 5)):
        bury(connection, lives[name].epoch, 0, at_ns)
    put_hold(connection, "h1", lives["owing"].epoch)
    put_hold(connection, "h2", lives["early"].epoch, "voided")
    drop_ended(connection, before_ns=10)
    assert ended(connection) == {lives["living"].epoch: False, lives["late"].epoch: True, lives["owing"].epoch: True}
    for life in lives.values():
        life.end()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_forked_workers_each_keep_their_own_lock(address: DatabaseAddress) -> None:
    command = [sys.executable, "-c", WORKERS, address.target.reveal()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        lives = dict(parent.stdout.readline().split() for _ in range(2))
        (first, first_epoch), (second, second_epoch) = lives.items()
        os.kill(int(first), signal.SIGKILL)
        assert parent.stdout.readline() == f"gone {first}\n"
        assert is_abandoned(locks_folder(address) / first_epoch)
        assert not is_abandoned(locks_folder(address) / second_epoch)
        os.kill(int(second), signal.SIGKILL)


def test_without_its_database_a_life_ends_by_its_lock(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "away.db"
    path.write_bytes(sqlite_template.read_bytes())
    address = parse_address(f"sqlite:///{path}", tmp_path)
    life = begin_life(address, "host:7")
    for file in tmp_path.glob("away.db*"):
        file.unlink()
    path.mkdir()
    life.end()
    assert is_abandoned(locks_folder(address) / life.epoch)


def test_a_database_without_its_tables_is_refused_and_nothing_stays_locked(empty_database_url: str) -> None:
    address = parse_address(empty_database_url, Path())
    with pytest.raises(DatabaseUnusable):
        begin_life(address, "host:7")
    if address.engine is Engine.SQLITE:
        assert list(locks_folder(address).iterdir()) == []


def test_the_lock_stands_beside_the_file_that_a_link_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "book.db")
    linked = parse_address(f"sqlite:///{tmp_path}/link.db", tmp_path)
    real = parse_address(f"sqlite:///{tmp_path}/real/book.db", tmp_path)
    assert locks_folder(linked) == locks_folder(real) == tmp_path / "real" / "epochs"
