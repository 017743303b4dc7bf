"""The judge sees: mistakes planted in the real gateway are found by the campaign, and named."""

import random
from pathlib import Path

import pytest

from tests.campaign.bugs import BUGS
from tests.campaign.conftest import MakeDatabase
from tests.campaign.cycle import Campaign, Plans
from tests.campaign.log_bugs import LOG_BUGS
from tests.campaign.stage import start_stage

ALL = {**BUGS, **LOG_BUGS}
SEED = 20261121
CONDITIONS = ("random", "over", "random")
"""Some bugs show when calls are cut off, others when they come to their end."""
RECOVER_S = 6.0
QUICK = ("tell-before-settling", "publish-first")
ELSEWHERE = ("remember-keys", "never-cut")
"""These two show where keys are revoked."""


def find(bug: str, url: str, folder: Path) -> set[str]:
    """The promises that a few cycles see broken."""
    source = random.Random(SEED)
    cycles = [Plans(source, condition) for condition in CONDITIONS]
    with start_stage(folder, "one", url, [plan for each in cycles for plan in each.all], bug=bug) as stage:
        campaign = Campaign(stage, source, recover_s=RECOVER_S)
        campaign.run(cycles)
        return {violation.promise for violation in campaign.violations}


@pytest.mark.parametrize("bug", QUICK)
def test_a_planted_bug_is_found(bug: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert find(bug, make_database("sqlite", tmp_path), tmp_path) & set(ALL[bug].breaks)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", sorted(ALL.keys() - {*QUICK, *ELSEWHERE}))
def test_every_planted_bug_is_found(bug: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert find(bug, make_database("sqlite", tmp_path), tmp_path) & set(ALL[bug].breaks)
