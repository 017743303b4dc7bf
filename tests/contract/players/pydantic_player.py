"""pydantic-ai's agents over either vendor's API: run, streamed, with tools and output types, and refused."""
# pyright: reportMissingImports=false

from importlib.metadata import version
from typing import Any

from pydantic_ai import Agent, ModelHTTPError, NativeOutput, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.contract.players.stage import (
    EXPECTED,
    Person,
    Stage,
    check_answer,
    check_tool_result,
    check_usage,
    get_weather,
)
from tests.contract.repertoire import failure_of


class ChatCompletions:
    """An agent with `OpenAIChatModel`."""

    version = version("pydantic-ai-slim")

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.model = self.open_model(stage.key)

    def open_model(self, key: str) -> Any:
        """The model with a key."""
        provider = OpenAIProvider(base_url=f"{self.stage.url}/v1", api_key=key)
        return OpenAIChatModel(self.stage.model, provider=provider)

    def answer(self) -> None:
        check_answer(Agent(self.model).run_sync(self.stage.says).output)

    def stream(self) -> None:
        pieces = list(Agent(self.model).run_stream_sync(self.stage.says).stream_text(delta=True, debounce_by=None))
        assert len(pieces) > 1
        check_answer("".join(pieces))

    def tools(self) -> None:
        agent = Agent(self.model, tools=[get_weather])
        check_tool_result(agent.run_sync(self.stage.says).output)
        check_tool_result(agent.run_stream_sync(self.stage.says).get_output())

    def structure(self) -> None:
        for form in (ToolOutput(Person), NativeOutput(Person)):
            agent: Any = Agent(self.model, output_type=form)
            assert agent.run_sync(self.stage.says).output == EXPECTED, form
            assert agent.run_stream_sync(self.stage.says).get_output() == EXPECTED, form

    def usage(self) -> None:
        agent = Agent(self.model)
        whole = agent.run_sync(self.stage.says).usage
        stream = agent.run_stream_sync(self.stage.says)
        stream.get_output()
        for usage in (whole, stream.usage):
            check_usage(usage.input_tokens, usage.output_tokens)

    def refused_401(self) -> None:
        self._refused("lx-nobody", 401)

    def refused_402(self) -> None:
        self._refused(self.stage.poor_key, 402)

    def _refused(self, key: str, status: int) -> None:
        agent = Agent(self.open_model(key))
        error = failure_of(ModelHTTPError, lambda: agent.run_sync(self.stage.says))
        assert error.status_code == status, error


class Responses(ChatCompletions):
    """An agent with `OpenAIResponsesModel`."""

    def open_model(self, key: str) -> Any:
        provider = OpenAIProvider(base_url=f"{self.stage.url}/v1", api_key=key)
        return OpenAIResponsesModel(self.stage.model, provider=provider)


class Messages(ChatCompletions):
    """An agent with `AnthropicModel`."""

    def open_model(self, key: str) -> Any:
        return AnthropicModel(self.stage.claude, provider=AnthropicProvider(base_url=self.stage.url, api_key=key))
