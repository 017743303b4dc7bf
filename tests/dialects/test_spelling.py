"""The field that asks for something is named as it stands in the caller's own body, whatever wire it came over."""

import msgspec
import pytest

from tallygate.dialects.registry import CLIENT_DIALECTS, DIALECTS
from tallygate.dialects.spelling import BEYOND_WORDS, spell_need
from tallygate.genai.chat import ChatRequest
from tallygate.genai.needs import find_needs

PNG = "data:image/png;base64,iVBORw0KGgo="
SOURCE = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
DOCUMENT = {"type": "document", "source": PDF}
SEEN = {"type": "input_image", "image_url": PNG}
SCHEMA = {"type": "object"}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": SOURCE}]}


def say(*parts: object) -> list[object]:
    return [{"role": "user", "content": "hi"}, {"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("dialect", "members", "path"),
    [
        (
            "openai_chat",
            {"messages": say({"type": "text", "text": ""}, {"type": "image_url", "image_url": {"url": PNG}})},
            "messages[1].content[1]",
        ),
        (
            "openai_chat",
            {
                "messages": say(
                    {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
                    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}},
                )
            },
            "messages[1].content[1]",
        ),
        (
            "openai_chat",
            {"messages": say({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}})},
            "messages[1].content[0]",
        ),
        ("openai_chat", {"response_format": {"type": "json_object"}}, "response_format"),
        ("openai_chat", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("openai_chat", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ("unified_chat", {"response_format": {"type": "json_object"}}, "response_format"),
        ("anthropic_messages", {"messages": say(RESULT)}, "messages[1].content[0].content[0]"),
        (
            "anthropic_messages",
            {"messages": say(RESULT, {"type": "document", "source": PDF})},
            "messages[1].content[1]",
        ),
        (
            "anthropic_messages",
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "output_config.format",
        ),
        ("anthropic_messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking"),
        ("anthropic_messages", {"output_config": {"effort": "high"}}, ""),
        ("openai_responses", {"input": say(SEEN)}, "input[1].content[0]"),
        (
            "openai_responses",
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "call_id": "a",
                        "output": [{"type": "input_image", "image_url": PNG}],
                    }
                ]
            },
            "input[0].output[0]",
        ),
        ("openai_responses", {"input": "hi", "text": {"format": {"type": "json_object"}}}, "text.format"),
        ("openai_responses", {"input": "hi", "reasoning": {"effort": "low"}}, "reasoning.effort"),
    ],
)
def test_the_callers_own_field_is_named(dialect: str, members: dict[str, object], path: str) -> None:
    body = msgspec.json.encode({"model": "m", "max_tokens": 2048, "messages": say(), **members})
    if dialect == "openai_responses":
        body = msgspec.json.encode({"model": "m", **members})
    request = CLIENT_DIALECTS[dialect].read_request(body)
    assert isinstance(request, ChatRequest)
    *_, need = find_needs(request)
    assert spell_need(need, dialect, body) == path


def test_only_wires_that_are_spoken_are_told_of() -> None:
    assert set(BEYOND_WORDS) <= set(DIALECTS)
