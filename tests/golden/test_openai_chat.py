"""Requests, answers and streams in the shapes that vendors document, each beside what is read from it.

The recordings are written by hand after the vendors' pages and hold no account, key or person. After a change that is
meant, TALLYGATE_GOLDEN=write rewrites what is read; read the difference before committing it.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.dialects.base import Frame
from tallygate.dialects.openai_chat import OpenAIChat
from tallygate.genai.assemble import assemble
from tallygate.genai.stream import Failed

HERE = Path(__file__).parent / "openai_chat"
DIALECT = OpenAIChat()


def named(kind: str) -> Any:
    return pytest.mark.parametrize(
        "path", [pytest.param(path, id=path.name) for path in sorted(HERE.glob(f"*.{kind}"))]
    )


def plain(value: Any) -> Any:
    """A value as JSON: its kind and whatever differs from the default."""
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    fields = {field.name: field for field in msgspec.structs.fields(value)}
    shown = {name: getattr(value, name) for name in fields}
    kept = {name: plain(item) for name, item in shown.items() if item not in (fields[name].default, (), {}, None)}
    return {"": type(value).__name__, **kept}


def told(frame: Frame) -> str:
    """A frame on one line: its events, and how the relay treats it."""
    marks = " closing" * frame.closing + " only_usage" * frame.only_usage
    return " ".join(type(event).__name__ for event in frame.events) + marks


def compare(path: Path, value: Any) -> None:
    snapshot = path.with_name(f"{path.stem}.read.json")
    text = msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
    if os.environ.get("TALLYGATE_GOLDEN") == "write":
        snapshot.write_bytes(text)
    assert msgspec.json.decode(snapshot.read_bytes()) == msgspec.json.decode(text)


@named("request.json")
def test_requests(path: Path) -> None:
    request = DIALECT.read_request(path.read_bytes())
    compare(path, plain(request))
    assert DIALECT.read_request(DIALECT.write_request(request).body) == request


@named("answer.json")
def test_answers(path: Path) -> None:
    response = DIALECT.read_response(path.read_bytes())
    compare(path, plain(response))
    assert DIALECT.read_response(DIALECT.write_response(response)) == response


@named("stream.sse")
def test_streams(path: Path) -> None:
    reader = DIALECT.reader()
    frames = reader.feed(path.read_bytes()) + reader.finish()
    events = [event for frame in frames for event in frame.events]
    failures = [plain(event.error) for event in events if isinstance(event, Failed)]
    answer = assemble(event for event in events if not isinstance(event, Failed))
    compare(path, {"frames": [told(frame) for frame in frames], "failures": failures, "answer": plain(answer)})
