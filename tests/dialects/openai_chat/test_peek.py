"""What a peek tells of good requests, and the path and sentence of every refusal."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.openai_chat.peek import peek
from tallygate.errors import DuplicateKey, InvalidValue, MissingField, RequestError, TooDeep, TooLarge

USER = {"role": "user", "content": "hi"}


def body_of(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [USER], **members})


def refuse(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        peek(body, 64)
    assert caught.value.status == 400
    return caught.value


def test_the_least_request() -> None:
    body = body_of()
    found = peek(body, 64)
    assert (found.model, found.stream, found.include_usage) == ("m", False, False)
    assert (found.output_tokens_max, found.n, found.has_system) == (None, 1, False)
    assert (found.depth, found.body_bytes, list(found.spans)) == (3, len(body), ["model", "messages"])


def test_a_full_request() -> None:
    found = peek(
        body_of(
            model="org/model:free",
            stream=True,
            stream_options={"include_usage": True, "include_obfuscation": False},
            max_completion_tokens=2**31 - 1,
            n=128,
            temperature=2,
            top_p=0,
            seed=-(2**63),
            stop=["a"] * 16,
            tools=[{"type": "function", "function": {"name": "f"}}],
            tool_choice={"type": "function", "function": {"name": "f"}},
            response_format={"type": "json_object"},
            system="be kind",
            user="u",
            no_such_field={"a": [1, None]},
        ),
        64,
    )
    assert (found.model, found.stream, found.include_usage) == ("org/model:free", True, True)
    assert (found.output_tokens_max, found.n, found.has_system) == (2**31 - 1, 128, True)


def test_null_is_absent() -> None:
    names = (
        "stream stream_options max_tokens max_completion_tokens n temperature top_p seed stop tools tool_choice "
        "response_format system"
    )
    found = peek(body_of(**dict.fromkeys(names.split())), 64)
    assert (found.stream, found.include_usage, found.output_tokens_max, found.n) == (False, False, None, 1)
    # It still has to be taken out for a provider that does not know the key.
    assert found.has_system


@pytest.mark.parametrize(
    ("members", "cap"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 7, "max_completion_tokens": 7}, 7),
        ({"max_tokens": None, "max_completion_tokens": 8}, 8),
        ({"max_tokens": 9, "max_completion_tokens": None}, 9),
    ],
)
def test_either_name_of_the_cap(members: dict[str, Any], cap: int) -> None:
    assert peek(body_of(**members), 64).output_tokens_max == cap


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": "x"},
        {"role": "system", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "no_such_part", "y": [[[]]]}]},
        {"role": "user", "content": []},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "x"}]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "function", "name": "f", "content": "x"},
        {"role": "user", "name": "ann", "content": "x", "extra": 1},
    ],
)
def test_messages_that_pass(message: dict[str, Any]) -> None:
    peek(body_of(messages=[USER, message]), 64)


def test_escaped_names_are_the_same_names() -> None:
    found = peek(b'{"m\\u006fdel":"\\u006d","messages":[{"r\\u006fle":"us\\u0065r","c\\u006fntent":"x"}]}', 64)
    assert found.model == "m"


ROLES = "developer, system, user, assistant, tool and function"
STOPS = "must be a string of 1 to 1024 characters, or a list of at most 16 of them"


@pytest.mark.parametrize(
    ("members", "param", "sentence"),
    [
        ({"model": 5}, "model", "must be a string of 1 to 256 characters, not a number."),
        ({"model": ""}, "model", "must be a string of 1 to 256 characters."),
        ({"model": "x" * 257}, "model", "must be a string of 1 to 256 characters."),
        ({"model": None}, "model", "must be a string of 1 to 256 characters, not null."),
        ({"messages": []}, "messages", "must be a list of at least one message."),
        ({"messages": {}}, "messages", "must be a list of at least one message, not an object."),
        ({"messages": "hi"}, "messages", "must be a list of at least one message, not a string."),
        ({"messages": [USER, "hi"]}, "messages[1]", "must be an object with a role and content, not a string."),
        ({"messages": [[USER]]}, "messages[0]", "must be an object with a role and content, not a list."),
        ({"messages": [{"role": "root"}]}, "messages[0].role", f"must be one of {ROLES}, not `root`."),
        ({"messages": [{"role": 5}]}, "messages[0].role", f"must be one of {ROLES}, not a number."),
        ({"messages": [{"role": "r" * 99}]}, "messages[0].role", f"must be one of {ROLES}, not `{'r' * 40}…`."),
        ({"stream": "true"}, "stream", "must be true or false, not a string."),
        ({"stream": 1}, "stream", "must be true or false, not a number."),
        ({"stream_options": []}, "stream_options", "must be an object, not a list."),
        (
            {"stream_options": {"include_usage": "yes"}},
            "stream_options.include_usage",
            "must be true or false, not a string.",
        ),
        ({"temperature": 1e308}, "temperature", "must be a number from 0 to 2."),
        ({"temperature": -1}, "temperature", "must be a number from 0 to 2."),
        ({"temperature": "hot"}, "temperature", "must be a number from 0 to 2, not a string."),
        ({"temperature": True}, "temperature", "must be a number from 0 to 2, not a boolean."),
        ({"top_p": 2}, "top_p", "must be a number from 0 to 1."),
        ({"seed": 1.5}, "seed", "must be a whole number of at most 64 bits, not a fraction."),
        ({"stop": ""}, "stop", f"{STOPS}."),
        ({"stop": 5}, "stop", f"{STOPS}, not a number."),
        ({"stop": ["a"] * 1_000}, "stop", f"{STOPS}."),
        ({"stop": "a" * 1_000_000}, "stop", f"{STOPS}."),
        ({"stop": ["a", ""]}, "stop[1]", "must be a string of 1 to 1024 characters."),
        ({"tools": {}}, "tools", "must be a list of objects, not an object."),
        ({"tools": [{}, 1]}, "tools[1]", "must be an object, not a number."),
        ({"tool_choice": 5}, "tool_choice", "must be a string or an object, not a number."),
        ({"response_format": "json"}, "response_format", "must be an object, not a string."),
        ({"system": 5}, "system", "must be a string or a list of parts, or null, not a number."),
        ({"system": ["x"]}, "system[0]", "must be an object with a type, not a string."),
    ],
)
def test_wrong_values_are_named(members: dict[str, Any], param: str, sentence: str) -> None:
    error = refuse(body_of(**members))
    assert isinstance(error, InvalidValue)
    assert (error.param, error.message) == (param, f"`{param}` {sentence}")


@pytest.mark.parametrize(
    ("content", "inner", "sentence"),
    [
        (b"null", "", "must be a string or a list of parts, not null."),
        (b"5", "", "must be a string or a list of parts, not a number."),
        (b"-5", "", "must be a string or a list of parts, not a number."),
        (b"{}", "", "must be a string or a list of parts, not an object."),
        (b"true", "", "must be a string or a list of parts, not a boolean."),
        (b"[[]]", "[0]", "must be an object with a type, not a list."),
        (b'[{"type":"text"},"x"]', "[1]", "must be an object with a type, not a string."),
        (b'[{"type":5}]', "[0].type", "must be a string such as text or image_url, not a number."),
    ],
)
def test_wrong_content_is_named(content: bytes, inner: str, sentence: str) -> None:
    error = refuse(b'{"model":"m","messages":[{"role":"assistant"},{"role":"user","content":%b}]}' % content)
    param = f"messages[1].content{inner}"
    assert isinstance(error, InvalidValue)
    assert (error.param, error.message) == (param, f"`{param}` {sentence}")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "model"),
        (b'{"messages":[{"role":"user","content":"x"}]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[{"content":"x"}]}', "messages[0].role"),
        (b'{"model":"m","messages":[{"role":"user"}]}', "messages[0].content"),
        (b'{"model":"m","messages":[{"role":"tool","tool_call_id":"1"}]}', "messages[0].content"),
        (b'{"model":"m","messages":[{"role":"user","content":[{"text":"x"}]}]}', "messages[0].content[0].type"),
        (b'{"model":"m","system":[{}],"messages":[{"role":"user","content":"x"}]}', "system[0].type"),
    ],
)
def test_missing_fields_are_named(body: bytes, param: str) -> None:
    error = refuse(body)
    assert isinstance(error, MissingField)
    assert error.param == param
    assert error.message.startswith(f"`{param}` is missing; it must be ")


@pytest.mark.parametrize(
    "number",
    ["-1", "0", "-0", "1.5", "10.0", '"10"', "true", "2147483648", str(2**63), str(2**64), "1e308", "1e2", "9" * 99],
)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_cap_is_a_whole_number(name: str, number: str) -> None:
    error = refuse(
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"%b":%b}' % (name.encode(), number.encode())
    )
    assert isinstance(error, InvalidValue)
    assert error.param == name
    assert error.message.startswith(f"`{name}` must be a whole number from 1 to 2147483647")


@pytest.mark.parametrize("number", [0, -1, 129, 10**9, 2**63, 2**64, 1.0, "1", True])
def test_n_is_a_small_whole_number(number: Any) -> None:
    error = refuse(body_of(n=number))
    assert error.param == "n"
    assert error.message.startswith("`n` must be a whole number from 1 to 128")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_seed_has_64_bits(number: int) -> None:
    assert refuse(body_of(seed=number)).param == "seed"


def test_two_different_caps_are_refused() -> None:
    error = refuse(body_of(max_tokens=5, max_completion_tokens=6))
    assert isinstance(error, InvalidValue)
    assert error.param == "max_tokens"
    assert error.message == "`max_tokens` is 5 and `max_completion_tokens` is 6; give one of them."


@pytest.mark.parametrize("twin", ["include_usage", "include\\u005fusage"])
def test_a_choice_of_usage_that_stands_twice_is_refused(twin: str) -> None:
    options = b'{"include_usage":true,"%b":false}' % twin.encode()
    error = refuse(b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":%b}' % options)
    assert error.param == "stream_options.include_usage"


def test_what_the_scan_refuses_is_refused_here() -> None:
    assert isinstance(refuse(b'{"model":"cheap","model":"dear","messages":[]}'), DuplicateKey)
    assert isinstance(refuse(b"[" * 100_000), TooDeep)
    assert isinstance(refuse(body_of(messages=[USER] * 100_000)), TooLarge)
    deep = body_of(metadata=[[[[1]]]])
    assert peek(deep, 5).depth == 5
    with pytest.raises(TooDeep):
        peek(deep, 4)


def test_a_role_that_mimics_the_decoder_is_only_a_role() -> None:
    error = refuse(body_of(messages=[{"role": "x - at `$.model`", "content": ""}]))
    assert error.param == "messages[0].role"
