"""What people do with the official Anthropic client when all goes well: answers, streams, tools, counting.

Scenarios for `anthropic_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import asyncio
from typing import Any

from pydantic import BaseModel

from tests.contract.anthropic_stage import EVERYWHERE, LAB, SAME, Stage, scenario
from tests.contract.repertoire import Facts

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
CLOCK = {
    "name": "get_time",
    "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
}


class Step(BaseModel):
    """A step of a plan."""

    title: str
    minutes: int


class Plan(BaseModel):
    """What a structured answer must look like."""

    goal: str
    steps: list[Step]
    done: bool


def text_of(answer: Any) -> str:
    """The text of an answer, without thoughts and calls."""
    return "".join(block.text for block in answer.content if block.type == "text")


def calls_of(answer: Any) -> list[tuple[str, str, Any]]:
    """The tool calls of an answer: id, name, input."""
    return [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"]


def check_whole(answer: Any, stage: Stage) -> None:
    """What every whole text answer must be."""
    assert answer.type == "message", answer.type
    assert answer.role == "assistant"
    assert isinstance(answer.id, str)
    assert answer.id
    assert answer.model
    assert answer.stop_reason == "end_turn", answer.stop_reason
    assert answer.stop_sequence is None
    assert "Grüße, 世界" in text_of(answer), answer.content
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer._request_id


def check_events(events: list[Any]) -> str:
    """The order every stream keeps; the text it tells."""
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"], kinds
    assert events[0].message.content == []
    assert events[0].message.stop_reason is None
    assert events[0].message.usage.input_tokens >= 0
    open_index, next_index, text = None, 0, ""
    for event in events:
        if event.type == "content_block_start":
            assert open_index is None, "one block at a time"
            assert event.index == next_index
            open_index, next_index = event.index, event.index + 1
        elif event.type == "content_block_delta":
            assert event.index == open_index
            text += event.delta.text if event.delta.type == "text_delta" else ""
        elif event.type == "content_block_stop":
            assert event.index == open_index
            open_index = None
    end = next(event for event in events if event.type == "message_delta")
    assert open_index is None
    assert end.delta.stop_reason
    assert end.usage.output_tokens > 0
    return text


@scenario(*EVERYWHERE)
def whole(stage: Stage) -> None:
    check_whole(stage.client.messages.create(**stage.asks()), stage)


@scenario(*EVERYWHERE)
def whole_async(stage: Stage) -> None:
    async def ask() -> Any:
        async with stage.async_client as client:
            return await client.messages.create(**stage.asks())

    check_whole(asyncio.run(ask()), stage)


@scenario(*EVERYWHERE)
def stream(stage: Stage) -> None:
    events = list(stage.client.messages.create(**stage.asks(), stream=True))
    assert "Grüße, 世界" in check_events(events)
    assert sum(event.type == "content_block_delta" for event in events) > 2


@scenario(*EVERYWHERE)
def stream_async(stage: Stage) -> None:
    async def ask() -> list[Any]:
        async with stage.async_client as client:
            return [event async for event in await client.messages.create(**stage.asks(), stream=True)]

    assert "Grüße, 世界" in check_events(asyncio.run(ask()))


@scenario(*EVERYWHERE)
def stream_says_what_whole_says(stage: Stage) -> None:
    answer = stage.client.messages.create(**stage.asks())
    with stage.client.messages.stream(**stage.asks()) as events:
        final = events.get_final_message()
    assert text_of(final) == text_of(answer)
    assert (final.stop_reason, final.model, final.role) == (answer.stop_reason, answer.model, answer.role)
    assert final.usage.output_tokens == answer.usage.output_tokens
    assert final.usage.input_tokens in {answer.usage.input_tokens, 0}


@scenario(*EVERYWHERE)
def stream_helper(stage: Stage) -> None:
    with stage.client.messages.stream(**stage.asks()) as events:
        told = "".join(events.text_stream)
        final = events.get_final_message()
    assert told == text_of(final)
    assert "Grüße, 世界" in told
    assert events.response.headers["request-id"]


@scenario(*EVERYWHERE)
def stream_helper_async(stage: Stage) -> None:
    async def ask() -> Any:
        async with stage.async_client as client, client.messages.stream(**stage.asks()) as events:
            return await events.get_final_message()

    assert "Grüße, 世界" in text_of(asyncio.run(ask()))


@scenario(*EVERYWHERE)
def tool_single(stage: Stage) -> None:
    answer = stage.client.messages.create(**stage.asks("tools", tools=[WEATHER], tool_choice={"type": "auto"}))
    assert answer.stop_reason == "tool_use"
    ((id_, name, told),) = calls_of(answer)
    assert id_
    assert name == "get_weather"
    assert isinstance(told, dict)
    assert stage.server == "mock" or told == {"city": "a b", "days": 7}


@scenario(*LAB)
def tool_choice_is_honoured(stage: Stage) -> None:
    def names(**more: Any) -> list[str]:
        answer = stage.client.messages.create(**stage.asks("tools", tools=[WEATHER, CLOCK], **more))
        return [name for _, name, _ in calls_of(answer)]

    assert names(tool_choice={"type": "tool", "name": "get_time"}) == ["get_time"]
    assert names(tool_choice={"type": "none"}) == []
    assert names(tool_choice={"type": "any"}) == ["get_weather", "get_time"]
    assert len(names(tool_choice={"type": "auto", "disable_parallel_tool_use": True})) == 1


@scenario(*EVERYWHERE)
def tools_parallel_loop(stage: Stage) -> None:
    asked = stage.asks("tools", tools=[WEATHER, CLOCK])
    turn = stage.client.messages.create(**asked)
    calls = calls_of(turn)
    assert [name for _, name, _ in calls] == ["get_weather", "get_time"]
    assert len({id_ for id_, _, _ in calls}) == 2
    results = [{"type": "tool_result", "tool_use_id": id_, "content": name} for id_, name, _ in calls]
    asked["messages"] += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": results}]
    final = stage.client.messages.create(**asked)
    assert final.stop_reason == "end_turn"
    assert all(name in text_of(final) for _, name, _ in calls), final.content


@scenario(*EVERYWHERE)
def tools_streamed(stage: Stage) -> None:
    asked = stage.asks("tools", tools=[WEATHER, CLOCK])
    told = [call[1:] for call in calls_of(stage.client.messages.create(**asked))]
    with stage.client.messages.stream(**asked) as events:
        final = events.get_final_message()
    assert [call[1:] for call in calls_of(final)] == told
    assert final.stop_reason == "tool_use"
    check_events(list(stage.client.messages.create(**asked, stream=True)))


@scenario(*LAB)
def tool_results_of_many_kinds(stage: Stage) -> None:
    calls = [{"type": "tool_use", "id": f"toolu_{n}", "name": "get_time", "input": {"zone": "z"}} for n in range(4)]
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": "toolu_0", "content": "first"},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "second"}]},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "third", "is_error": True},
        {"type": "tool_result", "tool_use_id": "toolu_3"},
        {"type": "text", "text": "and now?"},
    ]
    said = [
        *stage.says(),
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, *calls]},
        {"role": "user", "content": results},
    ]
    answer = stage.client.messages.create(**stage.asks("tools", tools=[CLOCK]) | {"messages": said})
    assert all(word in text_of(answer) for word in ("first", "second", "third")), answer.content


@scenario(*LAB)
def structured_output(stage: Stage) -> None:
    parsed = stage.client.messages.parse(**stage.asks(), output_format=Plan).parsed_output
    assert parsed == Plan(goal="a b", steps=[Step(title="a b", minutes=7)], done=True)
    with stage.client.messages.stream(**stage.asks(), output_format=Plan) as events:
        assert events.get_final_message().parsed_output == parsed


@scenario(*EVERYWHERE)
def count_tokens(stage: Stage) -> Facts:
    short: dict[str, Any] = {"model": stage.models["chat"], "messages": stage.says()}
    more = {"tools": [WEATHER], "system": "Be brief. " * 20}
    few = stage.client.messages.count_tokens(**short).input_tokens
    many = stage.client.messages.count_tokens(**short, **more).input_tokens
    assert 0 < few < many
    return {"few": few, "many": many}


@scenario(*SAME)
def stop_reasons(stage: Stage) -> None:
    create = stage.client.messages.create
    assert create(**stage.asks() | {"max_tokens": 2}).stop_reason == "max_tokens"
    stopped = create(**stage.asks(stop_sequences=["世"]))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "世")
    refused = create(**stage.asks(stage.lab("up-refuse")))
    assert (refused.stop_reason, refused.content) == ("refusal", [])
    with stage.client.messages.stream(**stage.asks(stop_sequences=["世"])) as events:
        assert events.get_final_message().stop_sequence == "世"
