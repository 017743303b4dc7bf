"""Limits of requests and tokens as callers meet them: what their headers tell, and what a refusal says and takes."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.dialects.registry import CLIENT_DIALECTS
from tallygate.genai.book import Rate
from tests.fakes.chat_pieces import DONE, chunk, refusal, usage, usage_chunk, whole_script
from tests.fakes.exits import KeptClient, Script
from tests.fakes.hallway import OUTPUT_TOKENS_MAX, Stage

pytestmark = pytest.mark.anyio

OPENAI, ANTHROPIC = "x-ratelimit-", "anthropic-ratelimit-"


def limit(stage: Stage, *, rpm: int | None = None, tpm: int | None = None) -> None:
    for kind, per_minute in (("requests", rpm), ("tokens", tpm)):
        if per_minute is not None:
            values: dict[str, Any] = {"kind": kind, "per_minute": per_minute}
            stage.shelf.put(Rate(id=f"r-{kind}", level="key", owner_id="k1", **values))


def told(client: KeptClient) -> dict[str, str]:
    return {name: value for name, value in client.headers.items() if "ratelimit" in name}


async def test_a_whole_answer_tells_what_is_left_and_the_end_gives_back_what_was_not_used(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    limit(stage, rpm=60, tpm=6_000)
    call = await stage.run(client)
    reserved = stage.hold(call).rate_tokens
    assert reserved > OUTPUT_TOKENS_MAX + len(call.body)
    assert told(client) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": str(6_000 - reserved),
        "x-ratelimit-reset-tokens": f"{reserved / 100:g}s",
    }
    rate: Rate = stage.shelf.tables["rates"]["r-tokens"]
    assert (rate.held_tokens, rate.filled_micro) == (0, 18 * 10**6)


async def test_a_stream_tells_it_too(tmp_path: Path) -> None:
    pieces = [chunk("hello"), chunk(finish="stop"), usage_chunk(usage(7, 11)), DONE]
    stage, client = Stage(tmp_path, Script(pieces=pieces)), KeptClient()
    limit(stage, rpm=60)
    await stage.run(client, stream=True)
    assert told(client) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
    }


async def test_a_call_that_fails_tells_it_as_well(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, refusal(500)), KeptClient()
    limit(stage, rpm=2)
    await stage.run(client)
    assert client.status >= 500
    assert told(client)["x-ratelimit-remaining-requests"] == "1"


async def test_who_has_no_limit_is_told_nothing(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path, whole_script("hello")), KeptClient()
    limit(stage, rpm=5)
    await stage.run(client, key="k2")
    assert not told(client)


@pytest.mark.parametrize("name", sorted(CLIENT_DIALECTS))
async def test_a_refusal_is_a_429_in_the_words_of_each_door(tmp_path: Path, name: str) -> None:
    stage, client = Stage(tmp_path), KeptClient()
    limit(stage, rpm=60)
    empty: Rate = stage.shelf.tables["rates"]["r-requests"]
    stage.shelf.put(structs.replace(empty, filled_micro=60 * 10**6, seen_at_ns=stage.writer.now_ns))
    before = dict(stage.shelf.tables["rates"])
    await stage.run(client, dialect=name)
    assert client.status == 429
    assert client.headers["retry-after"] == "1"
    assert "x-should-retry" not in client.headers
    assert stage.shelf.tables["rates"] == before
    assert not stage.shelf.tables["holds"]
    family = ANTHROPIC if name == "anthropic_messages" else OPENAI
    assert len(told(client)) == 3
    assert all(header.startswith(family) for header in told(client))
    remaining = f"{family}requests-remaining" if family == ANTHROPIC else f"{family}remaining-requests"
    assert client.headers[remaining] == "0"


async def test_anthropics_words(tmp_path: Path) -> None:
    stage, client = Stage(tmp_path), KeptClient()
    limit(stage, tpm=100)
    await stage.run(client, dialect="anthropic_messages")
    error = msgspec.json.decode(client.body)["error"]
    assert error["type"] == "rate_limit_error"
    assert error["message"].startswith("This key may use 100 tokens a minute.")
    assert client.headers["anthropic-ratelimit-tokens-reset"] == "2024-10-04T12:00:00Z"
    assert client.headers["x-should-retry"] == "false"


async def test_an_answer_that_is_given_again_takes_nothing(tmp_path: Path) -> None:
    stage, again = Stage(tmp_path, whole_script("hello", counts=usage(7, 11))), KeptClient()
    limit(stage, rpm=1, tpm=9_000)
    await stage.run(claim_key="once")
    before = dict(stage.shelf.tables["rates"])
    await stage.run(again, claim_key="once")
    assert again.status == 200
    assert not told(again)
    assert stage.shelf.tables["rates"] == before
