"""Clients that leave hurt nobody: their upstreams are closed, the worker stays alive, and no byte goes astray.

Small campaigns without a look at the clock run always; the full ones, with every limit, are long.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.evidence import Evidence
from tests.faults.judge import Limits, judge, verdict
from tests.faults.leaving import plan_cancels, plan_disconnects, run_plans
from tests.faults.stage import PATIENT, Stage, start_stage

pytestmark = pytest.mark.anyio

SEED = 20261121
UNHURRIED = Limits(cancel_s=20.0, probe_s=20.0)


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    with start_stage(tmp_path, PATIENT) as running:
        yield running


def tell(what: str, evidence: Evidence) -> None:
    """The figures of a campaign, for whoever reads the run (pytest -s)."""
    took = sorted(probe.took_s for probe in evidence.probes)
    left = sum(case.how == "left" for case in evidence.cases)
    delays = sorted(
        upstream.closed[1] - max(case.ended_s, upstream.accepted_s)
        for case in evidence.cases
        if case.how == "left" and case.ended_s is not None
        for upstream in case.upstreams
        if upstream.closed is not None
    )
    print(  # noqa: T201 - the figures are the point
        f"\n{what}, seed {SEED}: {len(evidence.cases)} calls, {left} left; /health {len(took)} times, "
        f"median {_ms(took, 0.5)}, 99 % {_ms(took, 0.99)}, worst {_ms(took, 1.0)}; "
        f"{len(delays)} upstreams closed, 99 % within {_ms(delays, 0.99)}, worst {_ms(delays, 1.0)}; "
        f"a failure rate above {3 / max(len(evidence.cases), 1):.4f} is ruled out at 95 % if none was seen"
    )


def _ms(ordered: list[float], share: float) -> str:
    return f"{ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000:.1f} ms" if ordered else "-"


async def test_an_upstream_that_never_pauses_is_left_behind(stage: Stage) -> None:
    await run_plans(stage, plan_disconnects(40, SEED), at_once=8)
    evidence = await stage.settled()
    tell("disconnects", evidence)
    assert verdict(judge(evidence, UNHURRIED)) == ""
    assert all(probe.status == 200 for probe in evidence.probes)
    assert all(upstream.closed for case in evidence.cases for upstream in case.upstreams)


async def test_no_stream_gets_a_byte_of_another(stage: Stage) -> None:
    plans = plan_cancels(300, SEED)
    answers = await run_plans(stage, plans, at_once=32)
    evidence = await stage.settled()
    tell("cancels", evidence)
    assert verdict(judge(evidence, UNHURRIED)) == ""
    assert all(a.how == "complete" and a.status == 200 for p, a in zip(plans, answers, strict=True) if p.leave is None)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_thousand_disconnects_leave_the_worker_alive(stage: Stage) -> None:
    with stage.kept_apart():
        await run_plans(stage, plan_disconnects(1_000, SEED), at_once=4)
    evidence = await stage.settled()
    tell("a thousand disconnects", evidence)
    assert verdict(judge(evidence)) == ""


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_ten_thousand_cancels_without_cross_talk(stage: Stage) -> None:
    plans = plan_cancels(10_000, SEED)
    answers = await run_plans(stage, plans, at_once=64)
    evidence = await stage.settled()
    tell("ten thousand cancels", evidence)
    assert verdict(judge(evidence, Limits(probe_s=20.0))) == ""
    assert all(a.how == "complete" and a.status == 200 for p, a in zip(plans, answers, strict=True) if p.leave is None)
