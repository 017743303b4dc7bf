"""A file with a secret: whole or not at all, for its owner alone, one for all processes."""

import stat
import threading
from pathlib import Path

import pytest

from tallygate.access.secret_file import BadSecret, read_or_create


def test_a_missing_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    assert read_or_create(path, lambda: "one") == "one"
    assert read_or_create(path, lambda: "two") == "one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_all_who_start_at_once_get_the_same(tmp_path: Path) -> None:
    path, barrier, got = tmp_path / "secret", threading.Barrier(8), list[str]()

    def start(number: int) -> None:
        def make() -> str:
            barrier.wait()  # everybody has seen that the file is missing before anybody writes it
            return f"secret {number}"

        got.append(read_or_create(path, make))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [path.read_text().strip()] * 8
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    with pytest.raises(BadSecret, match=r"secret can be neither read nor made"):
        read_or_create(tmp_path / "secret", lambda: "one")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSecret):
        read_or_create(tmp_path / "bytes", lambda: "one")
    with pytest.raises(BadSecret):
        read_or_create(tmp_path / "bytes" / "secret", lambda: "one")
