"""Signs of life: on silent streams only, in their dialect, and never before the answer's own head."""

import asyncio

import msgspec
import pytest

from tallygate.pipeline.call import Call, ClientGone
from tallygate.pipeline.heartbeat import Heartbeat
from tests.fakes.exits import KeptClient
from tests.fakes.tongues import CHATS

pytestmark = pytest.mark.anyio

SILENCE_S = 0.01


class Gone(KeptClient):
    """A client that has left."""

    async def send(self, chunk: bytes) -> None:
        raise ClientGone


def make_call(client: KeptClient, dialect_name: str = "openai_chat", *, stream: bool = True) -> Call:
    dialect = CHATS[dialect_name]
    body = msgspec.json.encode(
        {
            "model": "m",
            "max_tokens": 9,
            "stream": stream,
            "messages": [{"role": "user", "content": "hi"}],
            "input": "hi",
        }
    )
    return Call(
        call_id="call_1",
        request_id="req_1",
        operation="chat",
        dialect=dialect,
        body=body,
        peek=dialect.peek(body, 64),
        credential=None,
        forwarded=(),
        client=client,
        arrived_ns=0,
    )


@pytest.mark.parametrize("name", CHATS)
async def test_a_silent_stream_begins_and_shows_signs_of_life(name: str) -> None:
    beaten = asyncio.Event()
    client = KeptClient(on_send=lambda _: beaten.set())
    with Heartbeat(make_call(client, name), (("x-tallygate-backend", "lab"),), SILENCE_S) as heartbeat:
        await asyncio.wait_for(beaten.wait(), 30)
        await heartbeat.start()
    assert client.status == 200
    assert client.headers["x-tallygate-backend"] == "lab"
    assert client.headers["content-type"] == "text/event-stream"
    assert set(client.pieces) == {CHATS[name].ping}


async def test_signs_of_life_go_on_as_long_as_the_silence() -> None:
    three = asyncio.Event()
    client = KeptClient(on_send=lambda _: three.set() if len(client.pieces) >= 3 else None)
    with Heartbeat(make_call(client), (), SILENCE_S):
        await asyncio.wait_for(three.wait(), 30)


async def test_a_whole_answer_gets_none() -> None:
    client = KeptClient()
    with Heartbeat(make_call(client, stream=False), (), 0.0):
        for _ in range(10):
            await asyncio.sleep(0)
    assert client.status == 0


async def test_the_end_of_an_attempt_ends_its_heartbeat() -> None:
    client = KeptClient()
    with Heartbeat(make_call(client), (), 0.0):
        pass
    for _ in range(10):
        await asyncio.sleep(0)
    assert client.status == 0


async def test_a_client_that_is_gone_is_told_to_the_owner() -> None:
    call = make_call(Gone())
    with pytest.raises(ClientGone), call.departure.watching(), Heartbeat(call, (), SILENCE_S):
        await asyncio.wait_for(asyncio.Event().wait(), 30)
