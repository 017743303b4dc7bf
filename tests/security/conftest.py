"""One town for each engine, shared by the tests of this room, and one provider for both."""

import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.fakes.upstream import Upstream, start_upstream
from tests.fixtures.postgresql import PrivateServer
from tests.security.town import Town, open_town


@pytest.fixture(scope="session")
def upstream() -> Generator[Upstream]:
    """The provider of every town."""
    with start_upstream() as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def town(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Town]:
    """A town on each engine."""
    folder: Path = tmp_path_factory.mktemp(f"town-{request.param}")
    if request.param == "sqlite":
        with open_town(folder, f"sqlite:///{folder}/tallygate.db", upstream) as running:
            yield running
        return
    server: PrivateServer = request.getfixturevalue("postgresql_server")
    name = f"town_{uuid.uuid4().hex}"
    with open_town(folder, server.create_database(name), upstream) as running:
        yield running
    server.drop_database(name)
