"""Calls of functions that are custom tools to the client: their text is taken out, in streams as in whole answers."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallygate.dialects.openai_responses import OpenAIResponses
from tallygate.dialects.openai_responses.custom_calls import InputText
from tallygate.dialects.sse import Parser
from tallygate.genai.assemble import assemble
from tallygate.genai.chat import ChatResponse, Choice
from tallygate.genai.messages import ToolCall
from tallygate.genai.unfold import unfold

CODEC = OpenAIResponses()
PATCH = '*** Begin Patch\n+ "Grüße" \\ \U0001f600\t\n*** End Patch'
TEXT = st.text(st.characters(exclude_categories=("Cs",)))


def read(*pieces: str) -> str:
    reader = InputText()
    return "".join([*map(reader.feed, pieces), reader.finish()])


def split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(TEXT, st.booleans(), st.sampled_from([None, 1]), st.lists(st.integers(0, 200)))
def test_any_text_comes_out_as_it_went_in_however_it_is_cut(
    text: str, escaped: bool, indent: int | None, cuts: list[int]
) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=escaped, indent=indent)
    assert read(*split(arguments, cuts)) == text


@given(st.text('{}":,\\ input\nu0dD8cC', max_size=40), st.lists(st.integers(0, 40)))
def test_whatever_a_model_wrote_comes_out_the_same_however_it_is_cut(arguments: str, cuts: list[int]) -> None:
    assert read(*split(arguments, cuts)) == read(arguments)


def test_the_text_is_told_while_it_comes() -> None:
    reader = InputText()
    assert [reader.feed(piece) for piece in ('{"in', 'put": "a', "b\\", "n\\ud83d", '\\ude00c"', "}")] == [
        *("", "a", "b", "\n", "\U0001f600c", ""),
    ]
    assert reader.finish() == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"why": 1, "input": "a\\nb"}', "a\nb"),
        ('{"input": "a", "why": 1}', "a"),
        ('{"input": "cut o', "cut o"),
        ('{"input": "a\nb"}', "a\nb"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"patch": "a"}', '{"patch": "a"}'),
        ('{"input": 7}', '{"input": 7}'),
        ("", ""),
        ('"a"', '"a"'),
    ],
)
def test_arguments_that_are_not_what_was_asked_for_lose_nothing(arguments: str, text: str) -> None:
    assert read(arguments) == text


def asked(*tools: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"model": "m", "input": "hi", "tools": tools})


def answer(*calls: ToolCall) -> ChatResponse:
    return ChatResponse("a1", "m", 0, (Choice(0, calls, finish_reason="tool_calls"),), dialect="elsewhere")


PATCHING = {"type": "custom", "name": "apply_patch"}
NOTING = {"type": "custom", "name": "note"}
LOOKING = {"type": "function", "name": "look", "parameters": {"type": "object"}}
CALLS = (
    ToolCall("c1", "apply_patch", json.dumps({"input": PATCH})),
    ToolCall("c2", "look", '{"input": "x"}'),
    ToolCall("c3", "book__note", '{"input": "y"}'),
)
REQUEST = asked(PATCHING, LOOKING, {"type": "namespace", "name": "book", "tools": [NOTING]})


def test_a_whole_answer_has_calls_of_custom_tools_again() -> None:
    output = msgspec.json.decode(CODEC.write_response(answer(*CALLS), REQUEST))["output"]
    assert [(item["type"], item["name"], item.get("input") or item.get("arguments")) for item in output] == [
        ("custom_tool_call", "apply_patch", PATCH),
        ("function_call", "look", '{"input": "x"}'),
        ("custom_tool_call", "note", "y"),
    ]
    assert output[2]["namespace"] == "book"


def tell(response: ChatResponse, request: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    writer = CODEC.writer(include_usage=True, asked=request)
    data = b"".join(writer.feed(event) for event in unfold(response))
    return data, [msgspec.json.decode(frame.data) for frame in Parser().feed(data) if frame.data]


def test_a_stream_has_the_events_of_custom_tools_and_says_the_same() -> None:
    data, events = tell(answer(*CALLS), REQUEST)
    deltas = [event for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    assert "".join(event["delta"] for event in deltas if event["output_index"] == 0) == PATCH
    done = [event for event in events if event["type"] == "response.custom_tool_call_input.done"]
    assert [event["input"] for event in done] == [PATCH, "y"]
    whole = msgspec.json.decode(CODEC.write_response(answer(*CALLS), REQUEST))
    assert events[-1]["response"]["output"] == whole["output"]
    read_back = assemble([event for frame in CODEC.reader().feed(data) for event in frame.events])
    assert [part.kind for part in read_back.choices[0].parts if isinstance(part, ToolCall)] == [
        *("custom", "function", "custom"),
    ]


def test_the_text_of_an_answer_that_was_cut_off_is_told_as_far_as_it_came() -> None:
    cut = answer(ToolCall("c1", "apply_patch", '{"patch": "*** Beg'))
    _, events = tell(cut, REQUEST)
    (item,) = events[-1]["response"]["output"]
    assert item["input"] == '{"patch": "*** Beg'


def test_a_function_stays_one_where_the_client_has_it_as_a_function() -> None:
    output = msgspec.json.decode(CODEC.write_response(answer(CALLS[0]), asked(LOOKING)))["output"]
    assert output[0]["type"] == "function_call"
