"""Whole answers: the members clients look for, the reason for the end in two words, thoughts, no price of others."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tallygate.dialects.openai_chat import response as carried
from tallygate.dialects.openrouter.response import read_response, write_response
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import Reasoning, Text
from tallygate.genai.usage import Usage


def answer(**choice: Any) -> bytes:
    message = choice.pop("message", {"role": "assistant", "content": "4"})
    told = {"index": 0, "message": message, "finish_reason": "stop", **choice}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 7, "is_byok": True, "x_more": 1}
    return msgspec.json.encode({"id": "i", "created": 1, "model": "m", "choices": [told], "usage": usage})


def write(body: bytes) -> Any:
    return msgspec.json.decode(write_response(carried.read_response(body)))


def test_an_answer() -> None:
    assert write(answer()) == {
        "system_fingerprint": None,
        "id": "i",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "4", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
                "native_finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "x_more": 1},
    }


@pytest.mark.parametrize(
    ("theirs", "native", "told"),
    [
        ("eos", None, ("stop", "eos")),
        ("max_tokens", None, ("length", "max_tokens")),
        ("safety", None, ("content_filter", "safety")),
        ("stop", "end_turn", ("stop", "end_turn")),
        (None, None, (None, None)),
    ],
)
def test_the_reason_for_the_end_and_the_providers_word_for_it(
    theirs: str | None, native: str | None, told: tuple[str | None, str | None]
) -> None:
    more = {} if native is None else {"native_finish_reason": native}
    (choice,) = write(answer(finish_reason=theirs, **more))["choices"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == told


def test_of_another_dialect_the_providers_word_is_not_known() -> None:
    response = ChatResponse("i", "m", 1, (Choice(0, (Text("4"),), "stop"),), Usage(1, 2), dialect="anthropic_messages")
    (choice,) = msgspec.json.decode(write_response(response))["choices"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", None)


def test_a_fingerprint_stays() -> None:
    response = replace(carried.read_response(answer()), extra={"system_fingerprint": "fp"})
    body = write_response(response)
    assert msgspec.json.decode(body)["system_fingerprint"] == "fp"
    assert read_response(body).extra == {"system_fingerprint": "fp"}


def test_thoughts_are_told_as_text_and_in_their_finer_form() -> None:
    message = {"role": "assistant", "reasoning_content": "hm", "content": "4"}
    said = write(answer(message=message))["choices"][0]["message"]
    assert said["reasoning"] == "hm"
    assert said["reasoning_details"] == [{"type": "reasoning.text", "text": "hm", "index": 0}]
    assert "reasoning_content" not in said


def test_signed_and_sealed_thoughts_come_back_as_they_were() -> None:
    thoughts = (Reasoning("hm", signature="s"), Reasoning(encrypted="e"))
    response = replace(carried.read_response(answer()), choices=(Choice(0, (*thoughts, Text("4")), "stop"),), extra={})
    assert read_response(write_response(response)).choices[0].parts[:2] == thoughts
