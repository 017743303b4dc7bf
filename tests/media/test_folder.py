"""Objects as files: whole or not there, for their owner alone, and nothing left over."""

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallygate.media.folder import Folder, read_media_url
from tallygate.media.store import ObjectMissing, StoreFailed
from tests.media.spooling import files

pytestmark = pytest.mark.anyio

HOUR_NS = 3600 * 10**9

# Writes a little of an object, says so, and waits to be killed.
WRITER = """
import asyncio, sys
from pathlib import Path
from tallygate.media.folder import Folder

async def write():
    upload = Folder(Path(sys.argv[1])).create("spool/half")
    await upload.write(b"half")
    print("written", flush=True)
    sys.stdin.read()

asyncio.run(write())
"""


async def read(folder: Folder, name: str) -> bytes:
    download = await folder.open(name)
    try:
        return await download.read(0, 1 << 20)
    finally:
        download.close()


def start_writer(root: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", WRITER, str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def test_an_object_is_there_once_it_is_committed(folder: Folder, tmp_path: Path) -> None:
    upload = folder.create("spool/one")
    assert files(tmp_path) == []
    await upload.write(b"first ")
    with pytest.raises(ObjectMissing):
        await folder.open("spool/one")
    await upload.commit(b"last")
    assert await read(folder, "spool/one") == b"first last"
    assert [path.name for path in files(tmp_path)] == ["one"]


async def test_it_is_its_owners_alone(folder: Folder, tmp_path: Path) -> None:
    await folder.create("spool/one").commit(b"x")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "media").rglob("*")}
    assert modes == {"spool": 0o700, "one": 0o600}
    assert stat.S_IMODE((tmp_path / "media").stat().st_mode) == 0o700


async def test_it_is_synced_before_it_has_its_name(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, bool]] = []
    sync = os.fsync

    def watch(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, (tmp_path / "media/spool/one").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    await folder.create("spool/one").commit(b"x")
    assert synced == [(False, False), (True, True)]


async def test_a_failed_sync_leaves_no_object(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    upload = folder.create("spool/one")
    with pytest.raises(StoreFailed, match="Input/output"):
        await upload.commit(b"x")
    upload.discard()
    folder.close()
    assert files(tmp_path) == []


async def test_what_is_discarded_is_gone(folder: Folder, tmp_path: Path) -> None:
    untouched, begun = folder.create("spool/one"), folder.create("spool/two")
    await begun.write(b"x")
    for upload in (untouched, begun):
        upload.discard()
        with pytest.raises(StoreFailed):
            await upload.write(b"more")
    assert files(tmp_path) == []


async def test_what_is_committed_is_not_discarded(folder: Folder) -> None:
    upload = folder.create("spool/one")
    await upload.commit(b"x")
    upload.discard()
    assert await read(folder, "spool/one") == b"x"


async def test_an_object_is_read_to_its_end_though_it_is_deleted(folder: Folder) -> None:
    await folder.create("spool/one").commit(b"0123456789")
    download = await folder.open("spool/one")
    assert await download.read(0, 4) == b"0123"
    await folder.delete("spool/one")
    assert await download.read(4, 99) == b"456789"
    assert await download.read(10, 99) == b""
    download.close()
    with pytest.raises(ObjectMissing):
        await folder.open("spool/one")
    await folder.delete("spool/one")


async def test_links_and_folders_are_no_objects(folder: Folder, tmp_path: Path) -> None:
    await folder.create("spool/one").commit(b"x")
    (tmp_path / "secret").write_text("not yours")
    (tmp_path / "media/spool/link").symlink_to(tmp_path / "secret")
    with pytest.raises(ObjectMissing):
        await folder.open("spool/link")
    os.mkfifo(tmp_path / "media/spool/pipe")
    (tmp_path / "media/spool/inner").mkdir()
    for name in ("spool/inner", "spool/pipe"):
        with pytest.raises(StoreFailed):
            await read(folder, name)


@pytest.mark.parametrize("name", ["../one", "spool/../one", "/etc/passwd", "spool/.x"])
async def test_no_name_leads_out(folder: Folder, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        folder.create(name)
    with pytest.raises(ValueError, match="not the name"):
        await folder.open(name)
    with pytest.raises(ValueError, match="not the name"):
        await folder.delete(name)


async def test_a_sweep_takes_what_is_old_and_counts_the_rest(folder: Folder, tmp_path: Path) -> None:
    assert (await folder.sweep("spool", time.time_ns())).left_bytes == 0
    await folder.create("spool/old").commit(b"x" * 9000)
    await folder.create("spool/new").commit(b"x" * 5000)
    now_ns = time.time_ns()
    os.utime(tmp_path / "media/spool/old", ns=(now_ns, now_ns - HOUR_NS))
    swept = await folder.sweep("spool", now_ns - HOUR_NS // 2)
    assert (swept.removed, [path.name for path in files(tmp_path)]) == (1, ["new"])
    assert swept.removed_bytes >= 9000
    assert swept.left_bytes >= 5000


async def test_a_sweep_leaves_a_draft_to_its_living_writer(folder: Folder) -> None:
    upload = folder.create("spool/one")
    await upload.write(b"x" * 9000)
    swept = await folder.sweep("spool", time.time_ns() + HOUR_NS)
    assert (swept.removed, swept.left_bytes >= 9000) == (0, True)
    await upload.commit(b"")
    assert len(await read(folder, "spool/one")) == 9000


async def test_a_killed_writer_leaves_nothing_readable(folder: Folder, tmp_path: Path) -> None:
    with start_writer(tmp_path / "media") as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        assert (await folder.sweep("spool", time.time_ns() + HOUR_NS)).removed == 0
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert len(files(tmp_path)) == 1
    with pytest.raises(ObjectMissing):
        await folder.open("spool/half")
    assert (await folder.sweep("spool", 0)).removed == 0, "it is young: its writer may just be about to lock it"
    assert (await folder.sweep("spool", time.time_ns() + HOUR_NS)).removed == 1
    assert files(tmp_path) == []


async def test_a_full_disk_is_a_failure_of_the_store(folder: Folder, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    upload = folder.create("spool/one")
    # Beyond this size the system refuses to let a file grow; Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StoreFailed):
            await upload.write(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    upload.discard()
    folder.close()
    assert files(tmp_path) == []


async def test_after_the_end_everything_is_a_failure(folder: Folder, tmp_path: Path) -> None:
    upload = folder.create("spool/one")
    await upload.write(b"x")
    folder.close()
    with pytest.raises(StoreFailed, match="closed"):
        await upload.commit(b"x")
    upload.discard()
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Folder(tmp_path / "file" / "media")


@pytest.mark.parametrize(
    ("url", "path"),
    [("file:///srv/media", "/srv/media"), ("file://localhost/a%20b/%C3%A4", "/a b/ä"), ("file:///a:b/c", "/a:b/c")],
)
def test_a_url_names_a_folder(url: str, path: str) -> None:
    assert read_media_url(url) == Path(path)


def test_a_path_as_a_url_and_back(tmp_path: Path) -> None:
    odd = tmp_path / "50% of $x #1?"
    assert read_media_url(odd.as_uri()) == odd
