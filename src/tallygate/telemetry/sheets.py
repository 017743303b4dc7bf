"""What the processes of one gateway have counted, each on a sheet of its own in a shared folder, so that whichever of
them is asked can tell of all.

A sheet only ever grows: a process that ends leaves its counters behind, and its gauges no longer count. Whoever is
asked writes its own sheet first and reads the others after, so no counter falls back between two answers.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tallygate.telemetry.family import Family, merge

EVERY_S: Final = 2.0
"""How old the figures of the other processes are at most."""


class Sheet(Struct, frozen=True):
    """Everything one process has counted, and who it is."""

    process: int
    families: tuple[Family, ...]


_SHEET = msgspec.json.Decoder(Sheet)


class Sheets:
    """The sheets of one gateway, as one of its processes sees them. Without a folder there is only its own."""

    def __init__(self, folder: Path | None, list_families: Callable[[], Iterable[Family]]) -> None:
        self._folder = folder
        # Numbers of processes are given again, sheets are not.
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._list_families = list_families
        self._writing = asyncio.Lock()

    async def share(self) -> None:
        """Let the other processes know, if there are any. To be done every `EVERY_S`, and at the end."""
        if self._folder is not None:
            await self.write()

    async def write(self) -> list[Family]:
        """Put this process's figures down for the others, and give them."""
        async with self._writing:
            families = list(self._list_families())
            if self._folder is not None:
                sheet = msgspec.json.encode(Sheet(os.getpid(), tuple(families)))
                await asyncio.to_thread(_replace, self._folder / self._name, sheet)
            return families

    async def collect(self) -> list[Family]:
        """The figures of the whole gateway."""
        own = await self.write()
        others = [] if self._folder is None else await asyncio.to_thread(_read_others, self._folder, self._name)
        return merge([*own, *(family for sheet in others for family in _list_valid(sheet))])


def open_folder(parent: Path) -> Path:
    """A folder for the sheets of the gateway that this process is the first of; those of gateways that are gone are
    removed. To be made before any fork.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for earlier in parent.iterdir():
        if not earlier.name.isdigit() or not _is_alive(int(earlier.name)) or int(earlier.name) == os.getpid():
            shutil.rmtree(earlier, ignore_errors=True)
    folder = parent / str(os.getpid())
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _replace(path: Path, data: bytes) -> None:
    """As a whole: a reader sees the sheet before or the sheet after. Figures are not worth failing for."""
    new = path.with_suffix(".new")
    with suppress(OSError):
        new.write_bytes(data)
        new.replace(path)


def _read_others(folder: Path, own: str) -> list[Sheet]:
    found: list[Sheet] = []
    for path in sorted(folder.glob("*.json")):
        if path.name != own:
            with suppress(OSError, msgspec.MsgspecError):
                found.append(_SHEET.decode(path.read_bytes()))
    return found


def _list_valid(sheet: Sheet) -> Iterable[Family]:
    """What still counts: the gauges of a process go with it."""
    alive = _is_alive(sheet.process)
    return [family for family in sheet.families if alive or family.kind != "gauge"]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
