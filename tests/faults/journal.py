"""An append-only record that outlives a kill: one JSON object a line, written before what it tells of is done.

Each entry is one write to the file, so it survives the death of the process that wrote it; entries noted as `durable`
are also synced to the disk, with all before them. Times are seconds of the machine's monotonic clock, which every
process shares. The provider keeps its journal and the clients their history in this form.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """A journal being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, event: str, *, durable: bool = False, **facts: Any) -> None:
        """One entry."""
        entry = {"event": event, "at_s": time.monotonic(), **facts}
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", errors="backslashreplace") + b"\n"
        while line:
            line = line[os.write(self._file, line) :]
        if durable:
            os.fdatasync(self._file)

    def close(self) -> None:
        """Sync and close it."""
        os.fdatasync(self._file)
        os.close(self._file)


def read_journal(path: Path) -> list[Entry]:
    """The entries so far; half a line at the end, of a writer killed in mid-write, is left out."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    return [json.loads(line) for line in lines[:-1]]


class Follower:
    """Reads a journal as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.entries: list[Entry] = []

    def read(self) -> list[Entry]:
        """Everything so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            whole = data.rfind(b"\n") + 1
            self._offset += whole
            self.entries.extend(json.loads(line) for line in data[:whole].splitlines())
        return self.entries
