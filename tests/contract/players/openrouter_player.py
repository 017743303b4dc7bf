"""OpenRouter's own SDK, pointed at the flavour of OpenAI's API that the gateway has for it."""
# pyright: reportMissingImports=false

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from openrouter import OpenRouter, errors

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
SHAPE = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": {**Person.model_json_schema(), "additionalProperties": False}},
}


class Chat:
    """`OpenRouter().chat`."""

    version = version("openrouter")

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.client = self.open_client(stage.key)

    def open_client(self, key: str) -> Any:
        """The client with a key."""
        return OpenRouter(server_url=f"{self.stage.url}/api/v1", api_key=key)

    @property
    def says(self) -> list[Any]:
        """What the user says."""
        return [{"role": "user", "content": self.stage.says}]

    def ask(self, **more: Any) -> Any:
        """A call of the chat."""
        return self.client.chat.send(**{"model": self.stage.model, "messages": self.says, **more})

    def answer(self) -> None:
        check_answer(self.ask().choices[0].message.content)

    def stream(self) -> None:
        with self.ask(stream=True) as events:
            pieces = [choice.delta.content or "" for event in events for choice in event.choices]
        assert len([piece for piece in pieces if piece]) > 1
        check_answer("".join(pieces))

    def tools(self) -> None:
        self._round_trip(lambda messages: self.ask(messages=messages, tools=[WEATHER]).choices[0].message.model_dump())
        self._round_trip(self._stream_message)

    def _stream_message(self, messages: Any) -> dict[str, Any]:
        """The message that a stream's deltas add up to."""
        content, calls = "", list[dict[str, Any]]()
        with self.ask(messages=messages, tools=[WEATHER], stream=True) as events:
            deltas = [choice.delta for event in events for choice in event.choices]
        for delta in deltas:
            content += delta.content or ""
            for part in delta.tool_calls or []:
                if part.id:
                    calls.append({"id": part.id, "type": "function", "function": {"name": "", "arguments": ""}})
                told = calls[part.index]["function"]
                told["name"] += part.function.name or ""
                told["arguments"] += part.function.arguments or ""
        return {"role": "assistant", "content": content or None, **({"tool_calls": calls} if calls else {})}

    def _round_trip(self, ask: Callable[[Any], dict[str, Any]]) -> None:
        turn = ask(self.says)
        (call,) = turn["tool_calls"]
        check_tool_call(call["function"]["name"], call["function"]["arguments"])
        result = {"role": "tool", "tool_call_id": call["id"], "content": get_weather("a b", 7)}
        check_tool_result(ask([*self.says, turn, result])["content"])

    def structure(self) -> None:
        told = self.ask(response_format=SHAPE).choices[0].message.content
        assert Person.model_validate_json(told) == EXPECTED

    def models(self) -> None:
        names = {model.id for model in self.client.models.list().result.data}
        assert self.stage.model in names

    def usage(self) -> None:
        with self.ask(stream=True) as events:
            *_, last = events
        for usage in (self.ask().usage, last.usage):
            check_usage(usage.prompt_tokens, usage.completion_tokens)
            assert usage.cost > 0
        credit = self.client.credits.get_credits().data
        assert 0 < credit.total_usage < credit.total_credits == 1

    def refused_401(self) -> None:
        stranger = self.open_client("lx-nobody")
        ask = stranger.chat.send
        failure_of(errors.UnauthorizedResponseError, lambda: ask(model=self.stage.model, messages=self.says))

    def refused_402(self) -> None:
        poor = self.open_client(self.stage.poor_key)
        ask = poor.chat.send
        failure_of(errors.PaymentRequiredResponseError, lambda: ask(model=self.stage.model, messages=self.says))
