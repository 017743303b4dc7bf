"""Recordings beside what is read from them: `NAME.KIND` and its snapshot `NAME.KIND.read.json`, a folder a dialect.

After a change that is meant, TALLYGATE_GOLDEN=write rewrites what is read; read the difference before committing it.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallygate.dialects.base import Frame, Streaming
from tallygate.genai.assemble import assemble
from tallygate.genai.stream import Failed

GOLDEN = Path(__file__).parent


def recorded(dialect: str, kind: str) -> list[Path]:
    """The recordings of one kind: ``request.json``, ``answer.json`` or ``stream.sse``."""
    return sorted((GOLDEN / dialect).glob(f"*.{kind}"))


def named(dialect: str, kind: str) -> Any:
    """Once for each recording of this kind."""
    return pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in recorded(dialect, kind)])


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
    """The recording at `path` is still read as `value`."""
    compare_snapshot(path.with_name(f"{path.stem}.read.json"), value)


def compare_snapshot(snapshot: Path, value: Any) -> None:
    """The snapshot still holds `value`."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
    if os.environ.get("TALLYGATE_GOLDEN") == "write":
        snapshot.write_bytes(text)
    assert msgspec.json.decode(snapshot.read_bytes()) == msgspec.json.decode(text)


def listen(dialect: Streaming, stream: bytes) -> dict[str, Any]:
    """What a stream says: its frames, what it failed with, and the answer it adds up to."""
    reader = dialect.reader()
    frames = reader.feed(stream) + reader.finish()
    events = [event for frame in frames for event in frame.events]
    failures = [plain(event.error) for event in events if isinstance(event, Failed)]
    answer = assemble(event for event in events if not isinstance(event, Failed))
    return {"frames": [told(frame) for frame in frames], "failures": failures, "answer": plain(answer)}
