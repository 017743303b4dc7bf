"""The stage on which the official Anthropic client plays: its clients, the names of the models, and the scenarios.

Written so that anthropic 0.x and 2.x can both run it; nothing of the gateway is imported here.
"""

from typing import Any

import anthropic

from tests.contract.repertoire import Repertoire

EVERYWHERE = ("upstream", "gateway", "crossed", "mock")
LAB = ("upstream", "gateway", "crossed")
SAME = ("upstream", "gateway")
THROUGH_GATEWAY = ("gateway", "crossed", "mock")
"""`upstream` is the fake provider without a gateway, which proves the fake; `gateway` the same through the gateway;
`crossed` a provider that speaks only OpenAI's language; `mock` models that the gateway serves itself."""

MODELS = {
    "upstream": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "gateway": {"chat": "an-echo", "tools": "an-echo", "think": "an-think"},
    "crossed": {"chat": "up-echo", "tools": "up-echo", "think": "up-think"},
    "mock": {"chat": "mock/echo", "tools": "mock/tools", "think": "mock/thinking"},
}
REPERTOIRE: Repertoire["Stage"] = Repertoire()
scenario = REPERTOIRE.scenario
MAJOR = anthropic.__version__.split(".")[0]


class Stage:
    """Where a scenario plays: the clients, the models, and a message that can be found again in a journal."""

    def __init__(self, url: str, key: str, server: str, scenario: str) -> None:
        self.url, self.key, self.server, self.scenario = url, key, server, scenario
        self.models = MODELS[server]
        self.opening = f"{server}/anthropic{MAJOR}/{scenario}"
        self.client: Any = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=30)
        self.async_client: Any = anthropic.AsyncAnthropic(base_url=url, api_key=key, max_retries=0, timeout=30)

    def lab(self, name: str) -> str:
        """The name under which a model `up-…` of the lab is called here."""
        return name.replace("up-", "an-") if self.server == "gateway" else name

    def says(self, text: str = "Grüße, 世界") -> list[Any]:
        """One user message that says where it comes from, so that a provider's journal shows whose it is."""
        return [{"role": "user", "content": f"{self.opening}: {text}"}]

    def asks(self, model: str = "chat", **more: Any) -> dict[str, Any]:
        """The arguments of a plain call, and more of them."""
        return {"model": self.models.get(model, model), "max_tokens": 4096, "messages": self.says(), **more}
