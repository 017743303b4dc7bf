"""OpenRouter's flavour: requests beside their wishes and what providers of each dialect are sent, and answers that
providers were recorded to give beside what its clients get.

Snapshots stand beside the requests; TALLYGATE_GOLDEN=write rewrites them.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tests.fakes.tongues import CHAT_DOORS, CHATS
from tests.golden.recordings import GOLDEN, compare_snapshot, plain
from tests.golden.test_crossings import CAP, outcome, translate
from tests.golden.test_unified import ANSWERS, STREAMS

FOLDER = GOLDEN / "openrouter"
CLIENT = CHAT_DOORS["openrouter_chat"]


@pytest.mark.parametrize("target", sorted(CHATS))
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.request.json")), ids=lambda path: path.name)
def test_what_providers_are_sent(path: Path, target: str) -> None:
    provider = CHATS[target]

    def cross() -> Any:
        body = path.read_bytes()
        peek = CLIENT.peek(body, 64)
        request = CLIENT.read_request(body)
        assert (peek.stream, peek.output_tokens_max) == (request.stream, request.output_tokens_max)
        written = provider.write_request(structs.replace(request, output_tokens_max=request.output_tokens_max or CAP))
        return {
            "routing": plain(peek.routing),
            "dropped": [*peek.dropped, *written.dropped],
            "body": msgspec.json.decode(written.body),
        }

    compare_snapshot(path.with_name(f"{path.stem}.to.{target}.json"), outcome(cross))


def snapshot(name: str) -> Path:
    """Where stands what becomes of a recording."""
    source, _, rest = name.partition("/")
    return FOLDER / f"{source}.{Path(rest).stem}.json"


@pytest.mark.parametrize("name", ANSWERS)
def test_what_clients_get_whole(name: str) -> None:
    source = CHATS[name.partition("/")[0]]

    def cross() -> Any:
        return msgspec.json.decode(CLIENT.write_response(source.read_response((GOLDEN / name).read_bytes())))

    compare_snapshot(snapshot(name), outcome(cross))


@pytest.mark.parametrize("name", STREAMS)
def test_what_clients_get_streamed(name: str) -> None:
    source = CHATS[name.partition("/")[0]]
    compare_snapshot(snapshot(name), translate(source, CLIENT, (GOLDEN / name).read_bytes()))
