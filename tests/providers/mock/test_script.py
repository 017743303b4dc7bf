"""What the test models say, and how it is counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from tallygate.errors import InvalidValue
from tallygate.providers.mock.request import Request
from tallygate.providers.mock.script import Called, Said, answer, count_prompt, split_tokens

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CLOCK = {"type": "function", "function": {"name": "clock"}}
FREE = {"type": "custom", "custom": {"name": "free"}}
BOTH = ("weather", "clock")


def ask(model: str = "echo", text: str = "one two three", **more: Any) -> Request:
    messages = more.pop("messages", [{"role": "user", "content": text}])
    return convert({"model": model, "messages": messages, **more}, Request)


def said_text(said: Said) -> str:
    return "".join(said.text)


@given(st.text())
def test_tokens_joined_are_the_text_again(text: str) -> None:
    tokens = split_tokens(text)
    assert "".join(tokens) == text
    assert all(tokens)


def test_tokens_are_words_and_long_words_are_several() -> None:
    assert split_tokens("one  two\n") == ("one", "  two", "\n")
    assert len(split_tokens("x" * 40)) == 3


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([{"role": "user", "content": "a b"}], "a b"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "a"),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "system", "content": "s"}], "b"),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
                        {"type": "text", "text": "b"},
                    ],
                }
            ],
            "a\nb",
        ),
        ([{"role": "system", "content": "s"}], ""),
        ([{"role": "user", "content": None}], ""),
    ],
)
def test_echo_says_the_last_text_of_the_user(messages: list[Any], text: str) -> None:
    assert said_text(answer(ask(messages=messages))) == text


def test_a_prompt_is_counted_by_words_messages_and_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "what is this"}, image]},
    ]
    assert count_prompt(ask(messages=messages)) == (2 + 1) + (3 + 1 + 1)


@pytest.mark.parametrize(
    ("cap", "text", "finish"),
    [
        ({"max_tokens": 2}, "one two", "length"),
        ({"max_completion_tokens": 1}, "one", "length"),
        ({"max_tokens": 9, "max_completion_tokens": 1}, "one", "length"),
        ({"max_tokens": 3}, "one two three", "stop"),
        ({"max_tokens": 0}, "", "length"),
        ({"max_tokens": -1}, "", "length"),
    ],
)
def test_a_cap_is_kept(cap: dict[str, Any], text: str, finish: str) -> None:
    said = answer(ask(**cap))
    assert (said_text(said), said.finish_reason) == (text, finish)


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("two", "one "),
        (["three", "two"], "one "),
        (["missing"], "one two three"),
        ("", "one two three"),
        ([], "one two three"),
    ],
)
def test_a_stop_ends_the_text_before_it(stop: object, text: str) -> None:
    said = answer(ask(stop=stop))
    assert (said_text(said), said.finish_reason) == (text, "stop")


def test_a_response_format_is_kept() -> None:
    assert said_text(answer(ask(response_format={"type": "json_object"}))) == '{"echo":"one two three"}'
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert said_text(answer(ask(response_format=form))) == '{"n":0}'


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"tools": [WEATHER]}, ("weather",)),
        ({"tools": [WEATHER, CLOCK]}, BOTH),
        ({"tools": [WEATHER, CLOCK, CLOCK]}, BOTH),
        ({"tools": [FREE, CLOCK]}, ("clock",)),
        ({"tools": [WEATHER, CLOCK], "parallel_tool_calls": False}, ("weather",)),
        ({"tools": [WEATHER, CLOCK], "tool_choice": "required"}, BOTH),
        ({"tools": [WEATHER, CLOCK], "tool_choice": "none"}, ()),
        ({"tools": [WEATHER, CLOCK], "tool_choice": {"type": "function", "function": {"name": "clock"}}}, ("clock",)),
        (
            {
                "tools": [WEATHER, CLOCK],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "clock"}}]},
                },
            },
            ("clock",),
        ),
        ({"tools": []}, ()),
        ({}, ()),
    ],
)
def test_tools_are_called_as_allowed(more: dict[str, Any], names: tuple[str, ...]) -> None:
    said = answer(ask("tools", **more))
    assert tuple(call.name for call in said.calls) == names
    assert said.finish_reason == ("tool_calls" if names else "stop")
    assert said_text(said) == ("" if names else "one two three")


def test_arguments_fit_the_tool_and_come_in_fragments() -> None:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 3}, "days": {"type": "integer", "minimum": 2}},
        "required": ["city", "days"],
    }
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    said = answer(ask("tools", tools=[tool]))
    assert said.calls == (Called("weather", ('{"city":', '"xxx","d', 'ays":2}')),)
    assert said.token_count == 3


def test_a_tool_that_was_not_given_cannot_be_demanded() -> None:
    choice = {"type": "function", "function": {"name": "absent"}}
    with pytest.raises(InvalidValue) as caught:
        answer(ask("tools", tools=[WEATHER], tool_choice=choice))
    assert caught.value.param == "tool_choice"


def test_results_of_tools_are_quoted() -> None:
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}, {"id": "b"}]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "noon"}]},
    ]
    said = answer(ask("tools", messages=messages, tools=[WEATHER]))
    assert said_text(said) == "The tools answered: “sunny”, “noon”"
    assert said.finish_reason == "stop"


def test_thinking_thinks_before_it_speaks_and_the_cap_counts_both() -> None:
    said = answer(ask("thinking"))
    assert "".join(said.thought) == "The user said: one two three"
    assert said_text(said) == "one two three"
    assert said.token_count == 6 + 3
    cut = answer(ask("thinking", max_tokens=7))
    assert (len(cut.thought), said_text(cut), cut.finish_reason) == (6, "one", "length")
    assert answer(ask("thinking", max_tokens=2)).text == ()


@pytest.mark.parametrize(("cap", "fragments"), [(1, [1]), (2, [1, 1])])
def test_a_cap_cuts_through_tool_calls(cap: int, fragments: list[int]) -> None:
    said = answer(ask("tools", tools=[WEATHER, CLOCK], max_tokens=cap))
    assert [len(call.fragments) for call in said.calls] == fragments
    assert said.finish_reason == ("length" if cap < 2 else "tool_calls")
