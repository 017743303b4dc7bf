"""Clients that abuse the front door of a whole gateway: who they are costs the others nothing, and leaves no trace."""

import asyncio
import json
import os
import random
import resource
import socket
import sqlite3
import statistics
import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.contract.gateway import Gateway, clean_env, start_gateway
from tests.fakes.front import Line
from tests.faults.caller import Caller, make_nonce
from tests.faults.judge import Limits, judge, verdict
from tests.faults.raw_requests import CORPUS
from tests.faults.stage import CROSSINGS, PATIENT, Stage, start_stage

pytestmark = pytest.mark.anyio

SEED = 20261121
STALLED = 300
STALLED_BYTES = 150 << 20
IDLE = 5_000
STALLED_BYTES_MAX = 512 * 1024
"""For each of them: the event loop reads a quarter of a MiB from a provider at once, and passes it on as it is."""
STALL_S = 3
TRACES = ("holds", "transfers", "claims", "receipts")
BOMB_BYTES = 64 << 20
"""What one bomb may cost in memory: the body, its outline, and as much again."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    folder = tmp_path_factory.mktemp("clients")
    with start_gateway(clean_env(folder, TALLYGATE_OPENING_CREDIT_USD="5.00"), "--demo") as running:
        yield running


def rss_bytes(gateway: Gateway) -> int:
    """The gateway's resident memory."""
    pages = int(Path(f"/proc/{gateway.process.child.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def count_rows(gateway: Gateway) -> dict[str, int]:
    """How many rows there are of what a call leaves behind."""
    with closing(sqlite3.connect(Path(gateway.env["TALLYGATE_DATA"]) / "tallygate.db")) as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TRACES}


def test_what_is_refused_leaves_no_trace(gateway: Gateway) -> None:
    before = count_rows(gateway)
    for row in CORPUS:
        if 200 in row.statuses:
            continue
        with Line(gateway.port) as line:
            # With a key that could pay, so that it is not for want of one.
            raw = row.raw.replace(b"\r\nHost:", b"\r\nX-Api-Key: %b\r\nHost:" % gateway.key.encode(), 1)
            assert line.send(raw).read().status in (*row.statuses, 431), row.name
    assert count_rows(gateway) == before
    assert gateway.ask("GET", "/health").status == 200


BOMBS = {
    "deep arrays": b"[" * 5_000_000,
    "deep objects": b'{"a":' * 2_000_000,
    "many brackets": b'{"model":"m","x":[' + b"[]," * 3_000_000 + b"[]]}",
    "many members": b'{"model":"m",' + b",".join(b'"k%d":0' % number for number in range(1_000_000)) + b"}",
    "many messages": b'{"model":"m","messages":[' + b",".join([b'{"role":"user","content":""}'] * 500_000) + b"]}",
    "a long number": b'{"model":"m","max_tokens":' + b"9" * 10_000_000 + b"}",
    "a long string": b'{"model":"' + b"a" * 10_000_000 + b'"}',
    "escapes": b'{"model":"m","messages":[{"role":"user","content":"' + b"\\u0000" * 1_000_000 + b'"}]}',
    "blanks": b" " * 20_000_000,
    "zeros": bytes(20_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_little(gateway: Gateway, name: str) -> None:
    gateway.chat({"model": "mock/echo", "messages": [{"role": "user", "content": "a"}]})
    before_bytes, before_s = rss_bytes(gateway), time.monotonic()
    sent = [("Content-Type", "application/json")]
    reply = gateway.ask("POST", "/v1/chat/completions", BOMBS[name], sent, key=gateway.key)
    took_s = time.monotonic() - before_s
    assert 400 <= reply.status < 500
    assert rss_bytes(gateway) - before_bytes < BOMB_BYTES + 4 * len(BOMBS[name])
    # A second on a machine of its own; this one may be crowded.
    assert took_s < 10.0


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    with start_stage(tmp_path, PATIENT) as running:
        yield running


async def ask_honestly(caller: Caller, source: random.Random, count: int) -> list[float]:
    """How long whole calls take, one after the other, in seconds."""
    took_s: list[float] = []
    for number in range(count):
        crossing = CROSSINGS[number % len(CROSSINGS)]
        begun_s = time.monotonic()
        answered = await caller.call(
            crossing.client, f"{crossing.upstream}-lab", "none", make_nonce(source), stream=False
        )
        assert (answered.status, answered.how) == (200, "complete")
        took_s.append(time.monotonic() - begun_s)
    return took_s


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay below."""
    return statistics.quantiles(values, n=20)[-1]


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_three_hundred_clients_that_read_nothing_cost_the_others_nothing(stage: Stage) -> None:
    source, left = random.Random(SEED), asyncio.Event()
    caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)
    with stage.kept_apart():
        await ask_honestly(caller, source, 50)
        before_bytes, alone_s = stage.sample(0), await ask_honestly(caller, source, 300)
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
            await asyncio.sleep(2.0)
        beside_s = await ask_honestly(caller, source, 300)
        grown = stage.sample(STALLED) - before_bytes
    left.set()
    await asyncio.gather(*stalling)
    await caller.close()
    print(  # noqa: T201 - the figures are the point
        f"\n{STALLED} clients that read nothing: {grown >> 20} MiB, {grown // STALLED >> 10} KiB each; "
        f"95 of 100 calls within {p95(alone_s) * 1000:.1f} ms before, {p95(beside_s) * 1000:.1f} ms beside them"
    )
    assert grown < STALLED_BYTES
    assert p95(beside_s) < 2 * p95(alone_s) + 0.005
    assert verdict(judge(await stage.settled(), Limits(cancel_s=20.0, stalled_bytes=STALLED_BYTES_MAX))) == ""


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_clients_that_read_nothing_are_left_and_their_calls_end(tmp_path: Path) -> None:
    source, left = random.Random(SEED), asyncio.Event()
    with start_stage(tmp_path, PATIENT, {"write_stall_s": STALL_S}) as stage:
        caller = Caller(stage.history, stage.gateway.port, stage.gateway.key)
        stalling = [
            asyncio.ensure_future(
                caller.stall(crossing.client, f"{crossing.upstream}-lab", "flood", make_nonce(source), left)
            )
            for crossing in CROSSINGS
        ]
        await asyncio.sleep(STALL_S + 6.0)
        evidence = await stage.settled()
        assert all(upstream.closed for case in evidence.cases for upstream in case.upstreams)
        assert verdict(judge(evidence, Limits(write_timeout_s=STALL_S + 5.0))) == ""
        left.set()
        await asyncio.gather(*stalling)
        await caller.close()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_five_thousand_idle_clients_are_nothing(gateway: Gateway) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * IDLE), hard))
    try:
        with ExitStack() as stack:
            before_bytes = rss_bytes(gateway)
            for _ in range(IDLE):
                stack.enter_context(closing(socket.create_connection(("127.0.0.1", gateway.port), 30.0)))
            body = {"model": "mock/echo", "messages": [{"role": "user", "content": "a"}]}
            assert json.loads(gateway.chat(body).body)["object"] == "chat.completion"
            assert rss_bytes(gateway) - before_bytes < IDLE * 8 * 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
