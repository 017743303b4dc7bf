"""Running calls end with their key."""

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from tallygate.errors import StoreUnavailable
from tallygate.pipeline.running import Running
from tests.fakes.chat_pieces import DONE, chunk
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio


async def begin(stage: Stage, key: str) -> tuple[KeptClient, asyncio.Task[None]]:
    client = KeptClient()
    owner = asyncio.create_task(stage.hallway.run(stage.open(client, key=key, stream=True)))
    await until(lambda: bool(client.pieces))
    return client, owner


async def test_the_calls_of_a_dead_key_are_cut_and_settled_and_no_others(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    stage = Stage(
        tmp_path,
        Script(pieces=[chunk("hello"), asyncio.Event()]),
        Script(pieces=[chunk("hello"), go_on, chunk(finish="stop"), DONE]),
    )
    (dead, dead_owner), (living, living_owner) = await begin(stage, "k1"), await begin(stage, "k2")
    stage.shelf.put(structs.replace(stage.shelf.tables["keys"]["k1"], status="revoked", version=2))
    await stage.running.look()
    await dead_owner
    assert b"invalid_api_key" in dead.body
    assert b"[DONE]" not in dead.body
    assert not living_owner.done()
    go_on.set()
    await living_owner
    assert living.body.endswith(DONE)
    stage.check()


async def test_no_new_attempt_begins_for_a_dead_key(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(pieces=[asyncio.Event()]), Script(pieces=[DONE]), targets=("lab", "den"))
    client = KeptClient()
    call = stage.open(client)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.exit.answers))
    stage.shelf.put(structs.replace(stage.shelf.tables["keys"]["k1"], status="revoked", version=2))
    await stage.running.look()
    await owner
    assert client.status == 401
    assert len(stage.exit.asked) == 1
    assert stage.hold(call).charged_nusd == 0
    stage.check()


async def test_nobody_is_asked_about_while_nothing_runs(tmp_path: Path) -> None:
    asked: list[frozenset[str]] = []

    async def find_dead(key_ids: frozenset[str]) -> frozenset[str]:
        asked.append(key_ids)
        return frozenset()

    calls, stage = Running(find_dead), Stage(tmp_path)
    await calls.look()
    one, two = stage.open(), stage.open()
    with calls.keep(one, "k1"):
        with calls.keep(two, "k1"):
            await calls.look()
        await calls.look()
    await calls.look()
    assert asked == [frozenset({"k1"})] * 2


async def test_a_database_that_is_away_cuts_nothing_and_is_asked_again(tmp_path: Path) -> None:
    asked = 0

    async def find_dead(key_ids: frozenset[str]) -> frozenset[str]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise StoreUnavailable
        return key_ids

    calls, call = Running(find_dead), Stage(tmp_path).open()
    with calls.keep(call, "k1"):
        for _ in range(2):
            await calls.look()
            with call.departure.watching():
                pass
        await calls.look()
        with pytest.raises(Exception, match="not valid any more"), call.departure.watching():
            await asyncio.Event().wait()
