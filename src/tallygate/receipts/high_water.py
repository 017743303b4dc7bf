"""The high-water mark: the largest tree this machine has signed or seen signed, in a file beside the key.

A database that was restored from an older backup has forgotten what was published from it; the file has not, and no
tree is signed that contradicts it. It holds a checkpoint as it was signed, so it is evidence as it stands.
"""

import os
from pathlib import Path
from typing import Final

from tallygate.receipts import checkpoint, note
from tallygate.receipts.checkpoint import Checkpoint
from tallygate.store.lock_file import LockFile

FILE_NAME: Final = "log-high-water"
"""What the file is called in the data folder."""


class BadMark(Exception):
    """The file is not a checkpoint of this log, signed by its key. The text is ready to print."""


class HighWater:
    """The mark of one log, whose key is `vkey`. Processes of one machine share the file."""

    def __init__(self, path: Path, vkey: str) -> None:
        self._path = path
        self._vkey = vkey

    def read(self) -> Checkpoint | None:
        """The tree of the mark; None before the first. Raises BadMark, OSError."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            signed = note.parse(data)
            note.verify(signed, [self._vkey])
            return checkpoint.read(signed.text)
        except ValueError as error:
            raise BadMark(
                f"The file {self._path} is not a checkpoint signed with this log's key: {error}.\n"
                "It says how far the log was signed. Put back the file, or the key, that was there before."
            ) from error

    def rise(self, signed: bytes) -> bool:
        """Put a signed checkpoint in the file, on the disk before this returns, unless one as large is there.

        Returns whether the file now holds this tree, and not a larger or another one. Raises BadMark, OSError.
        """
        risen = checkpoint.read(note.parse(signed).text)
        lock = LockFile(self._path.with_name(f"{self._path.name}.lock"))
        try:
            mark = self.read()
            if mark is None or mark.size < risen.size:
                self._replace(signed)
                return True
            return mark == risen
        finally:
            lock.release(remove=False)

    def _replace(self, data: bytes) -> None:
        """The old file or the new one is there, whole, whenever the power fails."""
        draft = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
