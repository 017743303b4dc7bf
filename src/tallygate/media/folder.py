"""Objects as files of a local folder, for this user alone: folders 0700, files 0600.

An object is written under a temporary name, synced and renamed, so a half-written one is never readable. Its writer
locks it meanwhile: the lock falls when the process dies, and that is how a sweep tells what is left over.
Files are touched on a few threads of our own and never on the event loop.
"""

import asyncio
import fcntl
import io
import os
import secrets
import stat
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

from tallygate.media.store import ObjectMissing, StoreFailed, Swept, check_name

THREADS_MAX = 4
"""Enough to keep one slow sync from holding up the others."""

_DRAFT_PREFIX = "."
_BLOCK_BYTES = 512  # the unit of st_blocks (POSIX, sys/stat.h)

P = ParamSpec("P")
T = TypeVar("T")


def read_media_url(media_url: str) -> Path:
    """The folder that a checked `media_url` names: `file:///srv/my%20media` is /srv/my media."""
    return Path(unquote(urlsplit(media_url).path))


class Folder:
    """An ObjectStore in a folder, which is made if it is missing. Raises OSError if it cannot be made or written."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="media")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = root / f"{_DRAFT_PREFIX}{secrets.token_hex(16)}"
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        probe.unlink()

    def create(self, name: str) -> "FileUpload":
        """Begin an object. Its file is made with its first bytes."""
        return FileUpload(self._path(name), self._threads)

    async def open(self, name: str) -> "FileDownload":
        """The object of that name."""
        return FileDownload(await _run(self._threads, _open, self._path(name)), self._threads)

    async def delete(self, name: str) -> None:
        """Remove the object if it is there."""
        await _run(self._threads, self._path(name).unlink, missing_ok=True)

    async def sweep(self, folder: str, before_ns: int) -> Swept:
        """Remove what is older, and drafts whose writer is dead."""
        return await _run(self._threads, _sweep, self._root / folder, before_ns)

    def close(self) -> None:
        """Wait for the threads."""
        self._threads.shutdown()

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._root / name


class FileUpload:
    """A draft on its way to being an object. Its steps may run on different threads, but never two at once."""

    def __init__(self, path: Path, threads: ThreadPoolExecutor) -> None:
        self._path = path
        self._draft = path.with_name(f"{_DRAFT_PREFIX}{secrets.token_hex(16)}")
        self._threads = threads
        self._lock = threading.Lock()
        self._file: io.FileIO | None = None
        self._ended = False

    async def write(self, data: bytes) -> None:
        """Append to the draft."""
        await _run(self._threads, self._write, data)

    async def commit(self, last: bytes) -> None:
        """Append, sync, rename, sync the folder."""
        await _run(self._threads, self._commit, last)

    def discard(self) -> None:
        """Remove the draft, after whatever step runs now."""
        try:
            self._threads.submit(self._discard)
        except RuntimeError:
            self._discard()  # the threads have ended, and with them what might have held it up

    def _write(self, data: bytes) -> None:
        with self._lock:
            self._append(data)

    def _commit(self, last: bytes) -> None:
        with self._lock:
            file = self._append(last)
            os.fsync(file.fileno())
            self._draft.rename(self._path)
            self._ended = True
            file.close()
            _sync_folder(self._path.parent)

    def _discard(self) -> None:
        with self._lock:
            if not self._ended:
                self._ended = True
                if self._file is not None:
                    self._file.close()
                    self._draft.unlink(missing_ok=True)

    def _append(self, data: bytes) -> io.FileIO:
        if self._ended:
            raise StoreFailed("the object was discarded")
        if self._file is None:
            self._file = _create(self._draft)
        left = memoryview(data)
        while left:
            # A disk about to be full takes a part; the next write then says why.
            left = left[self._file.write(left) :]
        return self._file


class FileDownload:
    """An object being read."""

    def __init__(self, file: io.FileIO, threads: ThreadPoolExecutor) -> None:
        self._file = file
        self._threads = threads

    async def read(self, offset_bytes: int, bytes_max: int) -> bytes:
        """A piece of the file."""
        return await _run(self._threads, os.pread, self._file.fileno(), bytes_max, offset_bytes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


async def _run(threads: ThreadPoolExecutor, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it on a thread. What the system refuses, and what comes after `close`, ends as StoreFailed."""

    def guarded() -> T:
        with _telling():
            return job(*args, **kwargs)

    try:
        done = asyncio.get_running_loop().run_in_executor(threads, guarded)
    except RuntimeError as error:
        raise StoreFailed("the store is closed") from error
    return await done


@contextmanager
def _telling() -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(str(error)) from error
    except OSError as error:
        raise StoreFailed(str(error)) from error


def _create(draft: Path) -> io.FileIO:
    draft.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    file = io.FileIO(descriptor, "wb")
    # Nobody else knows the name but a sweep, and that looks at nothing this young.
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _open(path: Path) -> io.FileIO:
    # A link is nothing we made: it is not followed, wherever it leads.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ObjectMissing(str(error)) from error
    return io.FileIO(descriptor, "rb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, before_ns: int) -> Swept:
    removed = removed_bytes = left_bytes = 0
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return Swept(0, 0, 0)
    with entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
                size_bytes = found.st_blocks * _BLOCK_BYTES
                if _is_due(entry, found, before_ns):
                    os.unlink(entry.path)
                    removed, removed_bytes = removed + 1, removed_bytes + size_bytes
                else:
                    left_bytes += size_bytes
            except FileNotFoundError:
                continue  # another process sweeps too, or has finished its draft
    return Swept(removed, removed_bytes, left_bytes)


def _is_due(entry: "os.DirEntry[str]", found: os.stat_result, before_ns: int) -> bool:
    if not stat.S_ISREG(found.st_mode) or found.st_mtime_ns >= before_ns:
        return False
    return not entry.name.startswith(_DRAFT_PREFIX) or _is_abandoned(entry.path)


def _is_abandoned(path: str) -> bool:
    """Whether nobody holds the lock of a draft."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
