"""The stage on which the official OpenAI client plays: its clients, the names of the models, and the list of scenarios.

Written so that openai 1.x and 3.x can both run it; nothing of the gateway is imported here.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import openai

Facts = dict[str, Any]
Error = TypeVar("Error", bound=Exception)

EVERYWHERE = ("upstream", "gateway", "mock")
LAB = ("upstream", "gateway")
THROUGH_GATEWAY = ("gateway", "mock")

MODELS = {
    "upstream": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "gateway": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "mock": {"chat": "mock/echo", "tools": "mock/tools", "think": "mock/thinking"},
}
SCENARIOS: dict[str, tuple[tuple[str, ...], Callable[["Stage"], Facts | None]]] = {}


class Stage:
    """Where a scenario plays: the clients, the models, and a message that can be found again in a journal."""

    def __init__(self, url: str, key: str, server: str, scenario: str) -> None:
        self.url, self.key, self.server, self.scenario = url, key, server, scenario
        self.models = MODELS[server]
        self.opening = f"{server}/openai{openai.__version__.split('.')[0]}/{scenario}"
        self.client: Any = openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=30)
        self.async_client: Any = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=30)

    def says(self, text: str = "Grüße, 世界") -> list[Any]:
        """One user message that says where it comes from, so that a provider's journal shows whose it is."""
        return [{"role": "user", "content": f"{self.opening}: {text}"}]


def scenario(*servers: str) -> Callable[[Callable[[Stage], Facts | None]], Callable[[Stage], Facts | None]]:
    """Enter a scenario under its function's name, for the servers where it has a meaning."""

    def enter(play: Callable[[Stage], Facts | None]) -> Callable[[Stage], Facts | None]:
        SCENARIOS[play.__name__] = (servers, play)
        return play

    return enter


def failure_of(expected: type[Error], ask: Callable[[], object]) -> Error:
    """The error that asking ends in. Raises AssertionError if it ends well."""
    try:
        ask()
    except expected as error:
        return error
    raise AssertionError(f"no {expected.__name__} was raised")
