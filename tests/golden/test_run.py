"""Runs: requests beside what providers of each dialect are sent, and answers that providers were recorded to give
beside what the clients of runs get.

Snapshots stand beside the requests; TALLYGATE_GOLDEN=write rewrites them.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.dialects.registry import STREAMING
from tests.golden.recordings import GOLDEN, compare_snapshot
from tests.golden.test_crossings import CAP, CHATS, outcome, translate
from tests.golden.test_unified import ANSWERS, STREAMS

FOLDER = GOLDEN / "run"
RUN = STREAMING["run"]


@pytest.mark.parametrize("target", sorted(CHATS))
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.request.json")), ids=lambda path: path.name)
def test_what_providers_are_sent(path: Path, target: str) -> None:
    def cross() -> Any:
        body = path.read_bytes()
        peek = RUN.peek(body, 64)
        request = RUN.read_request(body)
        assert (peek.stream, peek.output_tokens_max) == (request.stream, request.output_tokens_max)
        written = CHATS[target].write_request(
            structs.replace(request, output_tokens_max=request.output_tokens_max or CAP)
        )
        CHATS[target].peek(written.body, 64)
        return {"dropped": written.dropped, "body": msgspec.json.decode(written.body)}

    compare_snapshot(path.with_name(f"{path.stem}.to.{target}.json"), outcome(cross))


def snapshot(name: str) -> Path:
    """Where stands what a recording comes to."""
    source, _, rest = name.partition("/")
    return FOLDER / f"{source}.{Path(rest).stem}.json"


@pytest.mark.parametrize("name", ANSWERS)
def test_what_clients_get_whole(name: str) -> None:
    def cross() -> Any:
        response = CHATS[name.partition("/")[0]].read_response((GOLDEN / name).read_bytes())
        return msgspec.json.decode(RUN.write_response(response, b'{"model":"m","prompt":"x","trace_id":"t"}'))

    compare_snapshot(snapshot(name), outcome(cross))


@pytest.mark.parametrize("name", STREAMS)
def test_what_clients_get_streamed(name: str) -> None:
    compare_snapshot(snapshot(name), translate(CHATS[name.partition("/")[0]], RUN, (GOLDEN / name).read_bytes()))
