"""The bound of a call on the responses wire: what its tools, namespaces and items add, and what is refused by name."""

from typing import Any

import msgspec
import pytest

from tallygate.dialects.custom_tools import CARRIED_CHARACTERS_MAX
from tallygate.dialects.openai_responses import OpenAIResponses
from tallygate.errors import Unpriced, UnsupportedParameter
from tallygate.genai.ceilings import Ceilings, Reach
from tallygate.genai.items import Bound
from tallygate.ledger.bound import PROMPT_TOKENS, bound_call, max_usage
from tallygate.ledger.prices import Price, Rates
from tallygate.ledger.tool_bound import TOOL_PROMPT_TOKENS

CODEC = OpenAIResponses()
PRICE = Price(kind="sale", name="m", rates=Rates(input=2_000, output=8_000))
WITH_FEE = Price(kind="sale", name="m", rates=PRICE.rates, tool_use=10_000_000_000)
UNKNOWN = Reach()
LARGE = Reach(context_tokens=200_000, output_tokens_max=32_000, ceilings=Ceilings(image_tokens=1_600))
SEARCH = {"type": "web_search"}


def bound_of(*reaches: Reach, price: Price = PRICE, **members: Any) -> tuple[Bound, int]:
    """The bound of a call with these members, and how many bytes it has."""
    body = msgspec.json.encode({"model": "m", "input": "hi", **members})
    return bound_call(price, CODEC.peek(body, 64), body, reaches, CODEC.read_request), len(body)


def input_of(*reaches: Reach, **members: Any) -> tuple[int, int]:
    """The most input tokens of such a call, and how many bytes it has."""
    body = msgspec.json.encode({"model": "m", "input": "hi", **members})
    return max_usage(CODEC.peek(body, 64), body, reaches, CODEC.read_request(body)).input_tokens, len(body)


def test_a_plain_call_is_bounded_by_its_bytes() -> None:
    bound, size = bound_of(UNKNOWN, max_output_tokens=100)
    assert bound == Bound((PROMPT_TOKENS + size) * 2, 8_000, 100, None, input_tokens_max=PROMPT_TOKENS + size)


def test_a_picture_counts_at_most_its_ceiling() -> None:
    data = "A" * 4_000
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}
    tokens, size = input_of(LARGE, input=[{"role": "user", "content": [picture]}])
    assert tokens == PROMPT_TOKENS + size - len(data) + 1_600


def test_a_schema_is_counted_twice() -> None:
    text = {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}
    tokens, size = input_of(UNKNOWN, text=text)
    member = len(b'"text":') + len(msgspec.json.encode(text))
    assert tokens == PROMPT_TOKENS + size + member + TOOL_PROMPT_TOKENS


def test_each_function_of_a_namespace_may_get_its_name() -> None:
    inner = [{"type": "function", "name": name, "parameters": None} for name in ("a", "b")]
    bare = input_of(UNKNOWN, tools=inner)[0] - input_of(UNKNOWN, tools=inner)[1]
    tools = [{"type": "namespace", "name": "n" * 50, "tools": inner}]
    tokens, size = input_of(UNKNOWN, tools=tools)
    grown = len(msgspec.json.encode(tools)) - len(msgspec.json.encode(inner))
    assert tokens - size == bare + grown + 2 * 52


def test_the_limit_of_all_tools_together_bounds_them() -> None:
    bound, _ = bound_of(LARGE, price=WITH_FEE, max_output_tokens=9, max_tool_calls=3, tools=[SEARCH, SEARCH])
    assert bound.fixed_nusd == 4 * 200_000 * 2 + 3 * 10_000_000
    with pytest.raises(Unpriced):
        bound_of(LARGE, max_output_tokens=9, max_tool_calls=3, tools=[SEARCH])


def test_none_of_them_is_a_limit_too() -> None:
    assert input_of(LARGE, max_tool_calls=0, tools=[SEARCH])[0] < 10_000


def test_a_search_that_is_merely_offered_is_left_out_where_another_dialect_is_spoken() -> None:
    foreign = msgspec.structs.replace(LARGE, foreign=True)
    offered, size = input_of(foreign, tools=[SEARCH])
    assert offered < 2 * size + 2 * TOOL_PROMPT_TOKENS
    with pytest.raises(UnsupportedParameter):
        input_of(foreign, LARGE, tools=[SEARCH])


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "local_shell"},
        {"type": "apply_patch"},
        {"type": "computer"},
        {"type": "computer_use_preview", "display_width": 1},
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "tool_search", "execution": "client"},
    ],
)
def test_what_the_caller_runs_costs_its_description(tool: dict[str, Any]) -> None:
    assert input_of(UNKNOWN, tools=[tool])[0] > 0


def test_a_thought_told_by_its_id_may_fill_the_context() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    turns = [{"role": "user", "content": "hi"}, thought]
    assert input_of(LARGE, input=turns)[0] == 200_000
    assert input_of(LARGE, input=[*turns[:1], {**thought, "encrypted_content": "gAAA"}])[0] < 1_000
    # Where another dialect is spoken, no ids are sent.
    assert input_of(msgspec.structs.replace(UNKNOWN, foreign=True), input=turns)[0] < 1_000


def test_tools_in_the_input_count_like_those_beside_it() -> None:
    tools = [{"type": "function", "name": "f", "description": "d" * 500, "parameters": {"type": "object"}}]
    beside, _ = input_of(UNKNOWN, tools=tools)
    item = {"type": "additional_tools", "role": "developer", "tools": tools}
    assert input_of(UNKNOWN, input=[item, {"role": "user", "content": "hi"}])[0] >= beside


def test_a_custom_tool_is_longer_where_it_must_be_a_function() -> None:
    tools = [{"type": "custom", "name": "f"}] * 9
    here, there = (input_of(msgspec.structs.replace(UNKNOWN, foreign=away), tools=tools)[0] for away in (False, True))
    assert there - here == 9 * CARRIED_CHARACTERS_MAX


SHOT = {"type": "computer_screenshot", "image_url": "https://pictures.example/a.png"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [SEARCH]}, "max_tool_calls"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]}, "max_tool_calls"),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, "max_tool_calls"),
        ({"tools": [{"type": "tool_search"}]}, "max_tool_calls"),
        ({"tools": [{"type": "code_interpreter"}], "max_tool_calls": 1}, "tools[0]"),
        ({"tools": [{"type": "image_generation"}], "max_tool_calls": 1}, "tools[0]"),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}], "max_tool_calls": 1}, "tools[0]"),
        ({"tools": [{"type": "shell"}], "max_tool_calls": 1}, "tools[0]"),
        ({"tools": [SEARCH], "max_tool_calls": 5_000}, "max_tool_calls"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"context_management": [{"type": "compaction"}]}, "context_management.edits"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "messages[0].content[0]"),
        ({"input": [{"type": "computer_call_output", "call_id": "c", "output": SHOT}]}, "messages[0].content[0]"),
        ({"input": [{"type": "image_generation_call", "id": "ig_1"}]}, "messages[0].content[0]"),
    ],
)
def test_what_cannot_be_bounded_is_refused_by_name(members: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        bound_of(LARGE, price=WITH_FEE, **({"max_output_tokens": 9} | members))
    assert caught.value.param == param
