"""The recordings of what clients send name no person, no machine and no day, and hold no program's own prose."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scrub import DATE, DIGEST, HOME, TOLD, UUID, scrub
from tests.fakes.upstream import PROVIDER_KEY

FOLDER = Path(__file__).parent / "recorded"
RECORDINGS = sorted(FOLDER.glob("*/*.json"))
CLIENTS = {"openai3", "openai1", "anthropic2", "anthropic0", "claude-code"}

PROSE_CHARACTERS = 200
UNWANTED = {
    "a folder of one machine": re.compile(rf"/(?:root|tmp|var|Users|work)\b|/home/(?!{HOME.removeprefix('/home/')}\b)"),
    "an id of a session or a person": re.compile(rf"\b(?!{UUID})[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b"),
    "an id of a device": re.compile(rf"\b(?!{DIGEST})[0-9a-f]{{32,}}\b"),
    "a key": re.compile(rf"{re.escape(PROVIDER_KEY)}|\bsk-|\blx-"),
    "an address of mail": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "a port of one run": re.compile(r"127\.0\.0\.1:(?!8255\b)\d+"),
}
DAY = re.compile(rf"\b(?!{DATE})20\d\d-\d\d-\d\d\b")


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings_in(part)


def unwanted_in(told: dict[str, Any]) -> list[str]:
    """What a recording must not hold; days only in the body, for they are part of names in headers."""
    text = json.dumps(told, ensure_ascii=False)
    found = [f"{what}: {match[0]}" for what, pattern in UNWANTED.items() for match in pattern.finditer(text)]
    return found + [f"a day: {match[0]}" for match in DAY.finditer(json.dumps(told.get("body")))]


def test_every_client_is_recorded() -> None:
    assert {path.parent.name for path in RECORDINGS} == CLIENTS


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recording_is_scrubbed(path: Path) -> None:
    told = json.loads(path.read_text())
    assert set(told) <= {"request", "headers", "body"}
    assert unwanted_in(told) == []
    if path.parent.name == "claude-code":
        long = [text for text in strings_in(told.get("body")) if len(text) > PROSE_CHARACTERS]
        assert [text for text in long if not text.startswith(TOLD)] == []


def test_what_must_go_goes_and_the_shape_stays() -> None:
    home = "/tmp/abc"
    identity = {"device_id": "ab" * 32, "session_id": "1b2c3d4e-1111-4222-8333-123456789abc"}
    body: dict[str, Any] = {
        "model": "m",
        "system": [{"type": "text", "text": "Long words " * 40, "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": f"{TOLD} Look into {home}/project on 2026-11-21"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "s"}]},
        ],
        "tools": [{"name": "Read", "description": "Reads. " * 50, "input_schema": {"type": "object"}}],
        "metadata": {"user_id": json.dumps(identity)},
    }
    entry: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/messages?beta=true",
        "body": json.dumps(body),
        "headers": [["x-api-key", PROVIDER_KEY], ["x-stainless-os", "Linux"], ["host", "127.0.0.1:40000"]],
    }
    before = {"headers": dict(entry["headers"]), "body": body}
    told = scrub(entry, home, own_words=True)
    assert {line.split(":")[0] for line in unwanted_in(before)} == {
        *("a folder of one machine", "an id of a session or a person", "an id of a device", "a key"),
        *("a port of one run", "a day"),
    }
    assert unwanted_in(told) == []
    assert told["headers"] == {"x-api-key": "KEY", "x-stainless-os": "OS"}
    assert list(told["body"]) == list(body)
    assert told["body"]["messages"][0]["content"] == f"{TOLD} Look into {HOME}/project on {DATE}"
    assert told["body"]["messages"][1] == body["messages"][1]
    assert json.loads(told["body"]["metadata"]["user_id"]) == {"device_id": DIGEST, "session_id": UUID}
    assert told["body"]["system"][0] == {
        "type": "text",
        "text": "(440 characters of its own)",
        "cache_control": {"type": "ephemeral"},
    }
    assert told["body"]["tools"][0]["description"] == "(350 characters of its own)"
