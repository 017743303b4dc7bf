"""The stage on which the official OpenAI client plays: its clients, the names of the models, and the list of scenarios.

Written so that openai 1.x and 3.x can both run it; nothing of the gateway is imported here.
"""

from typing import Any

import openai

from tests.contract.repertoire import Repertoire

EVERYWHERE = ("upstream", "gateway", "crossed", "mock")
LAB = ("upstream", "gateway")
THROUGH_GATEWAY = ("gateway", "crossed", "mock")
"""`upstream` is the fake provider without a gateway, which proves the fake; `gateway` the same through the gateway;
`crossed` a provider of another language through the gateway; `mock` models that the gateway serves itself."""

MODELS = {
    "upstream": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "gateway": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "crossed": {"chat": "an-echo", "tools": "an-echo", "think": "an-think"},
    "mock": {"chat": "mock/echo", "tools": "mock/tools", "think": "mock/thinking"},
}
REPERTOIRE: Repertoire["Stage"] = Repertoire()
scenario = REPERTOIRE.scenario


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
