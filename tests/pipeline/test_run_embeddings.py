"""Calls for embeddings take the walk of all calls: held, sent on in three ways, settled, told."""

import asyncio
import base64
import hashlib
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.errors import ProviderUnreachable
from tallygate.genai.items import Settlement
from tallygate.genai.receipt_draft import ReceiptDraft
from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage
from tests.fakes.openings import openings_of
from tests.fakes.turns import until

pytestmark = pytest.mark.anyio

NUMBERS = (0.5, -0.25, 3.0)
LETTERS = base64.b64encode(struct.pack("<3f", *NUMBERS)).decode()
CONTENT = [{"index": 0, "vector": hashlib.sha256(struct.pack("<3f", *NUMBERS)).hexdigest()}]
COUNTED = {"prompt_tokens": 7, "total_tokens": 7}


def answer(vector: object = NUMBERS, usage: object = COUNTED, **more: object) -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return msgspec.json.encode({"object": "list", "data": data, "model": "real", "usage": usage, **more})


def script(body: bytes = b"", status: int = 200) -> Script:
    return Script(status, headers=JSON, pieces=[body or answer()])


def draft_of(stage: Stage) -> ReceiptDraft:
    """The receipt of the only call."""
    (end,) = stage.writer.ends
    assert isinstance(end, Settlement)
    return end.receipt


async def play(folder: Path, *scripts: Script, dialect: str = "openai_embeddings", **fields: Any) -> Any:
    """A call that goes to `vectors`: the stage, the call and its client."""
    stage, client = Stage(folder, *scripts, targets=("vectors",)), KeptClient()
    call = await stage.run(client, dialect=dialect, **fields)
    stage.check()
    return stage, call, client


async def test_an_answer_is_passed_as_it_came_and_paid_by_its_input(tmp_path: Path) -> None:
    stage, call, client = await play(tmp_path, script(answer(x_more=[1])))
    assert client.body == answer(x_more=[1])
    assert stage.exit.asked[0].url == "http://lab/v1/embeddings"
    assert stage.exit.asked[0].body == call.body
    hold, details = stage.hold(call), stage.details(call)
    # Two bytes and the marks around them, at 1 nano-USD each, are held.
    assert (hold.amount_nusd, hold.charged_nusd, hold.state) == (18, 7, "posted")
    assert (hold.input_tokens, hold.output_tokens) == (7, 0)
    assert client.headers["x-tallygate-cost-usd"] == "0.000000007"
    assert client.headers["x-tallygate-model"] == "m"
    assert "x-tallygate-output-cap" not in client.headers
    assert (details.operation, details.dialect, details.usage_source) == ("embed", "openai_embeddings", "provider")
    assert (details.status, details.response_model) == ("ok", "real")


@pytest.mark.parametrize(
    ("told", "asked", "heard"),
    [
        (NUMBERS, None, list(NUMBERS)),
        (NUMBERS, "float", list(NUMBERS)),
        (NUMBERS, "base64", LETTERS),
        (LETTERS, "base64", LETTERS),
        (LETTERS, "float", list(NUMBERS)),
        (LETTERS, None, list(NUMBERS)),
    ],
)
@pytest.mark.parametrize("dialect", ["openai_embeddings", "unified_embed"])
async def test_the_client_gets_the_form_it_asked_for_whatever_the_provider_sends(
    tmp_path: Path, told: object, asked: str | None, heard: object, dialect: str
) -> None:
    fields = {} if asked is None else {"encoding_format": asked}
    stage, call, client = await play(tmp_path, script(answer(told)), dialect=dialect, **fields)
    body = msgspec.json.decode(client.body)
    data = body["data"] if dialect == "openai_embeddings" else body["data"]["data"]
    assert data == [{"object": "embedding", "index": 0, "embedding": heard}]
    assert msgspec.json.decode(stage.exit.asked[0].body).get("encoding_format") == asked
    openings_of(draft_of(stage)).check(
        request=call.body,
        request_params=msgspec.json.encode({**fields, "model": "m"}, order="sorted"),
        forwarded=stage.exit.asked[0].body,
        response=client.body,
        response_content=msgspec.json.encode(CONTENT),
    )


