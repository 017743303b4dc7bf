"""The gateway is killed under load, again and again, at random and at every step of a call; the judge finds nothing.

How many cycles, and from which seed, can be said: CAMPAIGN_CYCLES, CAMPAIGN_SEED. The figures are printed (pytest -s).
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.campaign.conftest import MakeDatabase
from tests.campaign.cycle import CONDITIONS, Campaign, Plans
from tests.campaign.judge import verdict
from tests.campaign.stage import Shape, start_stage

SEED = int(os.environ.get("CAMPAIGN_SEED", time.time_ns() // 10**9))
CYCLES = int(os.environ.get("CAMPAIGN_CYCLES", "35"))
CYCLES_EACH = 20
"""So many cycles share a database."""

SHAPES: list[tuple[Shape, str]] = [
    ("one", "sqlite"),
    ("four", "sqlite"),
    ("apart", "sqlite"),
    ("four", "postgresql"),
    ("two", "postgresql"),
    ("apart", "postgresql"),
]


def run_cycles(
    shape: Shape, url: str, folder: Path, source: random.Random, conditions: list[str], figures: Counter[str]
) -> None:
    """A stage of its own for so many cycles; the audit has the last word."""
    cycles = [Plans(source, condition) for condition in conditions]
    with start_stage(folder, shape, url, [plan for each in cycles for plan in each.all]) as stage:
        campaign = Campaign(stage, source)
        campaign.run(cycles)
        figures.update(campaign.figures)
        # What the judge complains of is looked for in what the gateways said last.
        said = "\n".join(stage.gateways.said[-40:])
        assert not campaign.violations, f"seed {SEED}: {verdict(campaign.violations)}\n{said}"
        audit = stage.gateways.audit()
        assert audit["clean"], audit


def tell(what: str, figures: Counter[str], begun_s: float) -> None:
    bound = 3 / max(figures["cycles"], 1)
    print(  # noqa: T201 - the figures are the point
        f"\n{what}, seed {SEED}, {time.monotonic() - begun_s:.0f} s: {dict(figures)}; "
        f"a failure rate above {bound:.4f} is ruled out at 95 %"
    )


@pytest.mark.parametrize(("shape", "engine"), [("one", "sqlite"), ("apart", "postgresql")])
def test_a_few_kills_leave_no_trace(shape: Shape, engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    begun_s, source, figures = time.monotonic(), random.Random(SEED), Counter[str]()
    conditions = ["random", source.choice(CONDITIONS), source.choice(CONDITIONS)]
    run_cycles(shape, make_database(engine, tmp_path), tmp_path, source, conditions, figures)
    tell(f"kills of {shape} on {engine}", figures, begun_s)


@pytest.mark.long
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize(("shape", "engine"), SHAPES)
def test_many_kills_leave_no_trace(shape: Shape, engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    begun_s, source, figures = time.monotonic(), random.Random(f"{SEED}{shape}{engine}"), Counter[str]()
    # Every condition in turn, in an order of the seed's.
    conditions = [condition for _ in range(CYCLES) for condition in source.sample(CONDITIONS, len(CONDITIONS))][:CYCLES]
    for start in range(0, CYCLES, CYCLES_EACH):
        folder = tmp_path / str(start)
        folder.mkdir()
        few = conditions[start : start + CYCLES_EACH]
        run_cycles(shape, make_database(engine, folder), folder, source, few, figures)
    tell(f"kills of {shape} on {engine}", figures, begun_s)
    assert figures["cycles"] == CYCLES


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_replicas_that_sleep_and_die_in_turn_sign_one_log(make_database: MakeDatabase, tmp_path: Path) -> None:
    """Each on a machine of its own: the log changes hands at each cycle, and whoever wakes up contradicts nobody."""
    begun_s, source, figures = time.monotonic(), random.Random(SEED), Counter[str]()
    conditions = ["frozen", "frozen", "signed", "frozen", "marked", "frozen", "frozen", "published"]
    run_cycles("apart", make_database("postgresql", tmp_path), tmp_path, source, conditions, figures)
    tell("replicas asleep and dead", figures, begun_s)
