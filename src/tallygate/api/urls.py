"""The whole URL table. A line says which methods an address takes, whose dialect its answers and errors speak, who may
call it, and which door serves it. An address that is not here has OpenAI's error body and is a 404.
"""

from typing import Literal

from msgspec import Struct

Door = Literal["chat", "count", "list_models", "show_model", "home", "health", "ready"]


class Route(Struct, frozen=True):
    """One address. `path` may end in ``{name}``, which takes the whole rest, slashes included.

    `policy` is what a caller needs: `public` nothing, otherwise the permission's name. `billable` calls take the
    hallway.
    """

    methods: tuple[str, ...]
    path: str
    dialect: str
    policy: str
    door: Door
    billable: bool = False


URLS: tuple[Route, ...] = (
    #     methods          path                         dialect               policy        door      money
    Route(("POST",),       "/v1/chat/completions",      "openai_chat",        "models:use", "chat",   billable=True),
    Route(("POST",),       "/v1/messages",              "anthropic_messages", "models:use", "chat",   billable=True),
    Route(("POST",),       "/v1/messages/count_tokens", "anthropic_messages", "models:use", "count"),
    Route(("GET",),        "/v1/models",                "openai_chat",        "public",     "list_models"),
    Route(("GET",),        "/v1/models/{model}",        "openai_chat",        "public",     "show_model"),
    Route(("HEAD", "GET"), "/",                         "openai_chat",        "public",     "home"),
    Route(("GET",),        "/health",                   "openai_chat",        "public",     "health"),
    Route(("GET",),        "/ready",                    "openai_chat",        "public",     "ready"),
)  # fmt: skip
