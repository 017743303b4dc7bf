"""A house with its doors open, on each engine, and a past to ask about; and one house for all that is refused."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from tallygate.access import admin
from tallygate.store.address import DatabaseAddress, parse_address
from tests.fakes.doors import House, open_house
from tests.fakes.log import Log, open_test_log
from tests.fakes.past import Past


@pytest.fixture
def house(address: DatabaseAddress) -> Generator[House]:
    """The doors, over a database without any row."""
    with open_house(address) as opened:
        yield opened


@pytest.fixture
def past(address: DatabaseAddress) -> Past:
    """Writes rows beside the gateway."""
    return Past(address)


@pytest.fixture
def log(address: DatabaseAddress, tmp_path: Path) -> Generator[Log]:
    """The log behind the house's doors, which is turned by hand."""
    with open_test_log(address, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def strict_house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    """One house for tests that change nothing, because what they ask for is refused. It has a workspace, `acme`."""
    path = tmp_path_factory.mktemp("strict") / "tallygate.db"
    shutil.copy(sqlite_template, path)
    with open_house(parse_address(f"sqlite:///{path}", Path())) as opened:
        admin.create_workspace(opened.database, "acme", actor="cli")
        yield opened


@pytest.fixture(scope="session")
def tenant_key(strict_house: House) -> str:
    """A key of another workspace there, which may ask."""
    return strict_house.make_key("tenant")[0]
