"""Takes people and machines out of recorded requests, and the words of a program whose words are not ours to hand on.

What a codec must cope with stays: the request line, the headers that matter, every key and every kind of value.
"""

import json
import re
from typing import Any

from tests.fakes.upstream import PROVIDER_KEY, Entry

UUID = "00000000-0000-4000-8000-000000000000"
DATE = "2026-01-01"
HOME = "/home/user"
DIGEST = "0" * 64
TOLD = "Do as you are told."

# Of the connection, not of the client; a cookie is the fake provider's own.
_LEFT_OUT = {"host", "connection", "content-length", "accept-encoding", "cookie", "transfer-encoding"}
_MACHINE = {"x-stainless-os": "OS", "x-stainless-arch": "ARCH", "x-stainless-runtime-version": "VERSION"}
_PATTERNS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), UUID),
    (re.compile(r"\b[0-9a-f]{64}\b"), DIGEST),
    (re.compile(re.escape(PROVIDER_KEY)), "KEY"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:8255"),
    # The program's version stays; what follows it tells conversations apart.
    (re.compile(r"(cc_version=\d+\.\d+\.\d+)\.\w+"), r"\1.000"),
)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_REMINDER = re.compile(r"^<system-reminder>.*</system-reminder>\s*$", re.DOTALL)


def scrub(entry: Entry, home: str = "", *, own_words: bool = False) -> dict[str, Any]:
    """One request of a journal as a golden file holds it: `request`, `headers`, and `body` if it had one.

    `home` is the folder the client lived in. With `own_words`, the prompts and descriptions in the body are replaced by
    how long they were.
    """
    told: dict[str, Any] = {"request": f"{entry['method']} {entry['path']}"}
    told["headers"] = {
        name: _MACHINE.get(name) or _plain(value, home)
        for name, value in sorted(entry["headers"])
        if name not in _LEFT_OUT
    }
    if entry["body"]:
        body = json.loads(entry["body"].encode("latin-1"))
        told["body"] = _walk(_without_words(body) if own_words else body, home)
    return told


def _plain(text: str, home: str) -> str:
    for pattern, placeholder in _PATTERNS:
        text = pattern.sub(placeholder, text)
    return text.replace(home, HOME) if home else text


def _walk(value: Any, home: str) -> Any:
    if isinstance(value, str):
        return _DATE.sub(DATE, _plain(value, home))
    if isinstance(value, list):
        return [_walk(part, home) for part in value]
    if isinstance(value, dict):
        return {key: _walk(part, home) for key, part in value.items()}
    return value


def _length_of(text: str) -> str:
    return f"({len(text)} characters of its own)"


def _without_words(body: dict[str, Any]) -> dict[str, Any]:
    """A Messages request without what its program wrote by itself."""
    system = [
        block
        if block["text"].startswith("x-anthropic-billing-header")
        else {**block, "text": _length_of(block["text"])}
        for block in body.get("system", [])
    ]
    tools = [_without_descriptions(tool) for tool in body.get("tools", [])]
    messages = [
        message if message["role"] == "assistant" else {**message, "content": _said(message["content"])}
        for message in body["messages"]
    ]
    kept = {"messages": messages, **({"system": system} if system else {}), **({"tools": tools} if tools else {})}
    return {key: kept.get(key, value) for key, value in body.items()}


def _said(content: Any) -> Any:
    """A turn without the program's own words; what this repository made it say begins with `TOLD`."""
    if isinstance(content, str):
        return content if content.startswith(TOLD) else _length_of(content)
    return [{**block, "text": _own(block["text"])} if block["type"] == "text" else block for block in content]


def _own(text: str) -> str:
    if text.startswith(TOLD):
        return text
    return f"<system-reminder>{_length_of(text)}</system-reminder>" if _REMINDER.match(text) else _length_of(text)


def _without_descriptions(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_descriptions(part) for part in value]
    if isinstance(value, dict):
        return {
            key: _length_of(part) if key == "description" and isinstance(part, str) else _without_descriptions(part)
            for key, part in value.items()
        }
    return value
