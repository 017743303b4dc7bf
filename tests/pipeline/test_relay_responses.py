"""Calls on the responses wire: through to a provider that speaks it byte by byte, and to and from those that do not."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage
from tests.golden.recordings import GOLDEN

RECORDED = GOLDEN / "openai_responses"
STREAM = (RECORDED / "text.stream.sse").read_bytes()
ANSWER = (RECORDED / "text.answer.json").read_bytes()
CHAT = (GOLDEN / "openai_chat" / "openai.answer.json").read_bytes()


def run(folder: Path, script: Script, target: str, **fields: Any) -> tuple[Stage, KeptClient]:
    """One call through the hallway, and what its client got."""

    async def walk() -> tuple[Stage, KeptClient]:
        stage, client = Stage(folder, script, targets=(target,)), KeptClient()
        await stage.run(client, **fields)
        return stage, client

    return asyncio.run(walk())


def test_a_stream_passes_byte_by_byte_but_for_its_cost_and_its_receipt(tmp_path: Path) -> None:
    stage, client = run(tmp_path, Script(pieces=[STREAM]), "codex", dialect="openai_responses", stream=True)
    told, last = client.body.rsplit(b"event: ", 1)
    before, note = told.rsplit(b": tallygate-receipt ", 1)
    assert (before, note) == (STREAM.rsplit(b"event: ", 1)[0], b"call_1\n\n")
    usage = msgspec.json.decode(last.partition(b"data: ")[2])["response"]["usage"]
    assert usage.pop("cost") > 0
    assert usage == msgspec.json.decode(ANSWER)["usage"]
    (asked,) = stage.exit.asked
    assert msgspec.json.decode(asked.body) == {"model": "m", "input": "hi", "stream": True, "max_output_tokens": 1_000}


def test_what_closes_the_answer_waits_for_the_settlement(tmp_path: Path) -> None:
    async def walk() -> None:
        stage = Stage(tmp_path, Script(pieces=[STREAM]), targets=("codex",))
        seen: list[bool] = []
        client = KeptClient(
            lambda piece: seen.append(b"response.completed" in piece and stage.hold(call).state != "open")
        )
        call = stage.open(client, dialect="openai_responses", stream=True)
        await stage.hallway.run(call)
        assert seen[-1]
        assert not any(seen[:-1])

    asyncio.run(walk())


def test_a_whole_answer_passes_as_it_came(tmp_path: Path) -> None:
    script = Script(headers=JSON, pieces=[ANSWER])
    _, client = run(tmp_path, script, "codex", dialect="openai_responses", max_output_tokens=9)
    assert client.body == ANSWER


def test_a_client_of_chat_is_served_by_a_provider_of_responses(tmp_path: Path) -> None:
    stage, client = run(tmp_path, Script(headers=JSON, pieces=[ANSWER]), "codex", temperature=0.5)
    (asked,) = stage.exit.asked
    assert asked.url == "http://lab/v1/responses"
    body = msgspec.json.decode(asked.body)
    assert (body["store"], body["temperature"], body["max_output_tokens"]) == (False, 0.5, 1_000)
    assert msgspec.json.decode(client.body)["choices"][0]["message"]["content"] == "Hello."


def test_a_client_of_responses_is_served_by_a_provider_of_chat(tmp_path: Path) -> None:
    tools = [{"type": "function", "name": "f", "parameters": {}, "strict": False}]
    script = Script(headers=JSON, pieces=[CHAT])
    _, client = run(tmp_path, script, "lab", dialect="openai_responses", tools=tools, instructions="Be brief.")
    answer = msgspec.json.decode(client.body)
    assert (answer["object"], answer["instructions"], answer["tools"]) == ("response", "Be brief.", tools)


def test_a_whole_answer_to_who_asked_for_a_stream_is_told_as_one(tmp_path: Path) -> None:
    script = Script(headers=JSON, pieces=[ANSWER])
    _, client = run(tmp_path, script, "codex", dialect="openai_responses", stream=True)
    assert client.body.startswith(b"event: response.created\n")
    assert b'"delta":"Hello."' in client.body
