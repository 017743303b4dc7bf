"""Whole answers: what a chat said, as text."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_completions import OpenAICompletions
from tallygate.errors import InvalidAnswer
from tests.fakes.tongues import CHATS

COMPLETIONS = OpenAICompletions()
TOKENS = {"content": [{"token": "hi", "logprob": -0.1, "top_logprobs": []}]}
ANSWER: dict[str, Any] = {
    "id": "a1",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop", "logprobs": TOKENS}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def test_a_chats_answer_is_told_as_text() -> None:
    response = CHATS["openai_chat"].read_response(msgspec.json.encode(ANSWER))
    told = msgspec.json.decode(COMPLETIONS.write_response(response))
    assert (told["id"], told["object"], told["created"], told["model"]) == ("a1", "text_completion", 7, "m")
    assert told["usage"] == ANSWER["usage"]
    assert told["choices"] == [
        {
            "index": 0,
            "text": "hi",
            "finish_reason": "stop",
            "logprobs": {"tokens": ["hi"], "token_logprobs": [-0.1], "top_logprobs": [{}], "text_offset": [0]},
        }
    ]


def test_its_own_log_probabilities_stay_as_they_are() -> None:
    own = {"tokens": ["hi"], "token_logprobs": [-0.1], "top_logprobs": [{}], "text_offset": [0]}
    choice = {"index": 0, "text": "hi", "finish_reason": "stop", "logprobs": own}
    body = msgspec.json.encode({**ANSWER, "object": "text_completion", "choices": [choice]})
    told = msgspec.json.decode(COMPLETIONS.write_response(COMPLETIONS.read_response(body)))
    assert told["choices"] == [choice]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"choices":[{"text":7}]}'])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        COMPLETIONS.read_response(body)
