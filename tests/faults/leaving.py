"""Campaigns of clients that leave: before the head, in the head, between events, inside one, politely or not.

Every random choice comes from a seed, which the tests print; what was promised is asked of the judge afterwards.
"""

import asyncio
import random
from typing import NamedTuple

from tests.faults.caller import Answered, Caller, Leave, make_nonce
from tests.faults.stage import CROSSINGS, Crossing, Stage

WHOLE = ("none", "none", "surplus", "late-head")
STREAMED = (*WHOLE, "split", "crawl")


class Plan(NamedTuple):
    """One call of a campaign."""

    nonce: str
    crossing: Crossing
    fault: str
    stream: bool
    leave: Leave | None


def plan_disconnects(count: int, seed: int) -> list[Plan]:
    """Clients of an upstream that never pauses, all of whom leave."""
    source = random.Random(seed)
    return [
        Plan(
            make_nonce(source),
            source.choice(CROSSINGS),
            "flood",
            stream=True,
            leave=Leave(after_bytes=source.choice((-1, 0, 300, 5_000, 50_000)), reset=source.random() < 0.5),
        )
        for _ in range(count)
    ]


def plan_cancels(count: int, seed: int) -> list[Plan]:
    """Clients of which two in three leave at a random moment; the others must still get their own answer, whole."""
    source = random.Random(seed)

    def leave() -> Leave | None:
        kind = source.randrange(6)
        if kind < 2:
            return None
        harshly = source.random() < 0.5
        if kind < 4:
            return Leave(
                after_bytes=source.choice((-1, source.randrange(1_500), source.randrange(6_000))), reset=harshly
            )
        return Leave(after_s=source.random() * 0.06, reset=harshly)

    return [
        Plan(
            make_nonce(source), source.choice(CROSSINGS), source.choice(STREAMED if stream else WHOLE), stream, leave()
        )
        for stream in (source.random() < 0.7 for _ in range(count))
    ]


async def run_plans(stage: Stage, plans: list[Plan], at_once: int) -> list[Answered]:
    """Make all calls, so many at once, while somebody else looks at /health without a break."""
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)
    gate = asyncio.Semaphore(at_once)

    async def run(plan: Plan) -> Answered:
        async with gate:
            row = f"{plan.crossing.upstream}-lab"
            return await caller.call(
                plan.crossing.client, row, plan.fault, plan.nonce, stream=plan.stream, leave=plan.leave
            )

    try:
        with stage.probing():
            return list(await asyncio.gather(*map(run, plans)))
    finally:
        await caller.close()
