"""What a call is charged whose client left: every row of that table, over the real fold."""

import asyncio
import time
from pathlib import Path

import pytest

from tallygate.pipeline.call import Call
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.turns import later, until
from tests.pipeline.settlement_rows import CLIENT_LEFT, COUNTED, TEXT, Rows, expect, expect_void, guess_input

pytestmark = pytest.mark.anyio

row = Rows(CLIENT_LEFT)


@row("before anything was sent")
async def _gone_before(folder: Path) -> None:
    stage = Stage(folder)
    call = stage.open()
    call.departure.leave()
    await stage.hallway.run(call)
    expect_void(stage, call)


async def leave(folder: Path, *pieces: bytes, seen: int = 1) -> tuple[Stage, Call]:
    """A client that leaves as soon as it has got `seen` writes, or while the provider is silent after `pieces`."""
    never = asyncio.Event()
    stage = Stage(folder, Script(pieces=[*pieces, never, DONE]))

    def heard(_: bytes) -> None:
        if len(client.pieces) == seen:
            # As a socket's end does: what is being sent has been handed over by then.
            later(call.departure.leave)

    client = KeptClient(heard)
    call = stage.open(client, stream=True)
    owner = asyncio.create_task(stage.hallway.run(call))
    if not seen:
        await until(lambda: bool(stage.exit.answers))
        call.departure.leave()
    await asyncio.wait_for(owner, 60)
    assert all(answer.closed for answer in stage.exit.answers)
    return stage, call


@row("before the answer began")
async def _gone_early(folder: Path) -> None:
    stage, call = await leave(folder, seen=0)
    expect(stage, call, guess_input(call), 0, "estimated")
    assert stage.details(call).status == "cancelled"


@row("its policy's time was over before the answer began")
async def _gone_with_time(folder: Path) -> None:
    policy = {"policy_version": "1", "latency": {"hard_timeout_ms": 50}}
    stage, client = Stage(folder, Script(pieces=[asyncio.Event()]), targets=("lab", "den")), KeptClient()
    call = stage.open(client, policy=policy)
    call.arrived_ns = time.monotonic_ns()
    await asyncio.wait_for(stage.hallway.run(call), 60)
    assert client.status == 503 or b"timeout" in client.body
    expect(stage, call, guess_input(call), 0, "estimated")
    assert stage.details(call).status == "cancelled"


@row("in the middle of the answer")
async def _gone_during(folder: Path) -> None:
    stage, call = await leave(folder, chunk(TEXT), chunk(TEXT), seen=2)
    expect(stage, call, guess_input(call), 2 * COUNTED, "counted")


@row("in the middle, where the provider counts as it goes")
async def _gone_counted(folder: Path) -> None:
    stage, call = await leave(folder, chunk(TEXT, counts=usage(7, 5)))
    expect(stage, call, 7, 5, "provider")
    stage, call = await leave(folder, chunk(TEXT, counts=usage(7, 1)))
    expect(stage, call, 7, COUNTED, "counted")


@row("after the answer was complete")
async def _gone_after(folder: Path) -> None:
    stage, call = await leave(folder, chunk(TEXT), chunk(finish="stop") + usage_chunk(usage(7, 11)), seen=2)
    expect(stage, call, 7, 11, "provider")
    stage = Stage(folder, whole_script(TEXT, counts=usage(7, 11)))
    stage.writer.gate.clear()
    call = stage.open()
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.writer.ends))
    call.departure.leave()
    stage.writer.gate.set()
    await owner
    expect(stage, call, 7, 11, "provider")


@row("with an Idempotency-Key")
async def _gone_with_key(folder: Path) -> None:
    go_on = asyncio.Event()
    end = [chunk(TEXT), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    stage = Stage(folder, Script(pieces=[chunk(TEXT), go_on, *end]))
    client = KeptClient(lambda _: call.departure.leave())
    call = stage.open(client, stream=True, claim_key="k")
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: call.departure.left)
    go_on.set()
    await owner
    expect(stage, call, 7, 11, "provider")
    assert stage.details(call).status == "ok"


def test_every_row_of_the_page_is_tried() -> None:
    row.check()


@pytest.mark.parametrize("name", row.tests)
async def test_row(name: str, tmp_path: Path) -> None:
    await row.tests[name](tmp_path)
