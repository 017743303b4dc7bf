"""Answers that bear the call's id and tell what it came to, however the provider answered; and their failures."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.errors import ProviderOverloaded, ProviderTimeout
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole, whole_script
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio

DIALECT = "openrouter_chat"
COST_DETAILS = {
    "upstream_inference_cost": None,
    "upstream_inference_prompt_cost": 7e-9,
    "upstream_inference_completions_cost": 4.4e-8,
}
COUNTED = [chunk("hello"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
UNCOUNTED = [chunk("hello"), chunk(finish="stop"), DONE]


def read_chunks(body: bytes) -> list[Any]:
    assert body.endswith(DONE)
    blocks = body.removesuffix(DONE).split(b"\n\n")[:-1]
    return [msgspec.json.decode(block.removeprefix(b"data: ")) for block in blocks if not block.startswith(b":")]


async def test_a_whole_answer_tells_its_id_and_its_cost(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client, dialect=DIALECT)
    told = msgspec.json.decode(client.body)
    assert told["id"] == client.headers["x-generation-id"] == f"gen-{call.id}"
    assert told["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 11,
        "total_tokens": 18,
        "cost": 5.1e-8,
        "is_byok": False,
        "cost_details": COST_DETAILS,
    }
    assert b'"cost":0.000000051' in client.body
    assert client.headers["content-length"] == str(len(client.body))


@pytest.mark.parametrize("asked", [{}, {"stream_options": {"include_usage": False}}], ids=["unasked", "unwanted"])
@pytest.mark.parametrize("streams", [True, False], ids=["a stream", "a whole answer"])
async def test_the_last_chunk_of_a_stream_tells_usage_and_cost(
    tmp_path: Path, streams: bool, asked: dict[str, Any]
) -> None:
    answered = Script(pieces=COUNTED) if streams else Script(headers=JSON, pieces=[whole("hello", counts=usage(7, 11))])
    stage, client = Stage(tmp_path, answered), KeptClient()
    call = await stage.run(client, stream=True, dialect=DIALECT, **asked)
    *before, last = read_chunks(client.body)
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["cost"]) == (7, 5.1e-8)
    assert all("usage" not in told for told in before)
    assert {told["id"] for told in (*before, last)} == {f"gen-{call.id}"}
    assert f": tallygate-receipt {call.id}\n\ndata: [DONE]".encode() in client.body


@pytest.mark.parametrize("stream", [True, False])
async def test_where_nobody_counted_the_gateways_own_count_is_told(tmp_path: Path, stream: bool) -> None:
    answered = Script(pieces=UNCOUNTED) if stream else Script(headers=JSON, pieces=[whole("hello", counts=None)])
    stage, client = Stage(tmp_path, answered), KeptClient()
    call = await stage.run(client, stream=stream, dialect=DIALECT)
    told = read_chunks(client.body)[-1] if stream else msgspec.json.decode(client.body)
    hold = stage.hold(call)
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (hold.input_tokens, 2)
    assert told["usage"]["cost"] == hold.charged_nusd / 10**9 > 0


async def test_what_was_left_out_of_a_request_is_told(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client, dialect=DIALECT, session_id="s", provider={"sort": "exacto"})
    assert client.headers["x-tallygate-dropped"] == "provider.sort, session_id"
    assert stage.details(call).dropped == ("provider.sort", "session_id")
    (sent,) = stage.exit.asked
    assert msgspec.json.decode(sent.body).keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_failed_call_has_its_number_and_its_id(tmp_path: Path, stream: bool) -> None:
    stage, client = Stage(tmp_path, Script(refuse=ProviderOverloaded(retry_after_s=7))), KeptClient()
    call = await stage.run(client, stream=stream, dialect=DIALECT)
    told = msgspec.json.decode(client.body)["error"]
    assert (client.status, told["code"], told["metadata"]["error_type"]) == (529, 529, "provider_overloaded")
    assert client.headers["retry-after"] == "7"
    assert client.headers["x-generation-id"] == f"gen-{call.id}"


async def test_where_nobody_can_serve_the_client_may_try_again(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, targets=()), KeptClient()
    await stage.run(client, dialect=DIALECT)
    told = msgspec.json.decode(client.body)["error"]
    assert (client.status, told["code"], told["metadata"]["error_type"]) == (503, 503, "provider_unavailable")
    assert told["availability"] == {"code": "temporarily_unavailable", "retryable": True, "retry_after": 1}
    assert client.headers["retry-after"] == "1"


async def test_a_stream_that_breaks_ends_in_a_chunk_of_the_same_answer(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(pieces=[chunk("hello"), ProviderTimeout()])), KeptClient()
    call = await stage.run(client, stream=True, dialect=DIALECT)
    *_, last, end = client.body.split(b"\n\n")
    told = msgspec.json.decode(last.removeprefix(b"data: "))
    assert (told["id"], told["model"], told["object"]) == (f"gen-{call.id}", "m", "chat.completion.chunk")
    assert told["created"] > 0
    assert (told["error"]["code"], told["error"]["metadata"]["request_id"]) == (524, "req_1")
    assert told["choices"][0]["finish_reason"] == "error"
    assert end == b""
    assert b"usage" not in client.body


async def test_an_embedding_tells_its_cost(tmp_path: Path) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]}
    answered = Script(headers=JSON, pieces=[msgspec.json.encode({**vectors, "usage": {"prompt_tokens": 5}})])
    stage, client = Stage(tmp_path, answered, targets=("vectors",)), KeptClient()
    await stage.run(client, dialect="openrouter_embeddings")
    assert msgspec.json.decode(client.body)["usage"]["cost"] == 5e-9
