"""What an OpenAI client says that Anthropic's language has no words for: carried, told as dropped, or refused by name.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

from functools import partial
from typing import Any

import openai

from tests.contract.openai_scenarios import WEATHER
from tests.contract.openai_stage import Stage, scenario
from tests.contract.repertoire import failure_of

CALL_ID = "call.1|with signs"
"""An id that is good here and not there."""


@scenario("crossed")
def a_tool_loop_of_foreign_ids(stage: Stage) -> None:
    call = {"id": CALL_ID, "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "x"}'}}
    messages: Any = [
        *stage.says(),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": CALL_ID, "content": "rain"},
    ]
    # Nothing was kept of what the model thought before its call, and some ways of asking to think on want it back.
    for more in ({}, {"reasoning_effort": "high"}):
        answer = stage.client.chat.completions.create(
            model=stage.models["chat"], messages=messages, tools=[WEATHER], **more
        )
        assert "rain" in answer.choices[0].message.content


@scenario("crossed")
def roles_of_every_kind(stage: Stage) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": "first"},
        {"role": "assistant", "content": ""},
        {"role": "system", "content": "Be kind."},
        *stage.says(),
    ]
    answer = stage.client.chat.completions.with_raw_response.create(model=stage.models["chat"], messages=messages)
    assert "Grüße, 世界" in answer.parse().choices[0].message.content
    assert "messages.name" in answer.headers["x-tallygate-dropped"]


@scenario("crossed")
def what_does_no_harm_is_dropped_and_told(stage: Stage) -> None:
    asked: dict[str, Any] = {"seed": 7, "presence_penalty": 0.5, "store": False, "temperature": 1.5}
    answer = stage.client.chat.completions.with_raw_response.create(
        model=stage.models["chat"], messages=stage.says(), **asked
    )
    told = {name.strip() for name in answer.headers["x-tallygate-dropped"].split(",")}
    assert told == set(asked)


@scenario("crossed")
def what_changes_the_meaning_is_refused_by_name(stage: Stage) -> None:
    bad: list[dict[str, Any]] = [{"n": 2}, {"logprobs": True}, {"lab_knob": 1}]
    for wrong in bad:
        ask = partial(
            stage.client.chat.completions.create, model=stage.models["chat"], messages=stage.says(), extra_body=wrong
        )
        error = failure_of(openai.BadRequestError, ask)
        assert (error.code, error.param) == ("unsupported_parameter", next(iter(wrong)))


@scenario("crossed")
def errors_and_breaks_of_the_other_language(stage: Stage) -> None:
    create = stage.client.chat.completions.create
    overloaded = failure_of(openai.InternalServerError, partial(create, model="an-529", messages=stage.says()))
    assert overloaded.request_id
    for name in ("an-error-midstream", "an-cut-after-5", "an-break-after-5"):
        told: list[Any] = []
        answer = create(model=name, messages=stage.says(), stream=True)
        error = failure_of(openai.APIError, partial(told.extend, answer))
        assert error.type == "server_error", error
        assert not [choice for chunk in told for choice in chunk.choices if choice.finish_reason], name
