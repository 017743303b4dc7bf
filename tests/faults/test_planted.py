"""The judge sees: every planted bug is caught and named, and an honest gateway is not accused.

The bugs live in a small gateway of their own (`planted.py`), before the same hostile provider.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.process import ROOT, Process
from tests.faults.caller import Caller, Leave, make_nonce
from tests.faults.evidence import Evidence, gather
from tests.faults.journal import Follower, Journal
from tests.faults.judge import Limits, judge, verdict
from tests.faults.planted import BUGS, DRAIN_BUGS
from tests.faults.stage import Provider, start_provider

pytestmark = pytest.mark.anyio

WAIT_S = 20.0
SOURCE = random.Random(20261121)

FAULT_FOR = {
    "done-after-error": "cut-3",
    "swallow-error": "cut-3",
    "done-on-loss": "cut-3",
    "half-body": "cut-3",
    "ask-again": "cut-3",
    "wrong-outcome": "cut-3",
    "page-as-error": "status-500",
    "relay-error": "status-500",
    "trace-in-error": "status-500",
    "keep-upstream": "stall",
    "no-pause": "flood",
    "no-heartbeat": "late-head",
    "numbered-heartbeat": "late-head",
}
"""The fault before which a bug shows; most show in a good answer."""


class Bench(NamedTuple):
    """The provider, the small gateway, and its clients."""

    provider: Provider
    process: Process
    history: Journal
    caller: Caller

    def evidence(self) -> Evidence:
        """What is known now."""
        until_s = time.monotonic()
        return gather(Follower(self.history.path).read(), self.provider.journal, list(self.process.lines), until_s)


@asynccontextmanager
async def start_bench(provider: Provider, folder: Path, drain_bug: str = "") -> AsyncGenerator[Bench]:
    command = [sys.executable, "-m", "tests.faults.planted", "--provider", str(provider.ports["lab"])]
    history = Journal(folder / f"history-{time.monotonic_ns()}.jsonl")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with Process([*command, *(["--drain", drain_bug] if drain_bug else [])], env) as process:
        port = int(process.wait_for_match(r"listening on (\d+)")[1])
        caller = Caller(history, port, "no key")
        yield Bench(provider, process, history, caller)
        await caller.close()
        process.child.kill()  # some of them would not go otherwise
    history.close()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[Provider]:
    with start_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
async def bench(provider: Provider, tmp_path: Path) -> AsyncGenerator[Bench]:
    async with start_bench(provider, tmp_path) as running:
        yield running


async def call(bench: Bench, bug: str, fault: str, leave: Leave | None = None, *, stream: bool = True) -> str:
    nonce = make_nonce(SOURCE)
    await bench.caller.call("openai", bug, fault, nonce, stream=stream, leave=leave)
    return nonce


async def test_an_honest_gateway_is_not_accused(bench: Bench) -> None:
    for fault in ("none", "cut-3", "reset-3", "status-500", "late-head", "split"):
        for stream in (True, False) if fault != "split" else (True,):
            await call(bench, "honest", fault, stream=stream)
    await call(bench, "honest", "stall", Leave(after_bytes=200))
    await bench.caller.probe("/health")
    await until(
        lambda: all(upstream.ended or upstream.closed for case in bench.evidence().cases for upstream in case.upstreams)
    )
    assert verdict(judge(bench.evidence(), Limits(probe_s=WAIT_S, cancel_s=WAIT_S))) == ""


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug not in ("keep-upstream", "no-pause", "block-loop")])
async def test_a_bug_is_caught_and_named(bench: Bench, bug: str) -> None:
    limits = Limits(silence_s=0.1, slack_s=0.0) if BUGS[bug] == "S10" else Limits(cancel_s=0.0)
    if bug == "mix-streams":
        await call(bench, "honest", "none")
    nonce = await call(bench, bug, FAULT_FOR.get(bug, "none"), stream=bug not in ("half-body", "page-as-error"))
    if bug != "no-outcome":
        lines = 2 if bug == "outcome-twice" else 1
        bench.process.wait_for(lambda said: sum(nonce in line for line in said) >= lines or None)
    assert named(bench, limits) == BUGS[bug]


async def test_an_upstream_that_stays_open_is_caught(bench: Bench) -> None:
    await call(bench, "keep-upstream", "stall", Leave(after_bytes=200))
    await until(lambda: judge(bench.evidence(), Limits(cancel_s=0.2)))
    assert named(bench, Limits(cancel_s=0.2)) == "S3"


async def test_a_blocked_worker_is_caught(bench: Bench) -> None:
    calling = asyncio.ensure_future(call(bench, "block-loop", "none"))
    while not calling.done():
        await bench.caller.probe("/health")
    assert named(bench, Limits()) == "S7"


async def test_unbounded_buffers_are_caught(bench: Bench) -> None:
    left = asyncio.Event()
    sample(bench, 0)
    stalling = asyncio.ensure_future(bench.caller.stall("openai", "no-pause", "flood", make_nonce(SOURCE), left))

    def grown() -> bool:
        sample(bench, 1)
        return named(bench, Limits()) == "S6"

    await until(grown)
    left.set()
    await stalling


@pytest.mark.parametrize("bug", DRAIN_BUGS)
async def test_a_bad_end_of_the_process_is_caught(provider: Provider, tmp_path: Path, bug: str) -> None:
    async with start_bench(provider, tmp_path, bug) as bench:
        calling = asyncio.ensure_future(call(bench, "honest", "crawl"))
        await until(lambda: any(case.arrivals for case in bench.evidence().cases))
        bench.history.note("signalled")
        bench.process.child.send_signal(signal.SIGTERM)
        if bug == "stay-ready":
            await bench.caller.probe("/ready")
        await calling
        if bug == "never-exit":
            await until(lambda: judge(bench.evidence(), Limits(drain_s=0.0, slack_s=0.2)))
            assert named(bench, Limits(drain_s=0.0, slack_s=0.2)) == "S8"
            return
        code = await asyncio.to_thread(bench.process.child.wait, WAIT_S)
        bench.history.note("exited", code=code)
        assert named(bench, Limits(cancel_s=0.0)) == "S8"


def named(bench: Bench, limits: Limits) -> str:
    """The promise whose breach is told first."""
    violations = judge(bench.evidence(), limits)
    return violations[0].promise if violations else ""


def sample(bench: Bench, stalled: int) -> None:
    status = Path(f"/proc/{bench.process.child.pid}/statm").read_text().split()
    bench.history.note("sample", rss_bytes=int(status[1]) * os.sysconf("SC_PAGE_SIZE"), stalled=stalled)


async def until(reached: Callable[[], object]) -> None:
    """Wait, within bounds, until something is so."""
    async with asyncio.timeout(WAIT_S):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
