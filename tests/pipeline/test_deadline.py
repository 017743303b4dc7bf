"""The longest that a call may take: it ends there, wherever it waits, and is settled all the same."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.errors import ProviderTimeout, ProviderUnreachable
from tallygate.pipeline.deadline import Deadlines
from tests.fakes.chat_pieces import chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio

SHORT = {"policy_version": "1", "latency": {"hard_timeout_ms": 50}}
LONG = {"policy_version": "1", "latency": {"hard_timeout_ms": 60_000}}


async def run(stage: Stage, client: KeptClient, **fields: Any) -> str:
    call = stage.open(client, **fields)
    call.arrived_ns = time.monotonic_ns()
    await asyncio.wait_for(stage.hallway.run(call), 60)
    await stage.writer.drain()
    stage.check()
    return stage.hold(call).state


async def test_a_call_that_takes_too_long_ends_and_nobody_else_is_asked(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[asyncio.Event()]), targets=("lab", "den"))
    client = KeptClient()
    assert await run(stage, client, dialect="run", policy=SHORT) == "posted"
    told = msgspec.json.decode(client.body)
    assert (client.status, told["error_code"]) == (503, "TIMEOUT")
    assert len(stage.exit.asked) == 1


async def test_a_stream_that_takes_too_long_breaks_off(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[chunk("hello"), asyncio.Event()]))
    client = KeptClient()
    assert await run(stage, client, stream=True, policy=SHORT) == "posted"
    assert b"hello" in client.body
    assert b'"code":"timeout"' in client.body
    assert b"[DONE]" not in client.body


@pytest.mark.parametrize("policy", [None, LONG, {"policy_version": "1"}])
async def test_a_call_in_time_is_left_alone(tmp_path: Path, policy: object) -> None:
    stage, client = Stage(tmp_path, whole_script("hello")), KeptClient()
    assert await run(stage, client, policy=policy) == "posted"
    assert client.status == 200


async def test_the_operators_limit_holds_for_all_attempts_together(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[asyncio.Event()]), targets=("lab", "den"), total_ms=50)
    client = KeptClient()
    assert await run(stage, client) == "posted"
    error = msgspec.json.decode(client.body)["error"]
    assert (client.status, error["code"]) == (504, "timeout")
    assert error["message"] == "The call took longer than this gateway allows."
    assert len(stage.exit.asked) == 1


async def test_who_was_asked_before_is_named_when_the_time_is_over(tmp_path: Path) -> None:
    scripts = (Script(refuse=ProviderUnreachable()), Script(pieces=[asyncio.Event()]))
    stage = Stage(tmp_path, *scripts, targets=("lab", "den"), total_ms=50)
    client = KeptClient()
    await run(stage, client)
    error = msgspec.json.decode(client.body)["error"]
    assert error["metadata"]["attempts"] == ["lab/m: 502 provider_unreachable", "den/m: 504 timeout"]


@pytest.mark.parametrize(
    ("total_ms", "timeout_ms", "policy_ms", "limit_ms"),
    [
        (None, None, None, None),
        (900, None, None, 900),
        (900, 800, None, 800),
        (900, None, 700, 700),
        (900, 800, 700, 700),
        (900, 600, 700, 600),
        (500, 600, 700, 500),
        (None, 600, None, 600),
    ],
)
async def test_the_shortest_limit_counts(
    tmp_path: Path, total_ms: int | None, timeout_ms: int | None, policy_ms: int | None, limit_ms: int | None
) -> None:
    latency = {} if policy_ms is None else {"latency": {"hard_timeout_ms": policy_ms}}
    call = Stage(tmp_path).open(dialect="run", policy={"policy_version": "1", **latency})
    call.arrived_ns, call.timeout_ms = time.monotonic_ns(), timeout_ms
    with Deadlines().guard(call, total_ms):
        assert call.until_ns == (None if limit_ms is None else call.arrived_ns + limit_ms * 10**6)
        left_ms = call.find_left_ms()
        assert left_ms is None if limit_ms is None else left_ms is not None and left_ms <= limit_ms


@pytest.mark.parametrize(("total_ms", "timeout_ms", "called_off"), [(5, None, False), (None, 5, True)])
async def test_who_set_the_limit_has_called_the_call_off(
    tmp_path: Path, total_ms: int | None, timeout_ms: int | None, called_off: bool
) -> None:
    call = Stage(tmp_path).open()
    call.timeout_ms = timeout_ms
    with Deadlines().guard(call, total_ms), pytest.raises(ProviderTimeout), call.departure.watching():
        await asyncio.Event().wait()
    assert (call.departure.called_off is not None) is called_off


async def test_each_of_many_calls_has_its_own_time(tmp_path: Path) -> None:
    stage, deadlines, ended = Stage(tmp_path), Deadlines(), list[str]()

    async def wait(total_ms: int, name: str) -> None:
        call = stage.open()
        call.arrived_ns = time.monotonic_ns()
        with deadlines.guard(call, total_ms), suppress(ProviderTimeout), call.departure.watching():
            await asyncio.Event().wait()
        ended.append(name)

    async with asyncio.TaskGroup() as tasks:
        for total_ms, name in ((200, "third"), (100, "second"), (1, "first"), (200, "fourth")):
            tasks.create_task(wait(total_ms, name))
            await asyncio.sleep(0)
    assert ended == ["first", "second", "third", "fourth"]


async def test_a_call_that_has_ended_is_forgotten(tmp_path: Path) -> None:
    stage, deadlines = Stage(tmp_path), Deadlines()
    ended, waiting = stage.open(), stage.open()
    ended.arrived_ns = waiting.arrived_ns = time.monotonic_ns()
    with deadlines.guard(ended, 1):
        pass
    with deadlines.guard(waiting, 20), pytest.raises(ProviderTimeout), waiting.departure.watching():
        await asyncio.Event().wait()
    assert not ended.departure.over


async def test_a_call_with_less_time_does_not_wait_for_the_others(tmp_path: Path) -> None:
    stage, deadlines = Stage(tmp_path), Deadlines()
    patient, hasty = stage.open(), stage.open()
    patient.arrived_ns = hasty.arrived_ns = time.monotonic_ns()
    guards = deadlines.guard(patient, 600_000), deadlines.guard(hasty, 1)
    with guards[0], guards[1], pytest.raises(ProviderTimeout), hasty.departure.watching():
        await asyncio.wait_for(asyncio.Event().wait(), 60)
    assert not patient.departure.over
