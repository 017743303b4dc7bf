"""The high-water mark: it only rises, it survives, and a file that is something else is not taken for one."""

from pathlib import Path

import pytest

from tallygate.receipts import checkpoint, note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.receipts.high_water import BadMark, HighWater

SIGNER = note.generate("example.com/log")


def sign(size: int, root: bytes = bytes(32), signer: note.Signer = SIGNER) -> bytes:
    return signer.sign(checkpoint.write(Checkpoint("example.com/log", size, root)))


@pytest.fixture
def mark(tmp_path: Path) -> HighWater:
    return HighWater(tmp_path / "high-water", SIGNER.verifier.vkey)


def test_there_is_none_before_the_first(mark: HighWater) -> None:
    assert mark.read() is None


def test_it_only_rises(mark: HighWater, tmp_path: Path) -> None:
    assert mark.rise(sign(3))
    assert mark.rise(sign(3))
    assert not mark.rise(sign(2))
    assert not mark.rise(sign(3, bytes([1]) * 32))
    assert mark.rise(sign(5))
    assert mark.read() == Checkpoint("example.com/log", 5, bytes(32))
    assert (tmp_path / "high-water").read_bytes() == sign(5)
    assert (tmp_path / "high-water").stat().st_mode & 0o777 == 0o600


def test_what_a_crash_left_half_written_is_ignored(mark: HighWater, tmp_path: Path) -> None:
    assert mark.rise(sign(3))
    (tmp_path / "high-water.new").write_bytes(b"half")
    assert mark.read() == Checkpoint("example.com/log", 3, bytes(32))
    assert mark.rise(sign(4))


@pytest.mark.parametrize("data", [b"", b"no note", sign(3)[:-9], sign(3, signer=note.generate("example.com/log"))])
def test_a_file_that_is_no_mark_of_this_log_is_refused(mark: HighWater, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "high-water").write_bytes(data)
    with pytest.raises(BadMark, match="high-water"):
        mark.read()
    with pytest.raises(BadMark):
        mark.rise(sign(4))
    assert (tmp_path / "high-water").read_bytes() == data
