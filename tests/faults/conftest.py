"""Towns for the campaigns of money and receipts: each in a database of its own, on the engine of the test."""

import itertools
import shutil
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from tallygate.store.address import parse_address
from tallygate.store.migrate import migrate
from tests.faults.money_campaign import Towns
from tests.faults.money_stage import MoneyStage
from tests.fixtures.postgresql import PrivateServer


@pytest.fixture
def towns(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Towns]:
    """Makes towns, each in a database of its own."""
    names = itertools.count()
    made: list[str] = []
    stages: list[MoneyStage] = []

    def make() -> MoneyStage:
        folder = tmp_path / str(next(names))
        folder.mkdir()
        if engine == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_template"), folder / "tallygate.db")
            stages.append(MoneyStage(parse_address(f"sqlite:///{folder}/tallygate.db", Path()), folder))
            return stages[-1]
        template: str = request.getfixturevalue("postgresql_template")
        server: PrivateServer = request.getfixturevalue("postgresql_server")
        made.append(f"town_{uuid.uuid4().hex}")
        stages.append(MoneyStage(parse_address(server.create_database(made[-1], template=template), Path()), folder))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()
    for name in made:
        request.getfixturevalue("postgresql_server").drop_database(name)


@pytest.fixture(scope="module")
def own_server() -> Generator[PrivateServer]:
    """A server that a test may kill."""
    with PrivateServer() as server:
        yield server


@pytest.fixture
def own_towns(own_server: PrivateServer, tmp_path: Path) -> Generator[Towns]:
    """Makes towns on it."""
    stages: list[MoneyStage] = []

    def make() -> MoneyStage:
        folder = tmp_path / str(len(stages))
        folder.mkdir()
        address = parse_address(own_server.create_database(f"town_{uuid.uuid4().hex}"), Path())
        migrate(address)
        stages.append(MoneyStage(address, folder))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()
