"""What the processes of one gateway tell each other beside the database: which edition of the configuration is in
force, and who has taken it. It is a file without a name, open in all of them, and ends with the last.
"""

import fcntl
import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
from msgspec import Struct, field

from tallygate.config.document import Source


class Edition(Struct, frozen=True):
    """One configuration that was in force: the start's has the number 1. `source` is the file as it was read then."""

    number: int
    issued_at_ns: int
    source: Source | None = None


class _Page(Struct):
    edition: Edition
    taken: dict[int, int] = field(default_factory=dict[int, int])


class Slate:
    """Made before the workers are forked, so that all of them have it. Functions may be called from any thread."""

    def __init__(self, first: Edition, folder: Path) -> None:
        self._file = TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - closed by `close`
        self._threads = threading.Lock()
        self._turns = threading.Lock()
        self._write(_Page(first))

    def close(self) -> None:
        """Let go of it. Other processes go on with it."""
        self._file.close()

    @contextmanager
    def turn(self) -> Generator[None]:
        """Nobody else issues an edition while this context is open."""
        with self._turns, self._locked(1):
            yield

    def issue(self, edition: Edition) -> None:
        """Put an edition in force. Each process has still to take it."""
        with self._threads, self._locked(0):
            page = self._read()
            page.edition = edition
            self._write(page)

    def read(self) -> Edition:
        """The edition in force."""
        with self._threads, self._locked(0):
            return self._read().edition

    def note(self, process: int, number: int) -> None:
        """A process has taken an edition. Those that are dead are forgotten."""
        with self._threads, self._locked(0):
            page = self._read()
            page.taken = {pid: taken for pid, taken in page.taken.items() if is_alive(pid)} | {process: number}
            self._write(page)

    def list_taken(self) -> Mapping[int, int]:
        """The number of the edition that each living process has taken."""
        with self._threads, self._locked(0):
            return {pid: number for pid, number in self._read().taken.items() if is_alive(pid)}

    @contextmanager
    def _locked(self, byte: int) -> Generator[None]:
        """Keeps other processes out, and is let go of if this one dies."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, byte)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def _read(self) -> _Page:
        size = os.fstat(self._file.fileno()).st_size
        return msgspec.json.decode(os.pread(self._file.fileno(), size, 0), type=_Page, dec_hook=_read_path)

    def _write(self, page: _Page) -> None:
        data = msgspec.json.encode(page, enc_hook=str)
        os.pwrite(self._file.fileno(), data, 0)
        os.ftruncate(self._file.fileno(), len(data))


def is_alive(process: int) -> bool:
    """Whether there is such a process of ours."""
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _read_path(_: type, value: Any) -> Path:
    return Path(value)
