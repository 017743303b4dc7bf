"""What an answer tells of itself when it is settled: in a whole one and at the end of a stream, however the provider
answered; and what is told of a failure.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.errors import ProviderTimeout
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio

both_doors = pytest.mark.parametrize("dialect", ["unified_chat", "unified_generate"])


def read_chunks(body: bytes) -> list[Any]:
    assert body.endswith(DONE)
    blocks = body.removesuffix(DONE).split(b"\n\n")[:-1]
    return [msgspec.json.decode(block.removeprefix(b"data: ")) for block in blocks if not block.startswith(b":")]


@both_doors
async def test_a_whole_answer_tells_its_ids_and_its_cost(tmp_path: Path, dialect: str) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client, dialect=dialect)
    told = msgspec.json.decode(client.body)
    assert told["meta"] == {"request_id": "req_1", "receipt_id": call.id, "cost_usd": "0.000000051"}
    assert client.headers["x-tallygate-cost-usd"] == "0.000000051"
    assert client.headers["content-length"] == str(len(client.body))


@both_doors
@pytest.mark.parametrize("streams", [True, False], ids=["a stream", "a whole answer"])
async def test_the_last_chunk_of_a_stream_tells_them(tmp_path: Path, dialect: str, streams: bool) -> None:
    pieces = [chunk("hello"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    answered = Script(pieces=pieces) if streams else Script(headers=JSON, pieces=[whole("hello", counts=usage(7, 11))])
    stage, client = Stage(tmp_path, answered), KeptClient()
    call = await stage.run(client, stream=True, dialect=dialect)
    *_, last = read_chunks(client.body)
    assert last["meta"] == {"request_id": "req_1", "receipt_id": call.id, "cost_usd": "0.000000051"}
    assert client.body.count(b'"meta"') == 1


@both_doors
async def test_the_end_waits_for_the_settlement_and_content_does_not(tmp_path: Path, dialect: str) -> None:
    pieces = [chunk("hel"), chunk("lo"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    states: list[str] = []
    stage = Stage(tmp_path, Script(pieces=pieces))
    client = KeptClient(lambda _: states.extend(hold.state for hold in stage.shelf.tables["holds"].values()))
    await stage.run(client, stream=True, dialect=dialect)
    assert states == ["open", "open", "posted"]


@both_doors
@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_has_no_cost_to_tell(tmp_path: Path, dialect: str, stream: bool) -> None:
    stage, client = Stage(tmp_path, Script(refuse=ProviderTimeout())), KeptClient()
    await stage.run(client, stream=stream, dialect=dialect)
    assert client.status == 504
    assert msgspec.json.decode(client.body)["meta"] == {"request_id": "req_1"}


@both_doors
async def test_a_stream_that_breaks_tells_of_it_and_ends(tmp_path: Path, dialect: str) -> None:
    stage, client = Stage(tmp_path, Script(pieces=[chunk("hello"), ProviderTimeout()])), KeptClient()
    await stage.run(client, stream=True, dialect=dialect)
    *_, error, done, end = client.body.split(b"\n\n")
    assert error.startswith(b'event: error\ndata: {"code":"BACKEND_TIMEOUT"')
    assert (done + b"\n\n", end) == (DONE, b"")
    assert b'"meta"' not in client.body
