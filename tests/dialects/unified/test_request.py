"""Chat requests: OpenAI's, with usage always and metadata of any kind."""

import msgspec
import pytest

from tallygate.dialects.registry import DIALECTS
from tallygate.dialects.unified import UnifiedChat
from tallygate.errors import InvalidJson, InvalidValue, MissingField

CHAT = UnifiedChat()
SAID = [{"role": "user", "content": "hi"}]


def body(**members: object) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": SAID, **members})


def test_every_field_of_the_reference_reaches_a_provider() -> None:
    fields = {
        "max_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["a", "b"],
        "seed": 7,
        "stream": True,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
        "metadata": {"team": "red"},
    }
    request = CHAT.read_request(body(**fields))
    sent = msgspec.json.decode(DIALECTS["openai_chat"].write_request(request).body)
    assert sent == {"model": "m", "messages": SAID, **fields, "stream_options": {"include_usage": True}}


def test_stop_is_a_string_or_an_array() -> None:
    assert CHAT.read_request(body(stop="a")).stop == CHAT.read_request(body(stop=["a"])).stop == ("a",)


def test_unknown_fields_reach_a_provider_of_the_same_objects() -> None:
    request = CHAT.read_request(body(x_unknown={"a": [1]}))
    written = DIALECTS["openai_chat"].write_request(request)
    assert msgspec.json.decode(written.body)["x_unknown"] == {"a": [1]}
    assert written.dropped == ()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("asked", [{}, {"stream_options": {"include_usage": False}}])
def test_a_stream_always_tells_usage(stream: bool, asked: dict[str, object]) -> None:
    given = body(stream=stream, **asked)
    assert CHAT.peek(given, 64).include_usage == CHAT.read_request(given).include_usage == stream


def test_metadata_that_is_no_text_becomes_its_json() -> None:
    request = CHAT.read_request(body(metadata={"a": "x", "b": 7, "c": None, "d": {"e": [True]}}))
    assert request.metadata == {"a": "x", "b": "7", "c": "null", "d": '{"e":[true]}'}
    assert request.messages == CHAT.read_request(body()).messages
    assert CHAT.read_request(body(metadata=None)).metadata is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (body(metadata=[]), InvalidValue),
        (body(metadata="x"), InvalidValue),
        (b'{"model":"m"', InvalidJson),
        (b'{"model":"m"}', MissingField),
    ],
)
def test_what_is_wrong_is_refused(given: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        CHAT.read_request(given)
