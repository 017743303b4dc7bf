"""Places for objects that are in trouble: a disk that fills up, and one that is slow. Both keep real files."""

import asyncio
from pathlib import Path

from tallygate.media.folder import Folder
from tallygate.media.store import StoreFailed, Upload


class FullDisk(Folder):
    """A disk that fills up after some steps of writing."""

    steps_left = 0

    def create(self, name: str) -> "FullUpload":  # pyright: ignore[reportIncompatibleMethodOverride]
        return FullUpload(super().create(name), self)


class FullUpload:
    """An object on a disk that fills up."""

    def __init__(self, upload: Upload, disk: FullDisk) -> None:
        self._upload = upload
        self._disk = disk

    def _step(self) -> None:
        if self._disk.steps_left == 0:
            raise StoreFailed("[Errno 28] No space left on device")
        self._disk.steps_left -= 1

    async def write(self, data: bytes) -> None:
        self._step()
        await self._upload.write(data)

    async def commit(self, last: bytes) -> None:
        self._step()
        await self._upload.commit(last)

    def discard(self) -> None:
        self._upload.discard()


class Gate(Folder):
    """A disk that writes nothing until it is opened."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened = asyncio.Event()

    def create(self, name: str) -> "GateUpload":  # pyright: ignore[reportIncompatibleMethodOverride]
        return GateUpload(super().create(name), self.opened)


class GateUpload:
    """An object on a slow disk."""

    def __init__(self, upload: Upload, opened: asyncio.Event) -> None:
        self._upload = upload
        self._opened = opened

    async def write(self, data: bytes) -> None:
        await self._opened.wait()
        await self._upload.write(data)

    async def commit(self, last: bytes) -> None:
        await self._opened.wait()
        await self._upload.commit(last)

    def discard(self) -> None:
        self._upload.discard()