async def test_the_envelope_tells_of_the_call(tmp_path: Path) -> None:
    usage = {**COUNTED, "cost": 0.5}
    _, call, client = await play(tmp_path, script(answer(usage=usage)), dialect="unified_embed", dimensions=3)
    body = msgspec.json.decode(client.body)
    assert body["status"] == "ok"
    assert body["data"]["usage"] == COUNTED
    assert body["meta"] == {"request_id": "req_1", "receipt_id": call.id, "cost_usd": "0.000000007"}


@pytest.mark.parametrize(
    ("usage", "charged_nusd", "source"),
    [
        (None, 10, "estimated"),  # a quarter of the 37 bytes of the request
        ({}, 10, "estimated"),
        ({"prompt_tokens": 0, "total_tokens": 0}, 0, "provider"),
        ({"total_tokens": 5}, 5, "provider"),
        ({"prompt_tokens": 5, "total_tokens": 9}, 5, "provider"),
        ({"prompt_tokens": -5}, 10, "estimated"),
        ({"prompt_tokens": 1_000, "total_tokens": 1_000}, 18, "provider"),
    ],
)
async def test_what_is_charged_for_a_count(tmp_path: Path, usage: object, charged_nusd: int, source: str) -> None:
    stage, call, client = await play(tmp_path, script(answer(usage=usage)), user="u")
    assert (client.status, len(call.body)) == (200, 37)
    hold = stage.hold(call)
    assert (hold.charged_nusd, hold.output_tokens) == (charged_nusd, 0)
    assert stage.details(call).usage_source == source


@pytest.mark.parametrize(
    ("played", "status", "code"),
    [
        (script(b'{"error":{"message":"Too long."}}', 400), 400, "provider_rejected"),
        (script(b"{}", 500), 502, "provider_error"),
        (script(b"{}", 429), 503, "overloaded"),
        (script(b'{"data":[]}'), 502, "invalid_provider_answer"),
        (script(b'{"data":[{"embedding":[[1]]}]}'), 502, "invalid_provider_answer"),
        (Script(refuse=ProviderUnreachable()), 502, "provider_unreachable"),
    ],
)
async def test_a_failure_costs_nothing(tmp_path: Path, played: Script, status: int, code: str) -> None:
    stage, call, client = await play(tmp_path, played)
    assert client.status == status
    assert msgspec.json.decode(client.body)["error"]["code"] == code
    assert stage.hold(call).charged_nusd == 0
    assert stage.details(call).error_code == code


async def test_a_client_who_leaves_before_the_answer_pays_for_what_it_asked(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Script(headers=JSON, pieces=[asyncio.Event()]), targets=("vectors",))
    call = stage.open(KeptClient(), dialect="openai_embeddings", user="u")
    walk = asyncio.create_task(stage.hallway.run(call))
    await until(lambda: bool(stage.exit.answers))
    call.departure.leave()
    await asyncio.wait_for(walk, 30)
    await stage.writer.drain()
    assert (stage.details(call).status, stage.details(call).usage_source) == ("cancelled", "estimated")
    assert stage.hold(call).charged_nusd == 10
    stage.check()


async def test_the_same_key_gets_the_same_bytes_and_pays_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, script(), targets=("vectors",))
    first, second = KeptClient(), KeptClient()
    for client in (first, second):
        await stage.run(client, dialect="openai_embeddings", claim_key="once", encoding_format="base64")
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"
    assert len(stage.exit.asked) == 1
    assert [hold.charged_nusd for hold in stage.shelf.tables["holds"].values()] == [7]


async def test_a_second_target_takes_over(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, script(b"{}", 500), script(), targets=("vectors", "vectors")), KeptClient()
    call = await stage.run(client, dialect="openai_embeddings")
    assert client.body == answer()
    assert len(stage.details(call).attempts) == 2


async def test_without_money_nothing_is_sent(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, targets=("vectors",), credit_nusd=17), KeptClient()
    await stage.run(client, dialect="openai_embeddings")
    assert client.status == 402
    assert not stage.exit.asked
