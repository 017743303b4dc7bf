"""The provider and the gateways that the money tests share. When the last test is done, their ledgers are audited."""

from collections.abc import Generator

import pytest

from tests.fakes.upstream import Upstream
from tests.fixtures.postgresql import PrivateServer
from tests.money.place import Place, start_place, start_player


@pytest.fixture(scope="session")
def player() -> Generator[Upstream]:
    """The provider, in a process of its own."""
    with start_player() as running:
        yield running


@pytest.fixture(scope="session")
def place(player: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """A gateway of one worker on SQLite."""
    settings = "[server]\nbody_bytes_max = 20000\n"
    with start_place(tmp_path_factory.mktemp("money"), player, settings=settings) as running:
        yield running
        # The other ledgers are re-added by the same functions, without the command around them.
        running.gateway.cli("ledger", "audit")


@pytest.fixture(scope="session")
def hasty_place(player: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """One that does not wait long for providers."""
    times = "first_byte_ms = 500\nsilence_ms = 500\n"
    with start_place(tmp_path_factory.mktemp("hasty"), player, transport=times) as running:
        yield running


@pytest.fixture(scope="session")
def crew(player: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """A gateway of four workers on SQLite, whose lease is longer than any test waits: what returns before it does so
    because the death of its owner was seen.
    """
    store = "[store]\nheartbeat_s = 1\nlease_s = 600\n"
    with start_place(tmp_path_factory.mktemp("crew"), player, workers=4, settings=store) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_crew(
    player: Upstream, postgresql_server: PrivateServer, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Place]:
    """A gateway of four workers on PostgreSQL."""
    folder, url = tmp_path_factory.mktemp("postgresql"), postgresql_server.create_database("money_crew")
    with start_place(folder, player, workers=4, database_url=url) as running:
        yield running
    postgresql_server.drop_database("money_crew")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_place(request: pytest.FixtureRequest) -> Place:
    """A gateway on each engine."""
    return request.getfixturevalue("place" if request.param == "sqlite" else "postgresql_crew")
