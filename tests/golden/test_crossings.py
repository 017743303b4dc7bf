"""Every recording in every other dialect: what is carried, what is named as left out, what is refused.

Snapshots stand in `crossings`, by source and target; TALLYGATE_GOLDEN=write rewrites them. What each crossing carries
is told to users in docs/reference/conversion.md.
"""

from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tallygate.dialects.base import Streaming
from tallygate.errors import TallygateError
from tests.fakes.tongues import CHATS
from tests.golden.recordings import GOLDEN, compare_snapshot, recorded

CAP = 4096
"""What the relay puts where a dialect asks for a cap and the caller gave none."""


def crossed(kind: str) -> Any:
    """Once for each recording of this kind and each dialect that is not its own."""
    return pytest.mark.parametrize(
        ("source", "target", "path"),
        [
            pytest.param(source, target, path, id=f"{path.name}-{target}")
            for source, target in permutations(sorted(CHATS), 2)
            for path in recorded(source, kind)
        ],
    )


def snapshot(source: str, target: str, path: Path) -> Path:
    return GOLDEN / "crossings" / f"{source}.{path.stem}.to.{target}.json"


def outcome(attempt: Any) -> Any:
    """What was made, or how it was refused."""
    try:
        return attempt()
    except TallygateError as error:
        return {"refused": type(error).__name__, "param": error.param, "message": error.message}


@crossed("request.json")
def test_requests(source: str, target: str, path: Path) -> None:
    def cross() -> Any:
        request = CHATS[source].read_request(path.read_bytes())
        request = structs.replace(request, output_tokens_max=request.output_tokens_max or CAP)
        written = CHATS[target].write_request(request)
        CHATS[target].peek(written.body, 64)
        body = msgspec.json.decode(written.body)
        return {"dropped": written.dropped, "wants_inline": written.wants_inline, "body": body}

    compare_snapshot(snapshot(source, target, path), outcome(cross))


@crossed("answer.json")
def test_answers(source: str, target: str, path: Path) -> None:
    def cross() -> Any:
        return msgspec.json.decode(CHATS[target].write_response(CHATS[source].read_response(path.read_bytes())))

    compare_snapshot(snapshot(source, target, path), outcome(cross))


@crossed("stream.sse")
def test_streams(source: str, target: str, path: Path) -> None:
    compare_snapshot(snapshot(source, target, path), translate(CHATS[source], CHATS[target], path.read_bytes()))


def translate(source: Streaming, target: Streaming, stream: bytes) -> list[Any]:
    """The events of the translated stream, one line each; the last may be a refusal."""
    reader, writer = source.reader(), target.writer(include_usage=True)
    lines: list[str] = []
    try:
        for frame in reader.feed(stream) + reader.finish():
            for event in frame.events:
                lines += writer.feed(event).decode().splitlines()
    except TallygateError as error:
        lines.append(f"{type(error).__name__}: {error}")
    return [line for line in lines if line]
