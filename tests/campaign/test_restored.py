"""A restored backup: the machine that had signed more than it holds signs nothing, and callers are told (R10)."""

import random
from pathlib import Path

import pytest

from tests.campaign.conftest import MakeDatabase
from tests.campaign.judge import Violation, verdict
from tests.campaign.restoring import Play, plan_play
from tests.campaign.stage import Shape, start_stage
from tests.fixtures.postgresql import PrivateServer

SEED = 20261121

CASES: list[tuple[Shape, str, int, bool]] = [
    ("one", "sqlite", 0, True),
    ("four", "sqlite", 0, True),
    ("one", "sqlite", 0, False),
    ("apart", "postgresql", 1, True),
    ("apart", "postgresql", 0, False),
]


def play(
    shape: Shape, returns: int, url: str, folder: Path, server: PrivateServer | None, *, required: bool, bug: str = ""
) -> list[Violation]:
    """What was wrong."""
    source = random.Random(SEED)
    plans = plan_play(source)
    with start_stage(folder, shape, url, plans.all, bug=bug) as stage:
        whole = Play(stage, source, plans, server)
        whole.run(returns=returns, required=required)
        return whole.found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("shape", "engine", "returns", "required"), CASES)
def test_nobody_signs_for_a_restored_backup(
    shape: Shape,
    engine: str,
    returns: int,
    required: bool,
    make_database: MakeDatabase,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    server = None if engine == "sqlite" else request.getfixturevalue("postgresql_server")
    found = play(shape, returns, make_database(engine, tmp_path), tmp_path, server, required=required)
    assert not found, verdict(found)


@pytest.mark.timeout(300)
def test_who_forgets_what_was_signed_is_found_out(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = make_database("sqlite", tmp_path)
    found = play("one", 0, url, tmp_path, None, required=False, bug="forget-high-water")
    assert {violation.promise for violation in found} >= {"R10"}
