"""The wire between the gateway and its neighbours goes wrong: towards the provider, and towards the client.

Towards the provider a call ends as by a fault of the provider's own. Towards the client nothing can be promised to the
client; what is promised is that the provider is let go.
"""

import asyncio
import random
from collections.abc import Generator

import pytest

from tests.faults.caller import Answered, Caller, Leave, make_nonce
from tests.faults.campaign import Cell, ending_of
from tests.faults.judge import Limits, judge, verdict
from tests.faults.proxy import LINKS
from tests.faults.stage import CROSSINGS, QUICK, Crossing, Stage, start_proxy, start_stage
from tests.faults.table import BROKEN, SERVED, STREAM_BROKEN, STREAM_TIMEOUT, TIMEOUT, UNREACHABLE, Ending, told

pytestmark = pytest.mark.anyio

SOURCE = random.Random(20261121)
UNHURRIED = Limits(cancel_s=20.0)

UPSTREAM_ENDINGS: dict[str, tuple[Ending, Ending]] = {
    "plain": (SERVED, SERVED),
    "latency": (SERVED, SERVED),
    "slow": (SERVED, SERVED),
    "slicer": (SERVED, SERVED),
    "cut-head": (UNREACHABLE, UNREACHABLE),
    "cut": (BROKEN, STREAM_BROKEN),
    "reset": (BROKEN, STREAM_BROKEN),
    "half-open": (TIMEOUT, STREAM_TIMEOUT),
    "half-open-up": (TIMEOUT, TIMEOUT),
    "black-hole": (TIMEOUT, TIMEOUT),
}
"""How a call over each link ends: whole, streamed. A stream may end as a whole answer if nothing was passed on."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    with start_stage(tmp_path_factory.mktemp("wire"), QUICK) as running:
        yield running


def test_every_link_has_its_ending() -> None:
    assert UPSTREAM_ENDINGS.keys() == LINKS.keys()


async def test_a_bad_wire_to_the_provider_ends_like_a_bad_provider(stage: Stage) -> None:
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)

    async def call(crossing: Crossing, link: str, stream: bool) -> tuple[str, Answered]:
        row = f"{crossing.upstream}-wire-{link}"
        answered = await caller.call(crossing.client, row, "none", make_nonce(SOURCE), stream=stream)
        return f"{link} {stream} {crossing}", answered

    wanted = [(crossing, link, stream) for crossing in CROSSINGS for link in LINKS for stream in (False, True)]
    results = await asyncio.gather(*(call(*one) for one in wanted))
    await caller.close()
    wrong = {
        name: got
        for (crossing, link, stream), (name, answered) in zip(wanted, results, strict=True)
        if (got := ending_of(Cell("none", stream, crossing), answered))
        not in {told(ending, crossing.client) for ending in UPSTREAM_ENDINGS[link][: 1 + stream]}
    }
    assert wrong == {}
    assert verdict(judge(await stage.settled(), UNHURRIED)) == ""


@pytest.mark.parametrize("link", ["plain", "latency", "slow", "slicer"])
async def test_a_slow_wire_to_the_client_loses_nothing(stage: Stage, link: str) -> None:
    with start_proxy(stage.gateway.port) as links:
        caller = Caller(stage.history, links[link], stage.gateway.key)
        for crossing in CROSSINGS:
            for stream in (False, True):
                nonce = make_nonce(SOURCE)
                row = f"{crossing.upstream}-lab"
                answered = await caller.call(crossing.client, row, "none", nonce, stream=stream)
                assert ending_of(Cell("none", stream, crossing), answered) == SERVED
        await caller.close()
    assert verdict(judge(await stage.settled(), UNHURRIED)) == ""


@pytest.mark.parametrize("link", ["cut", "reset"])
async def test_a_wire_to_the_client_that_breaks_lets_the_provider_go(stage: Stage, link: str) -> None:
    with start_proxy(stage.gateway.port) as links:
        caller = Caller(stage.history, links[link], stage.gateway.key)
        nonces = [make_nonce(SOURCE) for _ in CROSSINGS]
        for crossing, nonce in zip(CROSSINGS, nonces, strict=True):
            row = f"{crossing.upstream}-lab"
            answered = await caller.call(crossing.client, row, "flood", nonce, stream=True, leave=Leave(after_s=30.0))
            assert answered.how == "torn"
        await caller.close()
        async with asyncio.timeout(20.0):
            while not _all_closed(stage, nonces):  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.05)


def _all_closed(stage: Stage, nonces: list[str]) -> bool:
    cases = [case for case in stage.evidence().cases if case.nonce in nonces]
    return all(upstream.closed and upstream.closed[0] == "peer" for case in cases for upstream in case.upstreams)
