"""Calls with an Idempotency-Key: charged once, answered again with the same bytes, and never twice under way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tallygate.errors import ProviderUnreachable, StreamBroken
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.turns import later, until

pytestmark = pytest.mark.anyio

KEY: dict[str, Any] = {"claim_key": "once"}
STREAM = Script(pieces=[chunk("hel"), chunk("lo"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE])
ASKED: dict[str, dict[str, Any]] = {
    "whole": {},
    "stream": {"stream": True},
    "stream with usage": {"stream": True, "stream_options": {"include_usage": True}},
    "another dialect": {"stream": True, "dialect": "anthropic_messages"},
}


def list_files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def kept_headers(client: KeptClient) -> dict[str, str]:
    own = {"x-request-id", "request-id", "idempotent-replayed"}
    return {name: value for name, value in client.headers.items() if name not in own}


@pytest.mark.parametrize("name", ASKED)
async def test_the_same_request_gets_the_same_bytes_and_is_charged_once(name: str, tmp_path: Path) -> None:
    script = whole_script("hello", counts=usage(7, 11)) if name == "whole" else STREAM
    stage, first, second = Stage(tmp_path, script), KeptClient(), KeptClient()
    call = await stage.run(first, **ASKED[name], **KEY)
    await stage.run(second, **ASKED[name], **KEY)
    assert first.body == second.body != b""
    assert (first.status, kept_headers(first)) == (second.status, kept_headers(second))
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["x-tallygate-receipt-id"] == call.id
    assert second.headers["x-request-id"] == "req_1"
    assert second.ended
    assert len(stage.exit.asked) == 1
    assert len(stage.shelf.tables["holds"]) == 1
    stage.check()


async def test_many_at_once_are_one_call(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    stage = Stage(tmp_path, Script(pieces=[chunk("hello"), go_on, chunk(finish="stop"), DONE]))
    clients = [KeptClient() for _ in range(4)]
    owners = [asyncio.create_task(stage.run(client, stream=True, **KEY)) for client in clients]
    await until(lambda: len(stage.writer.asked) >= len(clients))
    go_on.set()
    await asyncio.gather(*owners)
    assert len({client.body for client in clients}) == 1
    assert sorted(client.headers.get("idempotent-replayed", "") for client in clients) == ["", "true", "true", "true"]
    assert len(stage.exit.asked) == 1
    stage.check()


async def test_who_waits_may_leave(tmp_path: Path) -> None:
    never = asyncio.Event()
    stage = Stage(tmp_path, Script(pieces=[never]))
    first = stage.open(stream=True, **KEY)
    owner = asyncio.create_task(stage.hallway.run(first))
    await until(lambda: bool(stage.exit.answers))
    client = KeptClient()
    second = stage.open(client, stream=True, **KEY)
    later(second.departure.leave, 20)
    await stage.hallway.run(second)
    assert client.status == 0
    owner.cancel()
    await owner


async def test_another_request_under_the_same_key_is_a_conflict(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    await stage.run(**KEY)
    await stage.run(client, temperature=1, **KEY)
    assert client.status == 409
    assert b"idempotency_conflict" in client.body
    assert client.headers["x-should-retry"] == "false"
    assert "idempotent-replayed" not in client.headers
    assert len(stage.exit.asked) == 1


async def test_an_answer_that_is_gone_is_never_made_again(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    await stage.run(**KEY)
    for file in list_files(tmp_path):
        file.unlink()
    await stage.run(client, **KEY)
    assert client.status == 409
    assert b"idempotency_answer_gone" in client.body
    assert client.headers["x-should-retry"] == "false"
    assert len(stage.exit.asked) == 1
    stage.check()


async def test_a_stream_that_broke_off_was_charged_and_is_not_made_again(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(pieces=[chunk("hello"), StreamBroken()])), KeptClient()
    call = await stage.run(stream=True, **KEY)
    assert stage.hold(call).charged_nusd > 0
    await stage.run(client, stream=True, **KEY)
    assert client.status == 409
    assert b"idempotency_answer_gone" in client.body
    stage.check()


async def test_what_cost_nothing_may_be_tried_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(refuse=ProviderUnreachable()), whole_script("hello", counts=usage(7, 11)))
    first, second = KeptClient(), KeptClient()
    await stage.run(first, **KEY)
    await stage.run(second, **KEY)
    assert (first.status, second.status) == (502, 200)
    assert "idempotent-replayed" not in second.headers
    stage.check()


async def test_a_settlement_that_is_late_keeps_the_answer_for_the_second_request(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), settle_wait_s=0.001)
    stage.writer.gate.clear()
    first, second = KeptClient(), KeptClient()
    await stage.hallway.run(stage.open(first, **KEY))
    assert first.status == 503
    stage.writer.gate.set()
    await stage.writer.drain()
    await stage.run(second, **KEY)
    assert (second.status, second.headers["idempotent-replayed"]) == (200, "true")
    assert b"hello" in second.body
    stage.check()


async def test_an_answer_that_somebody_else_settled_is_not_left_lying(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    stage = Stage(tmp_path, Script(pieces=[chunk("hello"), go_on, chunk(finish="stop"), DONE]))
    client = KeptClient()
    call = stage.open(client, stream=True, **KEY)
    owner = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(client.pieces))
    stage.writer.take_over(call.id)
    go_on.set()
    await owner
    assert b"settlement_unknown" in client.body
    assert list_files(tmp_path) == []


async def test_a_call_without_a_key_is_not_kept(tmp_path: Path) -> None:
    stage = Stage(tmp_path, whole_script("hello", counts=usage(7, 11)), STREAM)
    await stage.run()
    await stage.run(stream=True)
    assert list_files(tmp_path) == []
    assert len(stage.exit.asked) == 2
