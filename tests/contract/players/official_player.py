"""The vendors' own clients where money is spent: usage, and a balance that is empty. The rest they play elsewhere."""

from functools import partial
from typing import Any

import anthropic
import openai

from tests.contract.players.stage import Stage, check_usage
from tests.contract.repertoire import failure_of


class OpenAI:
    """`openai.OpenAI`."""

    version = openai.__version__

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asked: dict[str, Any] = {"model": stage.model, "messages": [{"role": "user", "content": stage.says}]}

    def open_client(self, key: str) -> Any:
        """The client with a key."""
        return openai.OpenAI(base_url=f"{self.stage.url}/v1", api_key=key)

    def usage(self) -> None:
        create = self.open_client(self.stage.key).chat.completions.create
        *_, last = create(**self.asked, stream=True, stream_options={"include_usage": True})
        for usage in (create(**self.asked).usage, last.usage):
            check_usage(usage.prompt_tokens, usage.completion_tokens)

    def refused_402(self) -> None:
        ask = partial(self.open_client(self.stage.poor_key).chat.completions.create, **self.asked)
        error = failure_of(openai.APIStatusError, ask)
        assert (error.status_code, error.code) == (402, "insufficient_balance")


class Anthropic:
    """`anthropic.Anthropic`."""

    version = anthropic.__version__

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        says = [{"role": "user", "content": stage.says}]
        self.asked: dict[str, Any] = {"model": stage.model, "max_tokens": 512, "messages": says}

    def open_client(self, key: str) -> Any:
        """The client with a key."""
        return anthropic.Anthropic(base_url=self.stage.url, api_key=key)

    def usage(self) -> None:
        messages = self.open_client(self.stage.key).messages
        with messages.stream(**self.asked) as stream:
            streamed = stream.get_final_message().usage
        for usage in (messages.create(**self.asked).usage, streamed):
            check_usage(usage.input_tokens, usage.output_tokens)

    def refused_402(self) -> None:
        ask = partial(self.open_client(self.stage.poor_key).messages.create, **self.asked)
        error = failure_of(anthropic.APIStatusError, ask)
        assert error.status_code == 402
        assert "balance does not cover" in str(error)
