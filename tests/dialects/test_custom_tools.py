"""Custom tools as functions: what a wire without them is told of a tool, a choice and a call, and what is dropped."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.custom_tools import CARRIED_CHARACTERS_MAX
from tallygate.dialects.registry import CLIENT_DIALECTS, DIALECTS
from tallygate.errors import UnsupportedParameter

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "*** Begin Patch" LF'}
PATCH = '*** Begin Patch\n+ "Grüße" \\ \U0001f600\n'
TURNS = [
    {"role": "user", "content": "Patch it."},
    {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": PATCH},
    {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done."},
]
FOREIGN = pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])


def carry(dialect: str, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a request of the responses wire is at a provider of another, and what was dropped."""
    tool = {"type": "custom", "name": "apply_patch", "description": "Patches files.", "format": GRAMMAR}
    asked = {"model": "m", "input": TURNS, "tools": [tool], "max_output_tokens": 99, **members}
    request = CLIENT_DIALECTS["openai_responses"].read_request(msgspec.json.encode(asked))
    written = DIALECTS[dialect].write_request(request)
    return msgspec.json.decode(written.body), written.dropped


@FOREIGN
def test_a_custom_tool_is_a_function_of_one_text_and_its_grammar_is_told_in_words(dialect: str) -> None:
    body, dropped = carry(dialect)
    (tool,) = body["tools"]
    function = tool["function"] if dialect == "openai_chat" else tool
    assert (function["name"], function["description"]) == ("apply_patch", "Patches files.")
    schema = function["parameters" if dialect == "openai_chat" else "input_schema"]
    assert (schema["type"], schema["required"]) == ("object", ["input"])
    assert schema["properties"]["input"]["type"] == "string"
    assert GRAMMAR["definition"] in schema["properties"]["input"]["description"]
    assert "tools.format" in dropped


@FOREIGN
def test_plain_text_has_no_grammar_that_could_be_dropped(dialect: str) -> None:
    body, dropped = carry(dialect, tools=[{"type": "custom", "name": "note", "format": {"type": "text"}}])
    assert "note" in str(body["tools"])
    assert not [path for path in dropped if path.startswith("tools")]


@FOREIGN
def test_a_format_that_is_no_grammar_is_refused_by_name(dialect: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        carry(dialect, tools=[{"type": "custom", "name": "note", "format": {"type": "sonnet"}}])
    assert caught.value.param == "tools[0].format"


def test_a_call_and_its_result_are_those_of_the_function() -> None:
    _, call, result = carry("openai_chat")[0]["messages"]
    function = call["tool_calls"][0]["function"]
    assert (function["name"], msgspec.json.decode(function["arguments"])) == ("apply_patch", {"input": PATCH})
    assert (result["tool_call_id"], result["content"]) == ("c1", "Done.")
    _, call, result = carry("anthropic_messages")[0]["messages"]
    assert (call["content"][0]["name"], call["content"][0]["input"]) == ("apply_patch", {"input": PATCH})
    assert result["content"][0]["tool_use_id"] == "c1"


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "custom", "name": "apply_patch"},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "apply_patch"}]},
    ],
)
@FOREIGN
def test_a_choice_of_it_names_the_function(choice: Any, dialect: str) -> None:
    body, _ = carry(dialect, tool_choice=choice)
    assert "custom" not in str(body["tool_choice"])
    assert "apply_patch" in str([body["tool_choice"], body["tools"]])


def test_on_its_own_wire_it_stays_what_it_is() -> None:
    body, dropped = carry("openai_responses")
    assert body["tools"][0]["format"] == GRAMMAR
    assert (body["input"][1]["type"], body["input"][1]["input"]) == ("custom_tool_call", PATCH)
    assert dropped == ()


def test_a_dialect_that_does_not_turn_calls_back_keeps_its_custom_tools() -> None:
    tool = {"type": "custom", "custom": {"name": "note"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool], "max_tokens": 9}
    request = CLIENT_DIALECTS["openai_chat"].read_request(msgspec.json.encode(asked))
    with pytest.raises(UnsupportedParameter):
        DIALECTS["anthropic_messages"].write_request(request)


@FOREIGN
def test_it_never_grows_by_more_than_is_held_for(dialect: str) -> None:
    tool = {"type": "custom", "name": "f", "format": {**GRAMMAR, "definition": "x"}}
    body, _ = carry(dialect, tools=[tool])
    assert len(msgspec.json.encode(body["tools"])) - len(msgspec.json.encode([tool])) <= CARRIED_CHARACTERS_MAX


def test_another_wires_custom_tool_is_its_word_for_a_function() -> None:
    tool = {"type": "custom", "name": "f", "input_schema": {"type": "object"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool], "max_tokens": 9}
    request = CLIENT_DIALECTS["anthropic_messages"].read_request(msgspec.json.encode(asked))
    (written,) = msgspec.json.decode(DIALECTS["openai_chat"].write_request(request).body)["tools"]
    assert written == {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
