"""LangChain's chat models for either vendor's API: called, streamed, with tools and schemas, and refused."""
# pyright: reportMissingImports=false

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from tests.contract.players.stage import (
    EXPECTED,
    Person,
    Stage,
    check_answer,
    check_tool_call,
    check_tool_result,
    check_usage,
    get_weather,
)
from tests.contract.repertoire import failure_of

WEATHER = tool(get_weather)


class ChatCompletions:
    """`ChatOpenAI`, as it comes: chat completions."""

    version = version("langchain-openai")
    errors: Any = openai

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.model = self.open_model(stage.key)

    def open_model(self, key: str) -> Any:
        """The chat model with a key."""
        return ChatOpenAI(model=self.stage.model, base_url=f"{self.stage.url}/v1", api_key=key, stream_usage=True)

    def answer(self) -> None:
        check_answer(self.model.invoke(self.stage.says).text)

    def stream(self) -> None:
        pieces = [piece.text for piece in self.model.stream(self.stage.says)]
        assert len([piece for piece in pieces if piece]) > 1
        check_answer("".join(pieces))

    def tools(self) -> None:
        bound = self.model.bind_tools([WEATHER])
        self._round_trip(bound.invoke)
        self._round_trip(lambda messages: sum_of(bound.stream(messages)))

    def _round_trip(self, ask: Callable[[Any], Any]) -> None:
        messages: list[Any] = [HumanMessage(self.stage.says)]
        turn = ask(messages)
        (call,) = turn.tool_calls
        check_tool_call(call["name"], call["args"])
        result = WEATHER.invoke(call)
        assert isinstance(result, ToolMessage)
        check_tool_result(ask([*messages, turn, result]).text)

    def structure(self) -> None:
        for method in ("json_schema", "function_calling"):
            shaped = self.model.with_structured_output(Person, method=method)
            assert shaped.invoke(self.stage.says) == EXPECTED, method
            assert list(shaped.stream(self.stage.says))[-1] == EXPECTED, method

    def usage(self) -> None:
        for told in (self.model.invoke(self.stage.says), sum_of(self.model.stream(self.stage.says))):
            usage = told.usage_metadata
            check_usage(usage["input_tokens"], usage["output_tokens"])
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]

    def refused_401(self) -> None:
        stranger = self.open_model("lx-nobody")
        failure_of(self.errors.AuthenticationError, lambda: stranger.invoke(self.stage.says))

    def refused_402(self) -> None:
        poor = self.open_model(self.stage.poor_key)
        error = failure_of(self.errors.APIStatusError, lambda: poor.invoke(self.stage.says))
        assert error.status_code == 402


class Responses(ChatCompletions):
    """`ChatOpenAI` told to use the Responses API."""

    def open_model(self, key: str) -> Any:
        url = f"{self.stage.url}/v1"
        return ChatOpenAI(model=self.stage.model, base_url=url, api_key=key, use_responses_api=True)


class Messages(ChatCompletions):
    """`ChatAnthropic`."""

    version = version("langchain-anthropic")
    errors = anthropic

    def open_model(self, key: str) -> Any:
        return ChatAnthropic(model=self.stage.claude, base_url=self.stage.url, api_key=key)


def sum_of(chunks: Any) -> Any:
    """The message that a stream's chunks add up to."""
    first, *rest = chunks
    for chunk in rest:
        first += chunk
    return first
