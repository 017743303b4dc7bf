"""Requests for completions: chats of one text, and what they are refused for."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_completions import OpenAICompletions
from tallygate.dialects.openai_completions.prompt import OUTPUT_TOKENS_DEFAULT
from tallygate.errors import InvalidValue, MissingField, RequestError, UnsupportedParameter
from tallygate.genai.messages import Message, Text
from tallygate.genai.peek import Edits
from tests.fakes.tongues import CHATS

COMPLETIONS = OpenAICompletions()


def body(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "prompt": "hi", **members})


@pytest.mark.parametrize("prompt", ["hi", ["hi"]])
def test_a_prompt_is_the_one_message_of_a_user(prompt: Any) -> None:
    request = COMPLETIONS.read_request(body(prompt=prompt, max_tokens=5, stop=["a"], seed=7, stream=True))
    assert request.messages == (Message("user", (Text("hi"),)),)
    assert (request.output_tokens_max, request.stop, request.sampling.seed) == (5, ("a",), 7)
    assert (request.stream, request.include_usage) == (True, False)


def test_who_names_no_bound_gets_the_wires_own() -> None:
    assert COMPLETIONS.read_request(body()).output_tokens_max == OUTPUT_TOKENS_DEFAULT
    assert COMPLETIONS.peek(body(max_tokens=None), 64).output_tokens_max == OUTPUT_TOKENS_DEFAULT


def test_a_number_of_alternatives_is_what_a_chat_calls_top_logprobs() -> None:
    request = COMPLETIONS.read_request(body(logprobs=3))
    assert (request.logprobs, request.top_logprobs) == (True, 3)
    written = msgspec.json.decode(CHATS["openai_chat"].write_request(request).body)
    assert (written["logprobs"], written["top_logprobs"]) == (True, 3)


@pytest.mark.parametrize("idle", [{"suffix": ""}, {"echo": False}, {"best_of": 1}, {"logprobs": None}, {"echo": None}])
def test_what_asks_for_nothing_is_no_reason_to_refuse(idle: dict[str, Any]) -> None:
    assert COMPLETIONS.read_request(body(**idle)) == COMPLETIONS.read_request(body())


def test_the_look_is_of_these_very_bytes() -> None:
    given = b'{ "prompt":"hi",  "model" : "m", "max_tokens":9, "x":{"a":[1]} }'
    look = COMPLETIONS.peek(given, 3)
    assert (look.model, look.output_tokens_max, look.depth, look.body_bytes) == ("m", 9, 3, len(given))
    edited = COMPLETIONS.edit(given, look, Edits(model="other", output_tokens_max=4))
    assert edited == given.replace(b'"m"', b'"other"').replace(b":9", b":4")


@pytest.mark.parametrize(
    ("given", "error", "param"),
    [
        (b'{"model":"m"}', MissingField, "prompt"),
        (body(prompt=None), MissingField, "prompt"),
        (body(prompt=""), InvalidValue, "prompt"),
        (body(prompt=[]), InvalidValue, "prompt"),
        (body(prompt=[[]]), InvalidValue, "prompt"),
        (body(prompt={"text": "hi"}), InvalidValue, "prompt"),
        (body(prompt=["a", "b"]), UnsupportedParameter, "prompt"),
        (body(prompt=[1, 2]), UnsupportedParameter, "prompt"),
        (body(prompt=[7]), UnsupportedParameter, "prompt"),
        (body(prompt=[[1, 2]]), UnsupportedParameter, "prompt"),
        (body(prompt=[[1], [2]]), UnsupportedParameter, "prompt"),
        (body(messages=[]), InvalidValue, "messages"),
        (body(suffix="end"), UnsupportedParameter, "suffix"),
        (body(echo=True), UnsupportedParameter, "echo"),
        (body(best_of=3), UnsupportedParameter, "best_of"),
        (body(max_completion_tokens=9), UnsupportedParameter, "max_completion_tokens"),
        (body(max_tokens=0), InvalidValue, "max_tokens"),
        (body(logprobs=6), InvalidValue, "logprobs"),
        (body(logprobs=True), InvalidValue, "logprobs"),
        (b'{"prompt":"hi"}', MissingField, "model"),
    ],
)
def test_what_is_refused(given: bytes, error: type[RequestError], param: str) -> None:
    for attempt in (lambda: COMPLETIONS.peek(given, 64), lambda: COMPLETIONS.read_request(given)):
        with pytest.raises(error) as refused:
            attempt()
        assert refused.value.param == param


def test_a_conversation_is_no_prompt() -> None:
    chat = CHATS["openai_chat"].read_request(
        b'{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}'
    )
    with pytest.raises(UnsupportedParameter):
        COMPLETIONS.write_request(chat)
