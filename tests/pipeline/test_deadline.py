"""The longest a caller lets a call take: it ends there, wherever it waits, and is settled all the same."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

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
