"""Whole answers of runs: what a chat's answer comes to, and what is repeated of the request."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.response import read_response as read_chat
from tallygate.dialects.run.response import read_response, write_response
from tallygate.errors import InvalidAnswer, ProviderOverloaded, TallygateError
from tallygate.genai.chat import Choice
from tests.fakes.chat_pieces import usage, whole

ASKED = b'{"model":"passport:m","prompt":"hi","trace_id":"t","request_id":"r"}'


def write(body: bytes, asked: bytes = ASKED) -> dict[str, Any]:
    return msgspec.json.decode(write_response(read_chat(body), asked))


def test_words() -> None:
    assert write(whole("hello", counts=usage(7, 11, cost=1))) == {
        "success": True,
        "run_id": "c1",
        "text": "hello",
        "finish_reason": "stop",
        "tokens_in": 7,
        "tokens_out": 11,
        "reported": {
            "created": 1,
            "model": "m-0613",
            "usage": {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18},
        },
        "request_id": "r",
        "trace_id": "t",
        "model_passport_id": "m",
    }


def test_a_usage_without_counts_is_only_reported() -> None:
    told = write(whole("hello", counts={"seconds": 3}))
    assert told["reported"]["usage"] == {"seconds": 3}
    assert "tokens_in" not in told


def test_calls_stand_beside_the_text() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"}
    body = {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    told = write(msgspec.json.encode(body))
    assert (told["text"], told["finish_reason"], told["tool_calls"]) == ("", "tool_calls", [call])
    assert told["reasoning_content"] == "hm"


def test_an_answer_without_a_choice_says_nothing() -> None:
    assert write(b'{"id":"c1","choices":[]}')["text"] == ""


def test_several_choices_have_no_place() -> None:
    response = msgspec.structs.replace(read_chat(whole("x")), choices=(Choice(0), Choice(1)))
    with pytest.raises(InvalidAnswer):
        write_response(response, ASKED)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", InvalidAnswer),
        (b"{}", InvalidAnswer),
        (b'{"success":1}', InvalidAnswer),
        (b'{"success":true,"reported":7}', InvalidAnswer),
        (b'{"success":false,"error":"busy","error_code":"RATE_LIMIT"}', ProviderOverloaded),
    ],
)
def test_what_is_no_answer(body: bytes, kind: type[TallygateError]) -> None:
    with pytest.raises(kind):
        read_response(body)


def test_plain_counts_are_a_usage() -> None:
    response = read_response(b'{"success":true,"run_id":"r","text":"x","tokens_in":3,"tokens_out":4}')
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (3, 4)
