"""The gateway's own surface: requests beside what providers of each dialect are sent, and answers that providers were
recorded to give beside what its clients get.

Snapshots stand beside the requests; TALLYGATE_GOLDEN=write rewrites them.
"""

from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.golden.recordings import GOLDEN, compare_snapshot
from tests.golden.test_crossings import CAP, outcome, translate

FOLDER = GOLDEN / "unified"
DOORS = {"chat": "unified_chat", "generate": "unified_generate"}

ANSWERS = (
    *("openai_chat/openai.answer.json", "openai_chat/vllm.answer.json", "openai_chat/openai-refusal.answer.json"),
    *("anthropic_messages/tools.answer.json", "anthropic_messages/web-search.answer.json"),
    "openai_responses/reasoning.answer.json",
)
STREAMS = (
    *("openai_chat/openai-tools.stream.sse", "openai_chat/openrouter-error.stream.sse"),
    *("openai_chat/filters-no-end.stream.sse", "openai_chat/vllm-reasoning.stream.sse"),
    *("anthropic_messages/thinking.stream.sse", "anthropic_messages/overloaded.stream.sse"),
    "openai_responses/tools.stream.sse",
)


@pytest.mark.parametrize("target", sorted(CHATS))
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.request.json")), ids=lambda path: path.name)
def test_what_providers_are_sent(path: Path, target: str) -> None:
    _, door, _, _ = path.name.split(".")
    client, provider = CHAT_DOORS[DOORS[door]], CHATS[target]

    def cross() -> Any:
        body = path.read_bytes()
        peek = client.peek(body, 64)
        request = client.read_request(body)
        assert (peek.stream, peek.output_tokens_max) == (request.stream, request.output_tokens_max)
        written = provider.write_request(structs.replace(request, output_tokens_max=request.output_tokens_max or CAP))
        provider.peek(written.body, 64)
        return {"dropped": written.dropped, "body": msgspec.json.decode(written.body)}

    compare_snapshot(path.with_name(f"{path.stem}.to.{target}.json"), outcome(cross))


def snapshot(name: str, door: str) -> Path:
    """Where stands what a door makes of a recording."""
    source, _, rest = name.partition("/")
    return FOLDER / f"{source}.{Path(rest).stem}.to.{door}.json"


@pytest.mark.parametrize(("name", "door"), list(product(ANSWERS, DOORS)))
def test_what_clients_get_whole(name: str, door: str) -> None:
    source, client = CHATS[name.partition("/")[0]], CHAT_DOORS[DOORS[door]]

    def cross() -> Any:
        return msgspec.json.decode(client.write_response(source.read_response((GOLDEN / name).read_bytes())))

    compare_snapshot(snapshot(name, door), outcome(cross))


@pytest.mark.parametrize(("name", "door"), list(product(STREAMS, DOORS)))
def test_what_clients_get_streamed(name: str, door: str) -> None:
    source, client = CHATS[name.partition("/")[0]], CHAT_DOORS[DOORS[door]]
    compare_snapshot(snapshot(name, door), translate(source, client, (GOLDEN / name).read_bytes()))
