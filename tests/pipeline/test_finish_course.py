"""How a call came about, told in its answer: by runs always, by chats for who asks; and what is told of a failure."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785

from tallygate.errors import ProviderFailed, ProviderTimeout, ProviderUnreachable
from tests.fakes.chat_pieces import DONE, chunk, usage, usage_chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import Stage

pytestmark = pytest.mark.anyio

POLICY = {"policy_version": "1", "privacy": {"redact_pii": False}}
DIGEST = hashlib.sha256(rfc8785.dumps(POLICY)).hexdigest()
PIECES = [chunk("hel"), chunk("lo"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]


def read_frames(body: bytes) -> list[Any]:
    assert body.endswith(DONE)
    blocks = body.removesuffix(DONE).split(b"\n\n")[:-1]
    return [msgspec.json.decode(block.removeprefix(b"data: ")) for block in blocks if not block.startswith(b":")]


async def test_a_run_tells_all(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client, dialect="run", policy=POLICY, trace_id="t")
    told = msgspec.json.decode(client.body)
    assert (told["run_id"], told["receipt_id"], told["request_id"], told["trace_id"]) == (
        call.id,
        call.id,
        "req_1",
        "t",
    )
    assert (told["tokens_in"], told["tokens_out"], told["cost_usd"]) == (7, 11, "0.000000051")
    assert (told["compute_passport_id"], told["runtime"], told["model_passport_id"]) == ("lab/m", "lab", "m")
    assert (told["policy_hash"], told["used_fallback"]) == (DIGEST, False)
    assert told["ttft_ms"] == told["total_latency_ms"]
    assert client.headers["content-length"] == str(len(client.body))
    assert stage.details(call).policy == DIGEST
    assert (client.headers["x-run-id"], client.headers["x-model-passport-id"]) == (call.id, "m")
    assert client.headers["x-compute-passport-id"] == "lab/m"


async def test_a_fallback_is_told_with_its_reason(tmp_path: Path) -> None:
    scripts = Script(refuse=ProviderUnreachable()), whole_script("hello", counts=usage(7, 11))
    stage, client = Stage(tmp_path, *scripts, targets=("lab", "den")), KeptClient()
    await stage.run(client, dialect="run")
    told = msgspec.json.decode(client.body)
    assert (told["used_fallback"], told["fallback_reason"]) == (True, "COMPUTE_MISSING_ENDPOINT")
    assert told["compute_passport_id"] == "den/m"


async def test_a_stream_of_a_run_tells_it_in_the_summary(tmp_path: Path) -> None:
    states: list[str] = []
    stage = Stage(tmp_path, Script(pieces=PIECES))
    client = KeptClient(lambda _: states.extend(hold.state for hold in stage.shelf.tables["holds"].values()))
    call = await stage.run(client, stream=True, dialect="run", policy=POLICY)
    *_, last, summary = read_frames(client.body)
    assert (last["is_last"], last["finish_reason"]) == (True, "stop")
    assert (summary["done"], summary["receipt_id"], summary["policy_hash"]) == (True, call.id, DIGEST)
    assert (summary["tokens_in"], summary["cost_usd"]) == (7, "0.000000051")
    # Words go at once; the end waits for the settlement.
    assert states == ["open", "open", "posted"]


async def test_a_failure_that_was_sent_has_the_runs_id(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(refuse=ProviderFailed())), KeptClient()
    call = await stage.run(client, dialect="run")
    told = msgspec.json.decode(client.body)
    assert (client.status, told["success"], told["run_id"]) == (503, False, call.id)
    assert client.headers["x-run-id"] == client.headers["x-tallygate-receipt-id"] == call.id
    assert client.headers["retry-after"] == "1"


async def test_a_refusal_has_the_requests_id(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path), KeptClient()
    await stage.run(client, dialect="run", key="nobody")
    assert msgspec.json.decode(client.body)["run_id"] == "req_1"
    assert "x-run-id" not in client.headers


async def test_a_stream_of_a_run_that_breaks_does_not_end(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, Script(pieces=[chunk("hello"), ProviderTimeout()])), KeptClient()
    await stage.run(client, stream=True, dialect="run")
    assert client.body.endswith(b'"error_code":"TIMEOUT","request_id":"req_1"}\n\n')


async def test_a_chat_that_asks_is_told(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    call = await stage.run(client, policy=POLICY, trace_id="t")
    told = msgspec.json.decode(client.body)["run"]
    assert (told["run_id"], told["compute_passport_id"], told["policy_hash"]) == (call.id, "lab/m", DIGEST)
    assert told["trace_id"] == "t"
    assert set(msgspec.json.decode(stage.exit.asked[0].body)) == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("include_usage", [True, False])
async def test_a_chats_stream_tells_it_in_its_last_chunk(tmp_path: Path, include_usage: bool) -> None:
    stage, client = Stage(tmp_path, Script(pieces=PIECES)), KeptClient()
    await stage.run(client, stream=True, run=True, stream_options={"include_usage": include_usage})
    *before, last = read_frames(client.body)
    assert last["run"]["compute_passport_id"] == "lab/m"
    assert ("usage" in last) == include_usage
    assert all("run" not in frame for frame in before)


@pytest.mark.parametrize("fields", [{}, {"run": False}])
@pytest.mark.parametrize("stream", [True, False])
async def test_who_does_not_ask_gets_the_bytes_as_they_were(
    tmp_path: Path, fields: dict[str, Any], stream: bool
) -> None:
    script = Script(pieces=PIECES) if stream else whole_script("hello", counts=usage(7, 11))
    stage, client = Stage(tmp_path, script), KeptClient()
    await stage.run(client, stream=stream, **fields)
    assert b'"run"' not in client.body


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "unified_chat", "run"])
async def test_an_error_names_who_was_asked_last(tmp_path: Path, dialect: str) -> None:
    scripts = Script(refuse=ProviderUnreachable()), Script(refuse=ProviderFailed())
    stage, client = Stage(tmp_path, *scripts, targets=("lab", "den")), KeptClient()
    await stage.run(client, dialect=dialect)
    assert (client.headers["x-tallygate-model"], client.headers["x-tallygate-backend"]) == ("m", "den")
