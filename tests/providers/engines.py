"""What engines answer on this machine, in the shapes they were seen to have, for a real loopback server to say.

Ollama: docs.ollama.com/api/tags. llama.cpp: tools/server/README.md. vLLM: docs.vllm.ai. LM Studio:
lmstudio.ai/docs/developer/rest/endpoints and /openai-compat.
"""

from typing import Any

from msgspec import json

from tallygate.providers.base import Seen
from tests.transport.wire import Line, answer

Pages = dict[str, Seen]


def page(body: object, status: int = 200, **headers: str) -> Seen:
    """An answer whose body is JSON, or text if it is one."""
    return Seen(status, headers, body.encode() if isinstance(body, str) else json.encode(body))


def listing(*items: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's model list."""
    return {"object": "list", "data": [{"object": "model", **item} for item in items]}


OLLAMA: Pages = {
    "/": page("Ollama is running"),
    "/api/tags": page(
        {
            "models": [
                {
                    "name": "gemma3:latest",
                    "model": "gemma3:latest",
                    "modified_at": "2025-10-03T23:34:03.409490317-07:00",
                    "size": 3338801804,
                    "digest": "a2af6cc3eb7f",
                    "details": {"format": "gguf", "family": "gemma", "families": ["gemma"], "parameter_size": "4.3B"},
                },
                {"name": "nomic-embed-text:latest", "modified_at": "2025-09-01T08:00:00Z", "size": 1},
            ]
        }
    ),
    "/v1/models": page(listing({"id": "gemma3:latest", "created": 1759559643, "owned_by": "library"})),
    "/api/show": page({"details": {"format": "gguf"}, "capabilities": ["completion", "vision"]}),
}

LLAMACPP_META = {"vocab_type": 2, "n_vocab": 128256, "n_ctx_train": 131072, "n_embd": 4096, "size": 4912898304}
LLAMACPP: Pages = {
    "/": page("<!doctype html><title>llama.cpp</title>", server="llama.cpp"),
    "/api/tags": page({"models": [{"name": "qwen3", "model": "qwen3", "type": "model"}]}, server="llama.cpp"),
    "/v1/models": page(
        {
            "models": [{"name": "qwen3", "model": "qwen3"}],
            **listing({"id": "qwen3", "created": 1763730000, "owned_by": "llamacpp", "meta": LLAMACPP_META}),
        },
        server="llama.cpp",
    ),
    "/props": page({"total_slots": 4, "modalities": {"vision": True, "audio": False}}, server="llama.cpp"),
}

VLLM: Pages = {
    "/version": page({"version": "0.11.2"}),
    "/v1/models": page(
        listing(
            {
                "id": "Qwen/Qwen3-8B",
                "created": 1763730000,
                "owned_by": "vllm",
                "root": "Qwen/Qwen3-8B",
                "parent": None,
                "max_model_len": 40960,
                "permission": [{"id": "modelperm-1", "object": "model_permission", "allow_sampling": True}],
            }
        ),
        server="uvicorn",
    ),
}

LMSTUDIO: Pages = {
    "/api/v0/models": page(
        listing(
            {
                "id": "qwen2-vl-7b-instruct",
                "type": "vlm",
                "publisher": "mlx-community",
                "arch": "qwen2_vl",
                "compatibility_type": "mlx",
                "quantization": "4bit",
                "state": "not-loaded",
                "capabilities": ["tool_use"],
                "max_context_length": 32768,
            },
            {
                "id": "text-embedding-nomic-embed-text-v1.5",
                "type": "embeddings",
                "compatibility_type": "gguf",
                "state": "loaded",
                "max_context_length": 2048,
            },
        )
    ),
    "/v1/models": page(listing({"id": "qwen2-vl-7b-instruct", "owned_by": "organization_owner"})),
}

GATEWAY: Pages = {
    "/v1/models": page(
        {
            **listing({"id": "Qwen/Qwen3-8B", "created": 0, "owned_by": "vllm", "type": "model", "display_name": "Q"}),
            "has_more": False,
            "first_id": "Qwen/Qwen3-8B",
            "last_id": "Qwen/Qwen3-8B",
        }
    ),
}
"""Another gateway like this one, which says of its models who serves them."""

STRANGER: Pages = {path: page("<html>It works!</html>") for path in ("/", "/api/tags", "/v1/models", "/api/v0/models")}

NOT_FOUND = page({"error": "not found"}, 404)


def look(pages: Pages, paths: tuple[str, ...]) -> tuple[Seen, ...]:
    """What a look at those paths of a server sees."""
    return tuple(pages.get(path, NOT_FOUND) for path in paths)


class Server:
    """A script that answers with pages and notes what was asked."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.heads: list[str] = []

    async def __call__(self, line: Line) -> None:
        while True:
            head, _ = await line.hear()
            self.heads.append(head)
            said = self._pages.get(head.split(" ")[1], NOT_FOUND)
            headers = [f"{name}: {value}" for name, value in said.headers.items()]
            await line.say(answer(said.body, *headers, status=f"{said.status} Said"))
