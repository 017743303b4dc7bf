"""What people do with the official OpenAI client when all goes well: answers, streams, tools, structure, pictures.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import asyncio
import base64
import json
from typing import Any

from pydantic import BaseModel

from tests.contract.openai_stage import EVERYWHERE, LAB, Stage, scenario

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string"}},
            "required": ["zone"],
            "additionalProperties": False,
        },
        "strict": True,
    },
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


def check_whole(answer: Any, stage: Stage) -> None:
    """What every whole text answer must be."""
    assert answer.object == "chat.completion", answer.object
    assert isinstance(answer.id, str)
    assert answer.id
    assert isinstance(answer.created, int)
    assert answer.model
    (choice,) = answer.choices
    assert choice.index == 0
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "Grüße, 世界" in choice.message.content, choice.message.content
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0
    assert answer._request_id


def check_stream(chunks: list[Any], *, usage: bool = False) -> str:
    """What every stream of one choice must be; its text."""
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    *spoken, last = chunks
    if usage:
        assert last.choices == []
        assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    else:
        spoken = chunks
    assert all(chunk.usage is None for chunk in spoken)
    choices = [chunk.choices[0] for chunk in spoken]
    assert [choice.delta.role for choice in choices if choice.delta.role] == ["assistant"]
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == [choices[-1].finish_reason]
    return "".join(choice.delta.content or "" for choice in choices)


def assemble_calls(chunks: Any) -> list[tuple[str, str]]:
    """The name and arguments of each call of a stream, put together by index as a careful client does."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in chunks:
        for part in chunk.choices[0].delta.tool_calls or []:
            if part.id:
                assert part.index not in names, "a call's id and name are told once"
                names[part.index] = part.function.name
            arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
    return [(names[index], arguments[index]) for index in sorted(names)]


@scenario(*EVERYWHERE)
def whole(stage: Stage) -> None:
    check_whole(stage.client.chat.completions.create(model=stage.models["chat"], messages=stage.says()), stage)


@scenario(*EVERYWHERE)
def whole_async(stage: Stage) -> None:
    async def ask() -> Any:
        async with stage.async_client as client:
            return await client.chat.completions.create(model=stage.models["chat"], messages=stage.says())

    check_whole(asyncio.run(ask()), stage)


@scenario(*EVERYWHERE)
def stream(stage: Stage) -> None:
    chunks = list(stage.client.chat.completions.create(model=stage.models["chat"], messages=stage.says(), stream=True))
    assert "Grüße, 世界" in check_stream(chunks)
    assert len(chunks) > 3


@scenario(*EVERYWHERE)
def stream_async(stage: Stage) -> None:
    async def ask() -> list[Any]:
        async with stage.async_client as client:
            answer = await client.chat.completions.create(
                model=stage.models["chat"], messages=stage.says(), stream=True
            )
            return [chunk async for chunk in answer]

    assert "Grüße, 世界" in check_stream(asyncio.run(ask()))


