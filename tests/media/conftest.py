"""A folder of objects, and a spool in it."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tallygate.media.folder import Folder
from tallygate.media.settings import IdempotencySettings
from tallygate.media.spool import Spool
from tests.media.spooling import KEY


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Folder]:
    made = Folder(tmp_path / "media")
    yield made
    made.close()


@pytest.fixture
def spool(folder: Folder) -> Spool:
    return Spool(folder, KEY, IdempotencySettings())
