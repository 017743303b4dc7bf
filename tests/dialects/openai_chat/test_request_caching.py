"""Hints about caching from the other dialects: carried to those who know them, and otherwise left out and named."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tallygate.dialects.registry import STREAMING
from tallygate.genai.caching import KEY, MARK, RETENTION, CacheHint

CHAT, MESSAGES, RESPONSES = (STREAMING[name] for name in ("openai_chat", "anthropic_messages", "openai_responses"))
LONG = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}
ASKED = {
    "model": "m",
    "max_tokens": 5,
    MARK: SHORT,
    "system": [{"type": "text", "text": "Be kind.", MARK: LONG}],
    "tools": [{"name": "look", "input_schema": {"type": "object"}, MARK: SHORT}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there", MARK: SHORT}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}, MARK: SHORT}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "seen", MARK: LONG}]},
    ],
}


def write(body: dict[str, Any], *hints: CacheHint, here: Any = MESSAGES) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = here.read_request(msgspec.json.encode(body))
    written = CHAT.write_request(replace(request, cache_hints=frozenset(hints)))
    return msgspec.json.decode(written.body), written.dropped


def test_marks_go_to_those_who_know_them_on_texts() -> None:
    body, dropped = write(ASKED, MARK)
    system, user, assistant, tool = body["messages"]
    assert system["content"] == [{"type": "text", "text": "Be kind.", MARK: LONG}]
    assert user["content"] == [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there", MARK: SHORT}]
    assert tool == {"role": "tool", "tool_call_id": "t", "content": [{"type": "text", "text": "seen", MARK: LONG}]}
    assert body[MARK] == SHORT
    assert MARK not in assistant["tool_calls"][0]
    assert MARK not in body["tools"][0]
    assert set(dropped) == {"messages.tool_calls.cache_control", "tools.cache_control"}


def test_marks_are_left_out_and_named_for_all_others() -> None:
    body, dropped = write(ASKED, KEY)
    assert MARK.encode() not in msgspec.json.encode(body)
    assert set(dropped) == {
        "cache_control",
        "system.cache_control",
        "tools.cache_control",
        "messages.content.cache_control",
        "messages.parts.cache_control",
        "messages.tool_calls.cache_control",
    }


@pytest.mark.parametrize("hints", [(KEY,), (KEY, RETENTION), ()])
def test_a_key_and_a_time_to_keep_go_to_those_who_know_them(hints: tuple[CacheHint, ...]) -> None:
    given = {KEY: "k", RETENTION: "24h"}
    body, dropped = write({"model": "m", "input": "hi", **given}, *hints, here=RESPONSES)
    assert {name: body.get(name) for name in given} == {
        name: value if name in hints else None for name, value in given.items()
    }
    assert set(dropped) == given.keys() - set(hints)


def test_in_the_same_dialect_every_hint_stays_where_it_is() -> None:
    text = {"type": "text", "text": "Hi", MARK: SHORT}
    asked = {"model": "m", "messages": [{"role": "user", "content": [text], MARK: LONG}], KEY: "k", MARK: SHORT}
    assert write(asked, here=CHAT) == write(asked, MARK, KEY, here=CHAT) == (asked, ())
