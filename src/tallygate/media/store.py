"""What a place for objects must offer, whichever place it is: write one whole, read it, delete it, sweep old ones.

An object appears whole or not at all and never changes. Its name is a folder and a name within it, `spool/3f9a-hold_1`;
names are made by the house, never by users. What the bytes mean, and whether they are sealed, is not known here.
"""

import re
from typing import Protocol

from msgspec import Struct

_NAME = re.compile(r"[a-z]{1,32}/[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class StoreFailed(Exception):
    """The place cannot take or give bytes now: full, broken, or away. The text is for the log."""


class ObjectMissing(StoreFailed):
    """There is no object of this name."""


class Swept(Struct, frozen=True):
    """What a sweep removed, and what is left, with what is being written. Bytes are those taken up in the place."""

    removed: int
    removed_bytes: int
    left_bytes: int


class Upload(Protocol):
    """An object being written. Ends in `commit` or in `discard`."""

    async def write(self, data: bytes) -> None:
        """Put bytes after those before. Raises StoreFailed; then nothing but `discard` may follow."""
        ...

    async def commit(self, last: bytes) -> None:
        """Put the last bytes and make the whole readable. On return it outlasts a power cut. Raises StoreFailed."""
        ...

    def discard(self) -> None:
        """Forget the object, at once and in the background. After `commit` it does nothing."""
        ...


class Download(Protocol):
    """An object being read. It stays readable to its end even if it is deleted meanwhile."""

    async def read(self, offset_bytes: int, bytes_max: int) -> bytes:
        """Up to that many bytes from there on; empty at the end. Raises StoreFailed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class ObjectStore(Protocol):
    """A place for objects. Every process and replica that has the same place sees the same objects."""

    def create(self, name: str) -> Upload:
        """Begin an object. Nothing is touched before its first bytes. Raises ValueError for what is no name of ours."""
        ...

    async def open(self, name: str) -> Download:
        """The object of that name. Raises ObjectMissing, StoreFailed."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the object if it is there. Raises StoreFailed."""
        ...

    async def sweep(self, folder: str, before_ns: int) -> Swept:
        """Remove the folder's objects that were committed before that time, and what dead processes left half written.

        Raises StoreFailed.
        """
        ...

    def close(self) -> None:
        """Finish what is under way in the background. Nothing may be asked afterwards."""
        ...


def check_name(name: str) -> None:
    """Raise ValueError for what is no name of an object: nothing that could lead out of its folder is one."""
    if not _NAME.fullmatch(name):
        raise ValueError("not the name of an object")
