"""Every fault of the hostile provider, whole and streamed, through every crossing: it ends as the page says, and the
judge finds no broken promise in all of it.

All cells of a stage run at once when the first is asked for; each is then a test of its own.
"""

import asyncio
from collections.abc import Generator
from typing import NamedTuple

import pytest

from tests.faults.caller import Answered
from tests.faults.campaign import HEAVY_AT_ONCE, Cell, cells, ending_of, run_cells, shown
from tests.faults.evidence import Evidence
from tests.faults.judge import judge, verdict
from tests.faults.stage import PATIENT, QUICK, start_stage

SEED = 20261121


class Played(NamedTuple):
    """A campaign that is over."""

    results: dict[Cell, tuple[str, Answered]]
    evidence: Evidence


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Generator[Played]:
    with start_stage(tmp_path_factory.mktemp("faults"), QUICK) as stage:
        results = asyncio.run(run_cells(stage, cells("light"), SEED))
        yield Played(results, asyncio.run(stage.settled()))


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Generator[Played]:
    with start_stage(tmp_path_factory.mktemp("heavy"), PATIENT) as stage:
        results = asyncio.run(run_cells(stage, cells("bytes"), SEED, HEAVY_AT_ONCE))
        yield Played(results, asyncio.run(stage.settled()))


@pytest.mark.parametrize("cell", cells("light"), ids=str)
def test_a_fault_ends_as_documented(played: Played, cell: Cell) -> None:
    _, answered = played.results[cell]
    assert ending_of(cell, answered) in cell.endings, shown(answered)


def test_no_promise_is_broken_by_any_fault(played: Played) -> None:
    assert verdict(judge(played.evidence)) == "", f"seed {SEED}"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cell", cells("bytes"), ids=str)
def test_a_heavy_fault_ends_as_documented(heavy: Played, cell: Cell) -> None:
    _, answered = heavy.results[cell]
    assert ending_of(cell, answered) in cell.endings, shown(answered)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_promise_is_broken_by_any_heavy_fault(heavy: Played) -> None:
    assert verdict(judge(heavy.evidence)) == "", f"seed {SEED}"