@scenario(*EVERYWHERE)
def stream_says_what_whole_says(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": stage.models["chat"], "messages": stage.says()}
    answer = stage.client.chat.completions.create(**asked)
    chunks = list(stage.client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert check_stream(chunks, usage=True) == answer.choices[0].message.content
    # A stream tells its cost beside its usage, a whole answer in a header.
    assert chunks[-1].usage.model_dump(exclude={"cost"}) == answer.usage.model_dump()


@scenario(*EVERYWHERE)
def stream_helper(stage: Stage) -> None:
    kinds: list[str] = []
    with stage.client.chat.completions.stream(model=stage.models["chat"], messages=stage.says()) as events:
        kinds.extend(event.type for event in events)
        final = events.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    assert final.choices[0].message.role == "assistant"
    assert "Grüße, 世界" in (final.choices[0].message.content or "")


@scenario(*EVERYWHERE)
def stream_helper_async(stage: Stage) -> None:
    async def ask() -> Any:
        async with (
            stage.async_client as client,
            client.chat.completions.stream(model=stage.models["chat"], messages=stage.says()) as events,
        ):
            return await events.get_final_completion()

    assert "Grüße, 世界" in (asyncio.run(ask()).choices[0].message.content or "")


@scenario(*EVERYWHERE)
def tool_single(stage: Stage) -> None:
    answer = stage.client.chat.completions.create(
        model=stage.models["tools"], messages=stage.says(), tools=[WEATHER], tool_choice="auto"
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert call.id
    assert isinstance(json.loads(call.function.arguments), dict)


@scenario(*LAB)
def tool_choice_is_honoured(stage: Stage) -> None:
    forced = {"type": "function", "function": {"name": "get_time"}}
    create = stage.client.chat.completions.create
    asked: dict[str, Any] = {"model": stage.models["tools"], "messages": stage.says(), "tools": [WEATHER, CLOCK]}
    (call,) = create(**asked, tool_choice=forced).choices[0].message.tool_calls
    assert call.function.name == "get_time"
    assert create(**asked, tool_choice="none").choices[0].message.tool_calls is None
    assert len(create(**asked, parallel_tool_calls=False).choices[0].message.tool_calls) == 1


@scenario(*EVERYWHERE)
def tools_parallel_loop(stage: Stage) -> None:
    messages = stage.says()
    tools: Any = [WEATHER, CLOCK]
    turn = stage.client.chat.completions.create(model=stage.models["tools"], messages=messages, tools=tools)
    calls = turn.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    messages.append(turn.choices[0].message)
    messages.extend({"role": "tool", "tool_call_id": call.id, "content": call.function.name} for call in calls)
    final = stage.client.chat.completions.create(model=stage.models["tools"], messages=messages, tools=tools)
    assert final.choices[0].finish_reason == "stop"
    assert all(call.function.name in final.choices[0].message.content for call in calls)


@scenario(*EVERYWHERE)
def tools_streamed(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": stage.models["tools"], "messages": stage.says(), "tools": [WEATHER, CLOCK]}
    told = stage.client.chat.completions.create(**asked).choices[0].message.tool_calls
    with stage.client.chat.completions.stream(**asked) as events:
        seen = events.get_final_completion().choices[0].message.tool_calls
    streamed = assemble_calls(stage.client.chat.completions.create(**asked, stream=True))
    assert [(c.function.name, c.function.arguments) for c in seen] == streamed
    if stage.server == "crossed":  # where arguments are objects, only a stream has them letter by letter
        assert [(name, json.loads(sent)) for name, sent in streamed] == [
            (c.function.name, json.loads(c.function.arguments)) for c in told
        ]
    else:
        assert streamed == [(c.function.name, c.function.arguments) for c in told]


@scenario(*LAB)
def tools_interleaved(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": "up-interleaved", "messages": stage.says(), "tools": [WEATHER, CLOCK]}
    assert assemble_calls(stage.client.chat.completions.create(**asked, stream=True)) == [
        ("get_weather", '{"city": "a b", "days": 7}'),
        ("get_time", '{"zone": "a b"}'),
    ]


@scenario(*EVERYWHERE)
def structured_output(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": stage.models["chat"], "messages": stage.says(), "response_format": Plan}
    parsed = stage.client.chat.completions.parse(**asked).choices[0].message.parsed
    assert isinstance(parsed, Plan)
    assert stage.server == "mock" or parsed == Plan(goal="a b", steps=[Step(title="a b", minutes=7)], done=True)
    with stage.client.chat.completions.stream(**asked) as events:
        assert events.get_final_completion().choices[0].message.parsed == parsed


@scenario(*LAB)
def json_mode(stage: Stage) -> None:
    answer = stage.client.chat.completions.create(
        model=stage.models["chat"], messages=stage.says("x"), response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content or "") == {"said": f"{stage.opening}: x"}


@scenario(*LAB)
def many_kinds_of_content(stage: Stage) -> None:
    parts: Any = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://lab.invalid/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": PIXEL, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"}},
    ]
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "first", "name": "ann"},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": parts},
    ]
    answer = stage.client.chat.completions.create(model=stage.models["chat"], messages=messages)
    told = answer.choices[0].message.content or ""
    assert "look <image data:image/png;base64,> <image https://lab.invalid/ca> <input_audio> <file>" in told, told


@scenario(*EVERYWHERE)
def images(stage: Stage) -> None:
    parts: Any = [
        {"type": "text", "text": "Grüße, 世界"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    messages: Any = [{"role": "user", "content": parts}]
    check_whole(stage.client.chat.completions.create(model=stage.models["chat"], messages=messages), stage)


@scenario(*LAB)
def several_choices_and_logprobs(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": stage.models["chat"], "messages": stage.says(), "n": 2, "logprobs": True}
    answer = stage.client.chat.completions.create(**asked)
    texts = [choice.message.content for choice in answer.choices]
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert texts[1] == f"[1] {texts[0]}"
    assert all("".join(t.token for t in c.logprobs.content) == c.message.content for c in answer.choices)
    streamed: dict[int, str] = {0: "", 1: ""}
    tokens: dict[int, str] = {0: "", 1: ""}
    for chunk in stage.client.chat.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
            tokens[choice.index] += "".join(t.token for t in choice.logprobs.content) if choice.logprobs else ""
    assert [streamed[0], streamed[1]] == texts
    assert tokens == streamed


@scenario(*EVERYWHERE)
def thinking(stage: Stage) -> None:
    asked: dict[str, Any] = {"model": stage.models["think"], "messages": stage.says()}
    told = stage.client.chat.completions.create(**asked)
    thought = told.choices[0].message.reasoning_content
    assert thought
    assert told.usage.completion_tokens_details.reasoning_tokens > 0
    streamed = ""
    for chunk in stage.client.chat.completions.create(**asked, stream=True):
        streamed += getattr(chunk.choices[0].delta, "reasoning_content", None) or ""
    assert streamed == thought


@scenario(*LAB)
def unknown_fields_pass(stage: Stage) -> None:
    answer = stage.client.chat.completions.create(
        model=stage.models["chat"],
        messages=stage.says(),
        extra_body={"lab_knob": {"deep": [1, 2.50, None]}},
        seed=7,
        stop=["END"],
        metadata={"a": "b"},
        temperature=0.5,
        user="u-1",
    )
    assert answer.lab_extra == {"kept": True}
    assert answer.system_fingerprint == "fp_lab"
