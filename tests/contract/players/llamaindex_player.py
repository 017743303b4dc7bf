"""LlamaIndex's models for either vendor's API: called, streamed, with tools and schemas, and refused."""
# pyright: reportMissingImports=false

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import anthropic
import openai
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai_like import OpenAILike

from tests.contract.players.stage import (
    EXPECTED,
    TOOL_RESULT,
    Person,
    Stage,
    check_answer,
    check_tool_call,
    check_tool_result,
    check_usage,
    get_weather,
)
from tests.contract.repertoire import failure_of

WEATHER = FunctionTool.from_defaults(get_weather)


class ChatCompletions:
    """`OpenAILike`, its class for addresses that speak as OpenAI's do."""

    version = version("llama-index-llms-openai-like")
    errors: Any = openai

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.model = self.open_model(stage.key)

    def open_model(self, key: str) -> Any:
        """The model with a key."""
        return OpenAILike(
            model=self.stage.model,
            api_base=f"{self.stage.url}/v1",
            api_key=key,
            is_chat_model=True,
            is_function_calling_model=True,
            should_use_structured_outputs=True,
        )

    @property
    def says(self) -> list[ChatMessage]:
        """What the user says."""
        return [ChatMessage(role="user", content=self.stage.says)]

    def answer(self) -> None:
        check_answer(self.model.chat(self.says).message.content)
        check_answer(self.model.complete(self.stage.says).text)

    def stream(self) -> None:
        pieces = [piece.delta or "" for piece in self.model.stream_chat(self.says)]
        assert len([piece for piece in pieces if piece]) > 1
        check_answer("".join(pieces))

    def tools(self) -> None:
        self._round_trip(lambda messages: self.model.chat_with_tools([WEATHER], chat_history=messages))
        self._round_trip(lambda messages: [*self.model.stream_chat_with_tools([WEATHER], chat_history=messages)][-1])

    def _round_trip(self, ask: Callable[[Any], Any]) -> None:
        turn = ask(self.says)
        (call,) = self.model.get_tool_calls_from_response(turn)
        check_tool_call(call.tool_name, call.tool_kwargs)
        content = WEATHER.call(**call.tool_kwargs).content
        assert content == TOOL_RESULT
        result = ChatMessage(role="tool", content=content, additional_kwargs={"tool_call_id": call.tool_id})
        check_tool_result(ask([*self.says, turn.message, result]).message.content)

    def structure(self) -> None:
        shaped = self.model.as_structured_llm(Person)
        assert shaped.chat(self.says).raw == EXPECTED
        assert list(shaped.stream_chat(self.says))[-1].raw == EXPECTED

    def usage(self) -> None:
        usage = self.model.chat(self.says).raw.usage
        check_usage(usage.prompt_tokens, usage.completion_tokens)
        *_, last = self.model.stream_chat(self.says, stream_options={"include_usage": True})
        check_usage(last.raw.usage.prompt_tokens, last.raw.usage.completion_tokens)

    def refused_401(self) -> None:
        stranger = self.open_model("lx-nobody")
        failure_of(self.errors.AuthenticationError, lambda: stranger.chat(self.says))

    def refused_402(self) -> None:
        poor = self.open_model(self.stage.poor_key)
        error = failure_of(self.errors.APIStatusError, lambda: poor.chat(self.says))
        assert error.status_code == 402


class Messages(ChatCompletions):
    """`Anthropic`, which serves only models whose names it knows."""

    version = version("llama-index-llms-anthropic")
    errors = anthropic

    def open_model(self, key: str) -> Any:
        return Anthropic(model=self.stage.claude, base_url=self.stage.url, api_key=key)

    def usage(self) -> None:
        usage = self.model.chat(self.says).raw["usage"]
        check_usage(usage.input_tokens, usage.output_tokens)
