"""instructor over the official clients: answers of a given type, streamed and whole, and refused."""
# pyright: reportMissingImports=false

from importlib.metadata import version
from typing import Any

import anthropic
import instructor
import openai
from instructor import Mode
from instructor.core.exceptions import InstructorRetryException

from tests.contract.players.stage import EXPECTED, Person, Stage, check_usage
from tests.contract.repertoire import failure_of


class ChatCompletions:
    """`from_openai`."""

    version = version("instructor")
    modes = (Mode.TOOLS, Mode.JSON_SCHEMA)

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def open_client(self, key: str, mode: Mode = Mode.TOOLS) -> Any:
        """The patched client with a key."""
        return instructor.from_openai(openai.OpenAI(base_url=f"{self.stage.url}/v1", api_key=key), mode=mode)

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of every call."""
        says = [{"role": "user", "content": self.stage.says}]
        return {"model": self.stage.model, "messages": says, "response_model": Person, "max_tokens": 4096}

    def structure(self) -> None:
        for mode in self.modes:
            # The answer's class is made from the given one.
            person = self.open_client(self.stage.key, mode).create(**self.asked)
            assert person.model_dump() == EXPECTED.model_dump(), mode

    def stream(self) -> None:
        pieces = list(self.open_client(self.stage.key).create_partial(**self.asked))
        assert len(pieces) > 1
        assert pieces[-1].model_dump() == EXPECTED.model_dump()

    def usage(self) -> None:
        _, answer = self.open_client(self.stage.key).create_with_completion(**self.asked)
        check_usage(answer.usage.prompt_tokens, answer.usage.completion_tokens)

    def refused_401(self) -> None:
        self._refused("lx-nobody", 401)

    def refused_402(self) -> None:
        self._refused(self.stage.poor_key, 402)

    def _refused(self, key: str, status: int) -> None:
        client = self.open_client(key)
        error = failure_of(InstructorRetryException, lambda: client.create(**self.asked))
        assert str(status) in str(error), error


class Messages(ChatCompletions):
    """`from_anthropic`."""

    modes = (Mode.TOOLS,)

    def open_client(self, key: str, mode: Mode = Mode.TOOLS) -> Any:
        return instructor.from_anthropic(anthropic.Anthropic(base_url=self.stage.url, api_key=key), mode=mode)

    def usage(self) -> None:
        _, answer = self.open_client(self.stage.key).create_with_completion(**self.asked)
        check_usage(answer.usage.input_tokens, answer.usage.output_tokens)
