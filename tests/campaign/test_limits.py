"""Limits of requests and tokens in a minute over four workers: exact, whichever worker is asked, on both engines.

Every line presses all the time, so a bucket is full from the first moment on, and what it lets in is what leaks out.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.campaign.book import wait_until_closed
from tests.campaign.conftest import MakeDatabase
from tests.campaign.limiting import (
    MINUTE_NS,
    Pressed,
    hold_open,
    judge_requests,
    judge_tokens,
    press,
    read_holds,
    read_rate,
    settle_limited,
)
from tests.campaign.plan import Plan
from tests.campaign.revoking import Lines
from tests.campaign.stage import Gateways, Stage, list_children, start_stage
from tests.faults.caller import make_nonce
from tests.faults.stage import Crossing

SOURCE = random.Random(20261122)
OPENAI = Crossing("openai", "openai")
WHOLE = Plan(make_nonce(SOURCE), "ann", OPENAI, "none", stream=False)
ENDLESS = Plan(make_nonce(SOURCE), "ann", OPENAI, "trickle", stream=True)
LEVELS = ("key", "user", "workspace")
CLOSE_S = 20.0


def open_lines(gateways: Gateways, each: int) -> Lines:
    """So many lines to each worker of the gateway, which has four."""
    workers = list_children(gateways.gateway.process.child.pid)
    assert len(workers) == 4
    return Lines(gateways.gateway.port, workers, each)


async def press_requests(stage: Stage, url: str, level: str, rpm: int, for_s: float) -> list[str]:
    """Press against a limit of requests; what is wrong."""
    lines = open_lines(stage.gateways, 2)
    limited = await settle_limited(lines, stage.gateways.admin_key, level, f"of-{level}-{rpm}", rpm=rpm)
    await lines.open()
    try:
        pressed = await press(lines, limited.keys, WHOLE, for_s)
    finally:
        await lines.close()
    assert len({one.worker for one in pressed}) == 4
    return judge_requests(read_holds(url, limited.key_ids), pressed, rpm)


async def press_tokens(stage: Stage, url: str, level: str) -> list[str]:
    """Hold as many streams open as fit, leave them, and look at the bucket; what is wrong."""
    lines = open_lines(stage.gateways, 4)
    limited = await settle_limited(lines, stage.gateways.admin_key, level, f"tokens-of-{level}", tpm=100_000)
    probe = open_lines(stage.gateways, 1)
    await probe.open()
    await hold_open(probe, limited.keys[0], ENDLESS)
    await probe.close()
    assert wait_until_closed(url, CLOSE_S)
    (first, *_) = read_holds(url, limited.key_ids)
    each = first["rate_tokens"]
    fitting = 7
    other = await settle_limited(
        lines, stage.gateways.admin_key, level, f"few-of-{level}", tpm=each * fitting + each // 2
    )
    await lines.open()
    statuses = await hold_open(lines, other.keys[0], ENDLESS)
    holds = read_holds(url, other.key_ids)
    held = read_rate(url, other.owner_id, "tokens")["held_tokens"]
    await lines.close()
    wrong: list[str] = []
    if not len(holds) == statuses.count(200) == fitting:
        wrong.append(f"{len(holds)} were let in and {statuses.count(200)} answered, {fitting} fit: {statuses}")
    if held != sum(hold["rate_tokens"] for hold in holds):
        wrong.append(f"{held} tokens are held for {[hold['rate_tokens'] for hold in holds]}")
    assert wait_until_closed(url, CLOSE_S)
    ended = read_holds(url, other.key_ids)
    return wrong + judge_tokens(ended, read_rate(url, other.owner_id, "tokens"))


def press_on(url: str, folder: Path, rpm: int, for_s: float) -> list[str]:
    """Requests and tokens at every level; afterwards the whole book adds up."""
    with start_stage(folder, "four", url, [WHOLE, ENDLESS]) as stage:
        wrong: list[str] = []
        for level in LEVELS:
            wrong += [f"{level}: {one}" for one in asyncio.run(press_requests(stage, url, level, rpm, for_s))]
            wrong += [f"{level}: {one}" for one in asyncio.run(press_tokens(stage, url, level))]
        assert wait_until_closed(url, CLOSE_S)
        assert stage.gateways.audit()["clean"]
        return wrong


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_limits_are_exact_over_four_workers(engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert press_on(make_database(engine, tmp_path), tmp_path, 40, 2.5) == []


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_limits_are_exact_for_minutes(engine: str, make_database: MakeDatabase, tmp_path: Path) -> None:
    assert press_on(make_database(engine, tmp_path), tmp_path, 600, 90.0) == []


def test_one_too_many_and_one_too_few_are_found() -> None:
    def judge(times_ns: list[int], refused_ns: int) -> list[str]:
        told = [Pressed(0, 1, 200) for _ in times_ns] + [Pressed(refused_ns, 1, 429)]
        return judge_requests([{"opened_at_ns": at_ns} for at_ns in times_ns], told, 60)

    second_ns = MINUTE_NS // 60
    burst = [second_ns] * 60
    assert judge(burst, second_ns) == []
    assert judge([*burst, 2 * second_ns], 2 * second_ns) == []
    assert len(judge([*burst, second_ns + second_ns // 2], second_ns)) == 1
    assert len(judge(burst, 3 * second_ns)) == 1
    assert len(judge(burst[1:], 2 * second_ns)) == 1


def test_tokens_that_were_lost_or_are_still_held_are_found() -> None:
    hold = {"id": "call_1", "state": "posted", "input_tokens": 30, "output_tokens": 70, "ended_at_ns": MINUTE_NS}
    rate = {"per_minute": 600, "seen_at_ns": MINUTE_NS, "held_tokens": 0, "filled_micro": 100 * 10**6}
    assert judge_tokens([hold], rate) == []
    assert judge_tokens([hold], {**rate, "seen_at_ns": MINUTE_NS + MINUTE_NS // 12, "filled_micro": 50 * 10**6}) == []
    for wrong in ({"held_tokens": 1}, {"filled_micro": 0}, {"filled_micro": 110 * 10**6}):
        assert len(judge_tokens([hold], {**rate, **wrong})) == 1
    assert len(judge_tokens([{**hold, "state": "open"}], rate)) == 1
