"""Silence, clients that stop reading, and the end of the process. All of it takes its time and is long."""

import asyncio
import random
import signal
import subprocess
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.caller import Caller, make_nonce
from tests.faults.campaign import cells, ending_of, run_cells, shown
from tests.faults.judge import Limits, judge, verdict
from tests.faults.stage import CROSSINGS, PATIENT, Stage, start_stage

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(600)]

SEED = 20261121
STALLED = 20
STALLED_BYTES_MAX = 512 * 1024
"""For each client: the event loop reads a quarter of a MiB at once, whatever the buffers behind it would hold."""
DRAIN_S = 30.0


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    with start_stage(tmp_path, PATIENT) as running:
        yield running


async def test_a_silent_stream_shows_signs_of_life(stage: Stage) -> None:
    results = await run_cells(stage, cells("seconds"), SEED)
    for cell, (_, answered) in results.items():
        assert ending_of(cell, answered) in cell.endings, f"{cell} {shown(answered)}"
    assert verdict(judge(await stage.settled())) == ""


async def test_clients_that_stop_reading_cost_little_memory(stage: Stage) -> None:
    source, left = random.Random(SEED), asyncio.Event()
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)
    for crossing in CROSSINGS:  # so that what is made once is made
        await caller.call(crossing.client, f"{crossing.upstream}-lab", "burst", make_nonce(source), stream=True)
    stage.sample(0)
    stalling = [
        asyncio.ensure_future(
            caller.stall(crossing.client, f"{crossing.upstream}-lab", "flood", make_nonce(source), left)
        )
        for place in range(STALLED)
        for crossing in (CROSSINGS[place % len(CROSSINGS)],)
    ]
    before = -1
    while (emitted := sum(u.flooded for case in stage.evidence().cases for u in case.upstreams)) > before:
        before = emitted
        await asyncio.sleep(1.0)
    grown = stage.sample(STALLED)
    print(f"\n{STALLED} stalled clients, resident memory {grown >> 20} MiB")  # noqa: T201 - a figure of the run
    left.set()
    await asyncio.gather(*stalling)
    await caller.close()
    assert verdict(judge(await stage.settled(), Limits(stalled_bytes=STALLED_BYTES_MAX))) == ""


@pytest.mark.parametrize("fault", ["crawl", "trickle"])
async def test_the_process_ends_in_order(stage: Stage, fault: str) -> None:
    source = random.Random(SEED)
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)
    calling = [
        asyncio.ensure_future(
            caller.call(crossing.client, f"{crossing.upstream}-lab", fault, make_nonce(source), stream=True)
        )
        for crossing in CROSSINGS
    ]
    async with asyncio.timeout(20.0):
        while sum(bool(case.arrivals) for case in stage.evidence().cases) < len(CROSSINGS):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.02)
    child = stage.gateway.process.child
    child.send_signal(signal.SIGTERM)
    stage.history.note("signalled")
    waiting = asyncio.ensure_future(asyncio.to_thread(child.wait, DRAIN_S + 15))
    while not waiting.done():
        await caller.probe("/ready")
        await asyncio.sleep(0.1)
    with suppress(subprocess.TimeoutExpired):
        stage.history.note("exited", code=waiting.result())
    await asyncio.gather(*calling)
    await caller.close()
    assert verdict(judge(await stage.settled(), Limits(drain_s=DRAIN_S))) == ""
