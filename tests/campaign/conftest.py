"""Databases for campaigns: one for each stage, on the engine that a campaign names."""

import uuid
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.fixtures.postgresql import PrivateServer

MakeDatabase = Callable[[str, Path], str]


@pytest.fixture
def make_database(request: pytest.FixtureRequest) -> Generator[MakeDatabase]:
    """Makes an empty database, on `sqlite` in a folder or on `postgresql`, and gives its address."""
    made: list[str] = []

    def server() -> PrivateServer:
        return request.getfixturevalue("postgresql_server")

    def make(engine: str, folder: Path) -> str:
        if engine == "sqlite":
            return f"sqlite:///{folder}/tallygate.db"
        made.append(f"campaign_{uuid.uuid4().hex}")
        return server().create_database(made[-1])

    yield make
    for name in made:
        server().drop_database(name)
