"""Marks for the cache that OpenAI clients put on turns, parts and tools, as other gateways let them, are carried."""

from typing import Any

import msgspec

from tallygate.dialects.registry import STREAMING
from tallygate.genai.caching import MARK

CHAT, MESSAGES = STREAMING["openai_chat"], STREAMING["anthropic_messages"]
LONG = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}


def write(*messages: dict[str, Any], **more: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    asked = {"model": "m", "max_tokens": 5, "messages": messages, **more}
    written = MESSAGES.write_request(CHAT.read_request(msgspec.json.encode(asked)))
    return msgspec.json.decode(written.body), written.dropped


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def test_marks_on_parts_tools_and_the_request_stay_where_they_are() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}, MARK: SHORT}
    body, dropped = write(
        {"role": "system", "content": [text("Be kind.", **{MARK: LONG})]},
        {"role": "user", "content": [text("Hi", **{MARK: SHORT}), text("there")]},
        tools=[tool],
        **{MARK: SHORT},
    )
    assert body["system"] == [text("Be kind.", **{MARK: LONG})]
    assert body["messages"][0]["content"] == [text("Hi", **{MARK: SHORT}), text("there")]
    assert body["tools"][0][MARK] == SHORT
    assert body[MARK] == SHORT
    assert dropped == ()


def test_a_mark_on_a_turn_goes_onto_its_last_block() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    body, dropped = write(
        {"role": "system", "content": "Be kind.", MARK: LONG},
        {"role": "user", "content": [text("Hi"), text("there")], MARK: SHORT},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": "seen", MARK: SHORT},
    )
    assert body["system"] == [text("Be kind.", **{MARK: LONG})]
    first, _, last = body["messages"]
    assert first["content"] == [text("Hi"), text("there", **{MARK: SHORT})]
    assert last["content"][-1][MARK] == SHORT
    assert dropped == ()


def test_a_mark_on_a_turn_that_says_nothing_is_named() -> None:
    body, dropped = write({"role": "user", "content": "", MARK: SHORT}, {"role": "user", "content": "Hi"})
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert dropped == ("messages.cache_control",)


def test_no_mark_goes_onto_a_thought() -> None:
    thought = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}
    turn = {"role": "assistant", "content": "", "reasoning_details": [thought], MARK: SHORT}
    body, dropped = write({"role": "user", "content": "Hi"}, turn, {"role": "user", "content": "And?"})
    assert MARK.encode() not in msgspec.json.encode(body)
    assert dropped == ("messages.cache_control",)
