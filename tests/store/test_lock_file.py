"""A lock lives exactly as long as its maker: kills, stops, forks and other observers included."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tallygate.store.lock_file import LockFile, is_abandoned

KEEPER = """
import sys
from pathlib import Path
from tallygate.store.lock_file import LockFile
lock = LockFile(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


FORKER = """
import os, signal, sys
from pathlib import Path
from tallygate.store.lock_file import LockFile
lock = LockFile(Path(sys.argv[1]))
if os.fork() == 0:
    print("locked", flush=True)
    sys.stdin.read()
    os._exit(0)
signal.pause()
"""


@contextmanager
def keeping(path: Path, program: str = KEEPER) -> Generator["subprocess.Popen[str]"]:
    """A process that keeps the lock until it is killed."""
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "locked\n"
        try:
            yield child
        finally:
            child.kill()


def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "epochs" / "ep_1"
    lock = LockFile(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not is_abandoned(path)
    lock.release(remove=True)
    assert not path.exists()


def test_a_missing_file_proves_nothing(tmp_path: Path) -> None:
    assert not is_abandoned(tmp_path / "nothing")


def test_a_file_left_behind_says_that_its_maker_is_dead(tmp_path: Path) -> None:
    lock = LockFile(tmp_path / "ep_1")
    lock.release(remove=False)
    assert is_abandoned(tmp_path / "ep_1")


def test_a_second_release_lets_no_other_lock_go(tmp_path: Path) -> None:
    first = LockFile(tmp_path / "ep_1")
    first.release(remove=True)
    second = LockFile(tmp_path / "ep_2")  # gets the descriptor that is free now
    first.release(remove=True)
    assert not is_abandoned(tmp_path / "ep_2")
    second.release(remove=True)


def test_a_killed_maker_lets_go_at_once(tmp_path: Path) -> None:
    with keeping(tmp_path / "ep_1") as keeper:
        assert not is_abandoned(tmp_path / "ep_1")
        keeper.kill()
        keeper.wait()
        assert is_abandoned(tmp_path / "ep_1")


def test_a_stopped_maker_keeps_it(tmp_path: Path) -> None:
    with keeping(tmp_path / "ep_1") as keeper:
        keeper.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, keeper.pid, os.WSTOPPED)
        assert not is_abandoned(tmp_path / "ep_1")


def test_observers_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    LockFile(tmp_path / "ep_1").release(remove=False)
    with (tmp_path / "ep_1").open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert is_abandoned(tmp_path / "ep_1")


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    with keeping(tmp_path / "ep_1", FORKER) as keeper:
        assert not is_abandoned(tmp_path / "ep_1")
        keeper.kill()
        keeper.wait()
        assert is_abandoned(tmp_path / "ep_1")


def test_a_file_removed_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, flock, calls = tmp_path / "ep_1", fcntl.flock, 0

    def lock_late(descriptor: int, operation: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    lock = LockFile(path)
    assert calls == 2
    assert path.exists()
    assert not is_abandoned(path)
    lock.release(remove=True)
