"""What keeping answers may cost: no more room than was given, and never a call."""

import asyncio
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallygate.genai.book import Answer
from tallygate.media.folder import Folder
from tallygate.media.seal import SEGMENT_BYTES_MAX
from tallygate.media.settings import IdempotencySettings
from tallygate.media.spool import BACKLOG_BYTES_MAX, Head, Spool
from tests.fakes.disks import FullDisk, Gate
from tests.media.spooling import KEY, LONG, OK, files, is_gone, keep, replay, try_to_keep

pytestmark = pytest.mark.anyio

MINUTE_NS = 60 * 10**9

# Keeps answers until it is killed, and says which it was promised were kept.
KEEPER = """
import asyncio, os, sys
from pathlib import Path
from tallygate.media.folder import Folder
from tallygate.media.settings import IdempotencySettings
from tallygate.media.spool import Head, Spool

async def keep():
    spool = Spool(Folder(Path(sys.argv[1])), bytes(range(32)), IdempotencySettings())
    number = 0
    while True:
        number += 1
        recording = spool.record(f"hold_{os.getpid()}_{number}")
        await recording.write(bytes(number % 7 * 50_000))
        answer = await recording.finish(Head(200))
        print(answer.object_name, answer.digest.hex(), number % 7 * 50_000, flush=True)

asyncio.run(keep())
"""


async def test_an_answer_too_long_is_not_kept(folder: Folder, tmp_path: Path) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(answer_bytes_max=100_000))
    assert await try_to_keep(spool, "long", LONG[:60_000], LONG[:40_000], b"x", b"y") is None
    assert await try_to_keep(spool, "fits", LONG[:60_000], LONG[:40_000]) is not None
    folder.close()
    assert len(files(tmp_path)) == 1


async def test_what_does_not_fit_the_quota_is_not_kept(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=300_000))
    with caplog.at_level(logging.WARNING, "tallygate"):
        kept = [await try_to_keep(spool, f"hold_{number}", LONG[:90_000]) for number in range(6)]
    assert [answer is not None for answer in kept] == [True] * 3 + [False] * 3
    assert [record.message for record in caplog.records] == [
        "the spool is full at 300000 bytes: answers are delivered but not kept"
    ]
    assert await try_to_keep(spool, "hold_7", b"small") is not None
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 300_000


async def test_small_answers_count_as_the_room_they_take(folder: Folder, tmp_path: Path) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=40_000))
    kept = [await try_to_keep(spool, f"hold_{number}", b"x") for number in range(20)]
    assert 0 < sum(answer is not None for answer in kept) < 10
    assert sum(path.stat().st_blocks * 512 for path in files(tmp_path)) <= 40_000


async def test_a_head_that_is_too_long_is_not_kept(spool: Spool, tmp_path: Path) -> None:
    head = Head(200, (("x-tallygate-dropped", "a" * SEGMENT_BYTES_MAX),))
    assert await try_to_keep(spool, "hold_1", b"x", head=head) is None
    assert files(tmp_path) == []


async def test_a_sweep_makes_room_again(folder: Folder) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=100_000))
    answer = await keep(spool, "hold_1", LONG[:90_000])
    assert (await spool.sweep(time.time_ns())).removed == 0
    assert await try_to_keep(spool, "hold_2", LONG[:90_000]) is None
    swept = await spool.sweep(time.time_ns() + 11 * MINUTE_NS + 1)
    assert (swept.removed, swept.left_bytes) == (1, 0)
    assert swept.removed_bytes >= 90_000
    assert await is_gone(spool, answer)
    assert await try_to_keep(spool, "hold_3", LONG[:90_000]) is not None


async def test_an_abandoned_recording_gives_its_room_back(folder: Folder) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=400_000))
    for number in range(9):
        recording = spool.record(f"hold_{number}")
        await recording.write(LONG)
        recording.abandon()
    assert await try_to_keep(spool, "hold_9", LONG) is not None


async def test_what_others_kept_counts_after_a_sweep(folder: Folder, spool: Spool) -> None:
    await keep(spool, "hold_1", LONG)
    late = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=len(LONG)))
    await late.sweep(time.time_ns())
    assert await try_to_keep(late, "hold_2", b"x") is None


async def test_a_quota_of_nothing_keeps_nothing(folder: Folder, tmp_path: Path) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(spool_bytes_max=0))
    assert await try_to_keep(spool, "hold_1", b"") is None
    assert files(tmp_path) == []


