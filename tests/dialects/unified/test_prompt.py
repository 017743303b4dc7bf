"""Requests with a prompt: chats of one text, and what they are refused for."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tallygate.dialects.unified import UnifiedGenerate
from tallygate.errors import (
    DuplicateKey,
    InvalidJson,
    InvalidValue,
    MissingField,
    RequestError,
    TooDeep,
    UnsupportedParameter,
)
from tallygate.genai.chat import ChatRequest
from tallygate.genai.messages import Image, Message, Remote, Text
from tallygate.genai.peek import Edits

GENERATE = UnifiedGenerate()


def body(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "prompt": "hi", **members})


def test_a_prompt_is_the_one_message_of_a_user() -> None:
    request = GENERATE.read_request(
        body(max_tokens=5, temperature=0.5, stop=["a"], seed=7, metadata={"n": 1}, system="be brief", stream=True)
    )
    assert request.messages == (Message("user", (Text("hi"),)),)
    assert request.system == (Text("be brief"),)
    assert (request.output_tokens_max, request.stop, request.sampling.seed) == (5, ("a",), 7)
    assert (request.metadata, request.stream, request.include_usage) == ({"n": "1"}, True, True)


def test_the_look_is_of_these_very_bytes() -> None:
    given = b'{ "prompt":"hi",  "model" : "m", "system":"s", "max_tokens":9, "x":{"a":[1]} }'
    look = GENERATE.peek(given, 3)
    assert (look.model, look.output_tokens_max, look.depth, look.body_bytes) == ("m", 9, 3, len(given))
    assert not look.has_system
    assert {name: given[span.start : span.end].strip() for name, span in look.spans.items()}[
        "model"
    ] == b'"model" : "m"'
    edited = GENERATE.edit(given, look, Edits(model="other", output_tokens_max=4))
    assert edited == given.replace(b'"m"', b'"other"').replace(b":9", b":4")


@pytest.mark.parametrize(
    ("given", "error", "param"),
    [
        (b'{"model":"m"}', MissingField, "prompt"),
        (body(prompt=None), MissingField, "prompt"),
        (body(prompt=""), InvalidValue, "prompt"),
        (body(prompt=["a", "b"]), InvalidValue, "prompt"),
        (body(messages=[]), InvalidValue, "messages"),
        (b'{"prompt":"hi"}', MissingField, "model"),
        (body(temperature=3), InvalidValue, "temperature"),
        (body(max_tokens=0), InvalidValue, "max_tokens"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(given: bytes, error: type[RequestError], param: str) -> None:
    for look in (lambda: GENERATE.peek(given, 64), lambda: GENERATE.read_request(given)):
        with pytest.raises(error) as raised:
            look()
        assert raised.value.param == param


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (b'{"prompt":"a","prompt":"b","model":"m"}', DuplicateKey),
        (b'{"prompt":"a"', InvalidJson),
        (b"[]", InvalidJson),
        (b'{"prompt":"a","model":"m","x":[[[[1]]]]}', TooDeep),
    ],
)
def test_a_body_that_is_not_sound_is_refused(given: bytes, error: type[RequestError]) -> None:
    with pytest.raises(error):
        GENERATE.peek(given, 4)


REQUEST = ChatRequest(model="m", messages=(Message("user", (Text("hi"),)),))


@pytest.mark.parametrize("system", [(), (Text("be brief"),)])
def test_what_a_prompt_can_say_is_written(system: tuple[Text, ...]) -> None:
    request = replace(REQUEST, system=system)
    instructed = replace(REQUEST, messages=(Message("system", system), *REQUEST.messages)) if system else request
    for written in (GENERATE.write_request(request), GENERATE.write_request(instructed)):
        assert GENERATE.read_request(written.body) == replace(request, dialect="openai_chat")


@pytest.mark.parametrize(
    "messages",
    [
        (Message("assistant", (Text("hi"),)), Message("user", (Text("hi"),))),
        (Message("user", (Text("hi"),)), Message("user", (Text("hi"),))),
        (Message("system", (Text("a"),)), Message("system", (Text("b"),)), Message("user", (Text("hi"),))),
        (Message("user", (Text("hi"), Image(Remote("https://a.example/b")))),),
        (Message("user", (Text("hi"),), name="ann"),),
        (Message("user", (Text(""),)),),
        (Message("system", (Text("hi"),)),),
    ],
)
def test_a_conversation_is_refused(messages: tuple[Message, ...]) -> None:
    with pytest.raises(UnsupportedParameter) as raised:
        GENERATE.write_request(replace(REQUEST, messages=messages))
    assert raised.value.param == "messages"
