"""litellm as a client, told to speak either vendor's language: called, streamed, with tools, schemas, and refused."""
# pyright: reportMissingImports=false

import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import litellm

from tests.contract.players.stage import (
    EXPECTED,
    TOOL,
    Person,
    Stage,
    check_answer,
    check_tool_call,
    check_tool_result,
    check_usage,
    get_weather,
)
from tests.contract.repertoire import failure_of

WEATHER = {
    "type": "function",
    "function": {
        "name": TOOL,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


class ChatCompletions:
    """Models named `openai/…`."""

    version = version("litellm")

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ask: Callable[..., Any] = partial(litellm.completion, **self.address(), api_key=stage.key)

    def address(self) -> dict[str, str]:
        """The model and where it is."""
        return {"model": f"openai/{self.stage.model}", "api_base": f"{self.stage.url}/v1"}

    @property
    def says(self) -> list[Any]:
        """What the user says."""
        return [{"role": "user", "content": self.stage.says}]

    def answer(self) -> None:
        check_answer(self.ask(messages=self.says).choices[0].message.content)

    def stream(self) -> None:
        chunks = list(self.ask(messages=self.says, stream=True))
        assert len(chunks) > 1
        check_answer("".join(chunk.choices[0].delta.content or "" for chunk in chunks))

    def tools(self) -> None:
        ask = partial(self.ask, tools=[WEATHER])
        self._round_trip(lambda messages: ask(messages=messages))
        self._round_trip(lambda messages: litellm.stream_chunk_builder([*ask(messages=messages, stream=True)]))

    def _round_trip(self, ask: Callable[[Any], Any]) -> None:
        turn = ask(self.says).choices[0].message
        (call,) = turn.tool_calls
        check_tool_call(call.function.name, call.function.arguments)
        content = get_weather(**json.loads(call.function.arguments))
        result = {"role": "tool", "tool_call_id": call.id, "content": content}
        check_tool_result(ask([*self.says, turn, result]).choices[0].message.content)

    def structure(self) -> None:
        told = self.ask(messages=self.says, response_format=Person).choices[0].message.content
        assert Person.model_validate_json(told) == EXPECTED

    def usage(self) -> None:
        *_, last = self.ask(messages=self.says, stream=True, stream_options={"include_usage": True})
        for usage in (self.ask(messages=self.says).usage, last.usage):
            check_usage(usage.prompt_tokens, usage.completion_tokens)

    def refused_401(self) -> None:
        ask = partial(litellm.completion, **self.address(), api_key="lx-nobody", messages=self.says)
        failure_of(litellm.AuthenticationError, ask)

    def refused_402(self) -> None:
        ask = partial(litellm.completion, **self.address(), api_key=self.stage.poor_key, messages=self.says)
        # What it raises for every status of an OpenAI server that it has no class for.
        assert failure_of(litellm.APIError, ask).status_code == 402


class Messages(ChatCompletions):
    """Models named `anthropic/…`."""

    def address(self) -> dict[str, str]:
        return {"model": f"anthropic/{self.stage.claude}", "api_base": self.stage.url}

    def refused_402(self) -> None:
        ask = partial(litellm.completion, **self.address(), api_key=self.stage.poor_key, messages=self.says)
        failure_of(litellm.exceptions.PaymentRequiredError, ask)