async def test_an_answer_is_kept_for_its_time(folder: Folder) -> None:
    spool = Spool(folder, KEY, IdempotencySettings(keep_s=3600))
    answer = await keep(spool, "hold_1", b"x")
    assert (await spool.sweep(time.time_ns() + 60 * MINUTE_NS)).removed == 0
    assert not await is_gone(spool, answer)
    assert (await spool.sweep(time.time_ns() + 62 * MINUTE_NS)).removed == 1


@pytest.mark.parametrize("steps", range(7))
async def test_a_full_disk_costs_the_answer_and_nothing_else(
    tmp_path: Path, steps: int, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FullDisk(tmp_path / "media")
    disk.steps_left = steps
    spool = Spool(disk, KEY, IdempotencySettings())
    with caplog.at_level(logging.WARNING, "tallygate"):
        answer = await try_to_keep(spool, "hold_1", LONG[:200_000], LONG[200_000:])
    assert (answer is not None) == (steps >= 6)
    assert len(caplog.records) == (steps < 6)
    disk.close()
    assert len(files(tmp_path)) == (steps >= 6)


async def test_a_writer_waits_for_a_slow_disk_only_when_far_ahead(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "media")
    spool = Spool(gate, KEY, IdempotencySettings())
    recording = spool.record("hold_1")
    written = 0
    while written + 2 * SEGMENT_BYTES_MAX < BACKLOG_BYTES_MAX:
        await recording.write(bytes(4096))
        written += 4096
    ahead = asyncio.create_task(recording.write(bytes(BACKLOG_BYTES_MAX)))
    await yield_often()
    assert not ahead.done()
    gate.opened.set()
    await ahead
    answer = await recording.finish(OK)
    assert answer is not None
    assert (await replay(spool, answer))[1] == bytes(written + BACKLOG_BYTES_MAX)
    gate.close()


async def test_a_cancelled_wait_loses_nothing(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "media")
    spool = Spool(gate, KEY, IdempotencySettings())
    recording = spool.record("hold_1")
    waiting = asyncio.create_task(recording.write(LONG))
    await yield_often()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.opened.set()
    await recording.write(b"end")
    answer = await recording.finish(OK)
    assert answer is not None
    assert (await replay(spool, answer))[1] == LONG + b"end"
    gate.close()


async def test_a_segment_that_is_lost_costs_the_answer(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "media")
    recording = Spool(gate, KEY, IdempotencySettings()).record("hold_1")
    before = asyncio.all_tasks()
    await recording.write(bytes(SEGMENT_BYTES_MAX + 1))
    await yield_often()
    (handing_over,) = asyncio.all_tasks() - before
    handing_over.cancel()
    gate.opened.set()
    assert await recording.finish(OK) is None
    gate.close()
    assert files(tmp_path) == []


@pytest.mark.parametrize("size", [1, len(LONG)])
async def test_a_cancelled_finish_leaves_nothing(tmp_path: Path, size: int) -> None:
    gate = Gate(tmp_path / "media")
    recording = Spool(gate, KEY, IdempotencySettings()).record("hold_1")
    writing = asyncio.create_task(recording.write(LONG[:size]))
    await yield_often()
    finishing = asyncio.create_task(recording.finish(OK))
    await yield_often()
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    gate.opened.set()
    await writing
    gate.close()
    assert files(tmp_path) == []


@pytest.mark.parametrize("cycle", range(3))
async def test_kept_means_kept_even_when_killed(spool: Spool, tmp_path: Path, cycle: int) -> None:
    for line in run_keeper(tmp_path / "media", lines=20 + 7 * cycle):
        name, digest, size = line.split()
        answer = Answer(bytes.fromhex(digest), name)
        assert await replay(spool, answer) == (Head(200), bytes(int(size)))
    left = [path for path in files(tmp_path) if path.name.startswith(".")]
    swept = await spool.sweep(time.time_ns() + 60 * MINUTE_NS)
    assert swept.removed >= 20 + len(left)
    assert files(tmp_path) == []


async def yield_often() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run_keeper(root: Path, lines: int) -> list[str]:
    """What a process said that was killed in the middle of its work."""
    command = [sys.executable, "-c", KEEPER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        said = [keeper.stdout.readline() for _ in range(lines)]
        keeper.send_signal(signal.SIGKILL)
        rest = keeper.stdout.read().splitlines(keepends=True)
    return [line for line in (*said, *rest) if line.endswith("\n")]
