"""Whole answers: the envelope around a chat's object, and around the text form of one."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.unified import UnifiedChat, UnifiedGenerate
from tallygate.errors import InvalidAnswer, ProviderOverloaded
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Reasoning, Text, ToolCall
from tallygate.genai.stream import Ended, Started, UsageSeen
from tallygate.genai.usage import Usage

CHAT, GENERATE = UnifiedChat(), UnifiedGenerate()

PARTS = (Reasoning("hm"), Text("4"), ToolCall("c1", "add", "{}"))
ANSWER = ChatResponse("id1", "m", 5, (Choice(0, PARTS, "stop"),), Usage(3, 2), dialect="anthropic_messages")
CALLS = [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_chat_stands_in_its_envelope() -> None:
    assert msgspec.json.decode(CHAT.write_response(ANSWER)) == {
        "status": "ok",
        "data": {
            "id": "id1",
            "object": "chat.completion",
            "created": 5,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "4",
                        "refusal": None,
                        "reasoning_content": "hm",
                        "tool_calls": CALLS,
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": USAGE,
        },
        "meta": {},
    }


def test_a_text_has_beside_it_what_a_message_would_hold() -> None:
    data = msgspec.json.decode(GENERATE.write_response(ANSWER))["data"]
    assert (data["object"], data["usage"]) == ("text_completion", USAGE)
    assert data["choices"] == [
        {
            "index": 0,
            "text": "4",
            "reasoning_content": "hm",
            "tool_calls": CALLS,
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
def test_an_answer_without_words_has_a_text_all_the_same(dialect: UnifiedChat) -> None:
    silent = msgspec.structs.replace(ANSWER, choices=(Choice(0, finish_reason="length"),), dialect=dialect.name)
    assert dialect.read_response(dialect.write_response(silent)) == silent
    (choice,) = msgspec.json.decode(GENERATE.write_response(silent))["data"]["choices"]
    assert choice["text"] == ""


@pytest.mark.parametrize("dialect", [CHAT, GENERATE])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"status":"ok"}',
        b'{"status":"ok","data":[]}',
        b'{"status":"ok","data":{}}',
        b'{"status":"ok","data":{"choices":7}}',
        b'{"status":"ok","data":{"choices":[7]}}',
        b'{"status":"maybe","data":{"choices":[]}}',
        b'{"status":7,"data":{"choices":[]}}',
        b'{"choices":[]}',
    ],
)
def test_what_is_no_envelope_is_no_answer(dialect: UnifiedChat, body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        dialect.read_response(body)


def test_an_error_in_an_envelope_is_raised() -> None:
    body = b'{"status":"error","error":{"code":"RATE_LIMITED","message":"Too many."},"meta":{}}'
    with pytest.raises(ProviderOverloaded):
        CHAT.read_response(body)


@pytest.mark.parametrize("extra", [{"usage": {"cost": 0.5, "cost_details": {}, "x": 1}}, {"usage": {"x": 1}}])
def test_what_the_provider_asks_is_not_told(extra: dict[str, Any]) -> None:
    asked = msgspec.structs.replace(ANSWER, dialect="openai_chat", extra=extra)
    assert msgspec.json.decode(CHAT.write_response(asked))["data"]["usage"] == {**USAGE, "x": 1}
    writer = CHAT.writer(include_usage=True)
    written = b"".join(
        map(writer.feed, [Started("i", "m", dialect="openai_chat"), UsageSeen(Usage(3, 2), extra), Ended()])
    )
    assert msgspec.json.decode(written.split(b"\n\n")[0].removeprefix(b"data: "))["usage"] == {**USAGE, "x": 1}
