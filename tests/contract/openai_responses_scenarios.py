"""What people do with the official OpenAI client on its newer wire: answers, streams, structure, tools, thoughts.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

import json
from functools import partial
from typing import Any

import openai

from tests.contract.openai_scenarios import CLOCK, PIXEL, WEATHER, Plan
from tests.contract.openai_stage import THROUGH_GATEWAY, Stage, scenario
from tests.contract.repertoire import failure_of

TWO_PROVIDERS = ("gateway", "crossed")
"""A provider that speaks OpenAI's chat, and one that speaks Anthropic's messages: neither knows this wire."""


def flat(tool: dict[str, Any]) -> dict[str, Any]:
    """A function as this wire has it."""
    return {"type": "function", **tool["function"]}


TOOLS: Any = [flat(WEATHER), flat(CLOCK)]


def asked(stage: Stage, **members: Any) -> dict[str, Any]:
    """The members of a request that can be found again in a provider's journal."""
    return {"model": stage.models["chat"], "input": stage.says(), **members}


def kinds_of(response: Any) -> list[str]:
    """The types of an answer's items."""
    return [item.type for item in response.output]


@scenario(*THROUGH_GATEWAY)
def responses_whole(stage: Stage) -> None:
    response = stage.client.responses.create(
        **asked(stage, instructions="Be brief.", temperature=0.5, metadata={"a": "b"})
    )
    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert "Grüße, 世界" in response.output_text
    assert (response.instructions, response.temperature, response.metadata) == ("Be brief.", 0.5, {"a": "b"})
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0
    assert response._request_id
    assert response.created_at > 0


@scenario(*THROUGH_GATEWAY)
def responses_of_a_string(stage: Stage) -> None:
    response = stage.client.responses.create(model=stage.models["chat"], input=f"{stage.opening}: hi")
    assert "hi" in response.output_text


@scenario(*THROUGH_GATEWAY)
def responses_streamed(stage: Stage) -> None:
    whole = stage.client.responses.create(**asked(stage))
    events = list(stage.client.responses.create(**asked(stage), stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == whole.output_text
    assert last.response.usage.total_tokens == whole.usage.total_tokens
    assert float(last.response.usage.cost) >= 0


@scenario(*THROUGH_GATEWAY)
def responses_stream_helper(stage: Stage) -> None:
    with stage.client.responses.stream(**asked(stage)) as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert final.output_text == text


@scenario(*THROUGH_GATEWAY)
def responses_structured(stage: Stage) -> None:
    parsed = stage.client.responses.parse(**asked(stage, text_format=Plan)).output_parsed
    assert isinstance(parsed, Plan)
    with stage.client.responses.stream(**asked(stage, text_format=Plan)) as events:
        assert events.get_final_response().output_parsed == parsed


@scenario(*THROUGH_GATEWAY)
def responses_tools(stage: Stage) -> None:
    members = asked(stage, tools=TOOLS, store=False)
    members["model"] = stage.models["tools"]
    turn = stage.client.responses.create(**members)
    calls = [item for item in turn.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
    events = list(stage.client.responses.create(**members, stream=True))
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [(item.name, json.loads(item.arguments)) for item in done if item.type == "function_call"] == [
        (call.name, json.loads(call.arguments)) for call in calls
    ]
    members["input"] += [item.to_dict() for item in turn.output]
    members["input"] += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"result of {call.name}"} for call in calls
    ]
    final = stage.client.responses.create(**members)
    assert kinds_of(final)[-1] == "message"
    assert all(call.name in final.output_text for call in calls)


@scenario(*THROUGH_GATEWAY)
def responses_thinking(stage: Stage) -> None:
    members = asked(stage, reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"])
    members["model"] = stage.models["think"]
    whole = stage.client.responses.create(**members)
    thought = next(item for item in whole.output if item.type == "reasoning")
    told = "".join(part.text for part in thought.summary)
    assert told
    events = list(stage.client.responses.create(**members, stream=True))
    deltas = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == told
    # What the model thought goes back as it came.
    members["input"] = [*members["input"], *(item.to_dict() for item in whole.output), *stage.says("go on")]
    assert "go on" in stage.client.responses.create(**members).output_text


@scenario(*TWO_PROVIDERS)
def responses_task_with_tools_of_every_kind(stage: Stage) -> None:
    """What Codex sends: functions, a namespace, a search that is merely offered, and thoughts that stay sealed."""
    steps = [
        {"say": "I look.", "calls": [{"name": "files__read", "input": {"path": "a.py"}}]},
        {"calls": [{"name": "get_time", "input": {"zone": "x"}}]},
        {"say": "It is done."},
    ]
    read = {"type": "function", "name": "read", "strict": False, "parameters": {"type": "object", "properties": {}}}
    namespace = {"type": "namespace", "name": "files", "description": "Files.", "tools": [read]}
    members: dict[str, Any] = {
        "model": stage.models["chat"],
        "instructions": "You are a coding agent.",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Never ask."}]},
            *stage.says(f"work\nscript: {json.dumps(steps)}"),
        ],
        "tools": [*TOOLS, namespace, {"type": "web_search"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "extra_body": {"client_metadata": {"a": "b"}},
    }
    seen: list[tuple[str, str | None]] = []
    final = None
    for _ in steps:
        for event in stage.client.responses.create(**members):
            if event.type == "response.output_item.done":
                item = event.item.to_dict()
                members["input"].append(item)
                if item["type"] == "function_call":
                    seen.append((item["name"], item.get("namespace")))
                    result = {"type": "function_call_output", "call_id": item["call_id"], "output": "ok"}
                    members["input"].append(result)
            if event.type == "response.completed":
                final = event.response
    assert seen == [("read", "files"), ("get_time", None)]
    assert final is not None
    assert final.output_text == "It is done."
    assert final.usage.output_tokens > 0


@scenario(*TWO_PROVIDERS)
def responses_pictures(stage: Stage) -> None:
    parts: Any = [
        {"type": "input_text", "text": "Grüße, 世界"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
    ]
    response = stage.client.responses.create(model=stage.models["chat"], input=[{"role": "user", "content": parts}])
    assert "Grüße, 世界" in response.output_text


@scenario(*THROUGH_GATEWAY)
def responses_refuse_what_would_be_stored(stage: Stage) -> None:
    create = stage.client.responses.create
    bad: list[dict[str, Any]] = [{"previous_response_id": "resp_1"}, {"background": True}, {"conversation": "conv_1"}]
    for wrong in bad:
        error = failure_of(openai.BadRequestError, partial(create, **asked(stage), extra_body=wrong))
        assert (error.code, error.param) == ("unsupported_parameter", next(iter(wrong)))
    reference = {"type": "item_reference", "id": "msg_1"}
    error = failure_of(openai.BadRequestError, partial(create, **asked(stage) | {"input": [reference]}))
    assert error.param == "input[0]"


@scenario("gateway")
def responses_that_break(stage: Stage) -> None:
    create = stage.client.responses.create
    failure_of(openai.InternalServerError, partial(create, **asked(stage) | {"model": "up-500"}))
    failure_of(openai.BadRequestError, partial(create, **asked(stage) | {"model": "up-400"}))
    for name in ("up-error-midstream", "up-cut-after-3", "up-break-after-3"):
        told: list[Any] = []
        answer = create(**asked(stage) | {"model": name}, stream=True)
        error = failure_of(openai.APIError, partial(told.extend, answer))
        assert error.type == "server_error", error
        assert not [event for event in told if event.type in ("response.completed", "response.incomplete")], name
