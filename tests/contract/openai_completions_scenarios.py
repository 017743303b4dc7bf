"""What programs from before there were chats do with the official OpenAI client: a prompt, and text that goes on.

Scenarios for `openai_play`; either major of the client runs them. Nothing of the gateway is imported here.
"""

from functools import partial
from typing import Any

import openai

from tests.contract.openai_stage import THROUGH_GATEWAY, Stage, scenario
from tests.contract.repertoire import failure_of


def asked(stage: Stage, **members: Any) -> dict[str, Any]:
    """The members of a request that can be found again in a provider's journal."""
    return {"model": stage.models["chat"], "prompt": f"{stage.opening}: hi", "max_tokens": 100, **members}


@scenario(*THROUGH_GATEWAY)
def completions_whole(stage: Stage) -> None:
    answer = stage.client.completions.create(**asked(stage))
    assert answer.object == "text_completion"
    assert "Grüße, 世界" in answer.choices[0].text or "hi" in answer.choices[0].text
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert answer._request_id


@scenario(*THROUGH_GATEWAY)
def completions_streamed(stage: Stage) -> None:
    whole = stage.client.completions.create(**asked(stage))
    chunks = list(stage.client.completions.create(**asked(stage), stream=True, stream_options={"include_usage": True}))
    *said, last = chunks
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert "".join(choice.text for chunk in said for choice in chunk.choices) == whole.choices[0].text
    assert [choice.finish_reason for chunk in said for choice in chunk.choices if choice.finish_reason] == [
        whole.choices[0].finish_reason
    ]
    assert (last.choices, last.usage.total_tokens) == ([], whole.usage.total_tokens)


@scenario(*THROUGH_GATEWAY)
def completions_that_a_chat_cannot_give(stage: Stage) -> None:
    for members in ({"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"echo": True}, {"suffix": "end"}, {"best_of": 2}):
        ask = partial(stage.client.completions.create, **asked(stage, **members))
        failure = failure_of(openai.BadRequestError, ask)
        assert failure.param == next(iter(members))
