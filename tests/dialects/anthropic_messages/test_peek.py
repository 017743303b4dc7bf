"""What a peek tells of good requests, the path and sentence of every refusal, and what the API versions refuse."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.anthropic_messages.peek import check_version, peek, peek_count
from tallygate.errors import InvalidValue, MissingField, RequestError, UnsupportedParameter
from tests.golden.recordings import GOLDEN

USER = {"role": "user", "content": "hi"}
OLD, NEW = "2023-06-01", "2026-10-21"


def body_of(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "max_tokens": 5, "messages": [USER], **members})


def without(name: str) -> bytes:
    body = msgspec.json.decode(body_of())
    del body[name]
    return msgspec.json.encode(body)


def test_the_least_request() -> None:
    body = body_of()
    found = peek(body, 64)
    assert (found.model, found.stream, found.include_usage) == ("m", False, False)
    assert (found.output_tokens_max, found.n, found.has_system) == (5, 1, False)
    assert (found.depth, found.body_bytes, list(found.spans)) == (3, len(body), ["model", "max_tokens", "messages"])


def test_a_stream_tells_its_usage_unasked_and_a_system_is_where_it_belongs() -> None:
    found = peek(body_of(stream=True, system="be kind"), 64)
    assert (found.stream, found.include_usage, found.has_system) == (True, True, False)


def test_what_claude_code_sends_passes() -> None:
    body = (GOLDEN / "anthropic_messages" / "claude-code.request.json").read_bytes()
    found = peek(body, 64)
    assert (found.model, found.stream, found.output_tokens_max) == ("claude-opus-4-8", True, 64_000)
    check_version(body, found, OLD)
    check_version(body, found, NEW)


def test_null_is_absent() -> None:
    names = "stream temperature top_p top_k stop_sequences tools tool_choice thinking metadata output_config system"
    assert peek(body_of(**dict.fromkeys(names.split())), 64).stream is False


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(MissingField) as caught:
        peek(without(name), 64)
    assert caught.value.param == name
    assert f"`{name}` is missing" in caught.value.message


def test_a_count_needs_no_cap_and_does_not_stream() -> None:
    assert peek_count(without("max_tokens"), 64).output_tokens_max is None
    assert peek_count(body_of(stream=True), 64).stream is False
    with pytest.raises(MissingField):
        peek_count(without("messages"), 64)


@pytest.mark.parametrize(
    ("members", "param", "words"),
    [
        ({"model": ""}, "model", "a string of 1 to 256 characters"),
        ({"max_tokens": -1}, "max_tokens", "from 0"),
        ({"max_tokens": 1.5}, "max_tokens", "not a fraction"),
        ({"max_tokens": None}, "max_tokens", "not null"),
        ({"messages": []}, "messages", "at least one message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "not `tool`"),
        ({"messages": [USER, {"role": "user"}]}, "messages[1].content", "is missing"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "not null"),
        ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content", "not an object"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type", "is missing"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]", "an object with a type"),
        ({"system": 7}, "system", "not a number"),
        ({"system": [{"text": "x"}]}, "system[0].type", "is missing"),
        ({"temperature": 1.1}, "temperature", "from 0 to 1"),
        ({"stop_sequences": "x"}, "stop_sequences", "not a string"),
        ({"stop_sequences": [1]}, "stop_sequences[0]", "not a number"),
        ({"tools": [1]}, "tools[0]", "not a number"),
        ({"tool_choice": "auto"}, "tool_choice", "not a string"),
        ({"thinking": {}}, "thinking.type", "is missing"),
        ({"metadata": []}, "metadata", "not a list"),
        ({"stream": "yes"}, "stream", "not a string"),
    ],
)
def test_refusals_name_the_field_and_say_what_it_must_be(members: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        peek(body_of(**members), 64)
    assert caught.value.param == param
    assert words in caught.value.message


def judge(version: str | None, **members: Any) -> str | None:
    """The field that a version refuses, if any."""
    body = body_of(**members)
    try:
        check_version(body, peek(body, 64), version)
    except InvalidValue as error:
        return error.param
    return None


def content(role: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [USER, {"role": role, "content": [{"type": "text", "text": "a"}, block]}]}


DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
CITED = {"type": "text", "text": "x", "citations": [{"type": "char_location"}]}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": 1}, "temperature"),
        ({"top_p": 0.5}, "top_p"),
        ({"top_k": 5}, "top_k"),
        (content("assistant", DOCUMENT), "messages[1].content[1]"),
        (content("user", CITED), "messages[1].content[1].citations"),
    ],
)
def test_the_newer_version_refuses_what_the_older_takes(members: dict[str, Any], param: str) -> None:
    assert judge(NEW, **members) == param
    assert judge("2027-01-01", **members) == param
    for version in (OLD, None, "", "latest"):
        assert judge(version, **members) is None


@pytest.mark.parametrize(
    "members",
    [
        content("user", DOCUMENT),
        content("assistant", CITED),
        content("user", {**CITED, "citations": []}),
        content("user", {**CITED, "citations": None}),
        content("user", {**DOCUMENT, "citations": {"enabled": True}}),
    ],
)
def test_the_newer_version_takes_the_same_elsewhere(members: dict[str, Any]) -> None:
    assert judge(NEW, **members) is None


@pytest.mark.parametrize("take", [peek, peek_count])
@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_thread_at_the_provider_is_refused(take: Any, thread: dict[str, Any]) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with pytest.raises(UnsupportedParameter) as caught:
        take(msgspec.json.encode({**body, "thread": thread}), 64)
    assert caught.value.param == "thread"
    assert take(msgspec.json.encode({**body, "thread": None}), 64).model == "m"
