"""What processes share: nothing that one wrote is half read by another, and an edition is issued by one at a time."""

import os
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tallygate.app.slate import Edition, Slate
from tallygate.config.document import Source

PROCESSES, ROUNDS = 4, 50


@pytest.fixture
def slate(tmp_path: Path) -> Generator[Slate]:
    with closing(Slate(Edition(1, 0, None), tmp_path)) as made:
        yield made


def fork(work: "object") -> int:
    """Run a function in a process of its own; its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()  # pyright: ignore[reportCallIssue]
    except BaseException:  # noqa: BLE001 - the test reads the status
        os._exit(1)
    os._exit(0)


def test_the_folder_shows_nothing_of_it(slate: Slate, tmp_path: Path) -> None:
    slate.issue(Edition(2, 5, Source("a = 1", "t.toml", tmp_path / "t.toml")))
    assert slate.read() == Edition(2, 5, Source("a = 1", "t.toml", tmp_path / "t.toml"))
    assert list(tmp_path.iterdir()) == []


def test_a_shorter_page_leaves_nothing_of_a_longer_one(slate: Slate) -> None:
    slate.issue(Edition(2, 0, Source("x" * 10_000, "t.toml", Path("/t.toml"))))
    slate.issue(Edition(3, 0, None))
    assert slate.read() == Edition(3, 0, None)


def test_no_edition_is_lost_between_processes(slate: Slate) -> None:
    def issue() -> None:
        for _ in range(ROUNDS):
            with slate.turn():
                before = slate.read()
                slate.issue(Edition(before.number + 1, 0, Source("y" * before.number, "t", Path("/t"))))
            slate.note(os.getpid(), slate.read().number)

    pids = [fork(issue) for _ in range(PROCESSES)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * PROCESSES
    assert slate.read().number == 1 + PROCESSES * ROUNDS


def test_who_has_ended_is_forgotten(slate: Slate) -> None:
    pid = fork(lambda: slate.note(os.getpid(), 7))
    os.waitpid(pid, 0)
    slate.note(os.getpid(), 8)
    assert slate.list_taken() == {os.getpid(): 8}
