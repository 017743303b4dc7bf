"""The provider and the gateways that the money tests share. A gateway's ledger is audited when its last test is done."""

from collections.abc import Generator

import pytest

from tests.fakes.upstream import Upstream
from tests.money.place import Place, start_place, start_player

LARGE = {"TALLYGATE_SERVER__BODY_BYTES_MAX": "20000"}


@pytest.fixture(scope="session")
def player() -> Generator[Upstream]:
    """The provider, in a process of its own."""
    with start_player() as running:
        yield running


@pytest.fixture(scope="session")
def place(player: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """A gateway of one worker on SQLite."""
    with start_place(tmp_path_factory.mktemp("money"), player, **LARGE) as running:
        yield running


@pytest.fixture(scope="session")
def hasty_place(player: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """One that does not wait long for providers."""
    times = "first_byte_ms = 500\nsilence_ms = 500\n"
    with start_place(tmp_path_factory.mktemp("hasty"), player, transport=times) as running:
        yield running
