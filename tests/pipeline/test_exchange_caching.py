"""A provider that knows marks for its cache gets a caller's, in whichever dialect it came; others do not."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes.exits import JSON, KeptClient, Script
from tests.fakes.hallway import Stage
from tests.golden.recordings import GOLDEN

ANSWER = (GOLDEN / "openai_chat" / "openai.answer.json").read_bytes()
SYSTEM = [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]


@pytest.mark.parametrize(
    ("target", "content", "dropped"),
    [("den", SYSTEM, None), ("lab", "Be kind.", "system.cache_control")],
)
def test_marks_go_where_the_row_says_that_they_are_known(
    target: str, content: Any, dropped: str | None, tmp_path: Path
) -> None:
    async def walk() -> tuple[Stage, KeptClient]:
        stage, client = Stage(tmp_path, Script(headers=JSON, pieces=[ANSWER]), targets=(target,)), KeptClient()
        await stage.run(client, dialect="anthropic_messages", system=SYSTEM, max_tokens=9)
        return stage, client

    stage, client = asyncio.run(walk())
    (asked,) = stage.exit.asked
    said = msgspec.json.decode(asked.body)["messages"][0]
    assert said == {"role": "system", "content": content}
    assert dict(client.headers).get("x-tallygate-dropped") == dropped
