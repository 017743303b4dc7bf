"""OpenRouter (openrouter.ai/docs/api-reference/overview).

Its models are named ``vendor/model``, and it always sends usage.
"""

from tallygate.genai.caching import KEY, MARK
from tallygate.providers.base import EMBEDS, Provider

ROW = Provider(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai",
    # openrouter.ai/docs/api-reference/embeddings
    speaks={"openai_chat": "/api/v1/chat/completions", "openai_embeddings": "/api/v1/embeddings"},
    # openrouter.ai/docs/features/prompt-caching: marks on texts, for the vendors that have them.
    cache_hints=frozenset((MARK, KEY)),
    key_env=("OPENROUTER_API_KEY",),
    models=("openrouter/auto",),
    serves={"*embed*": EMBEDS},
    # openrouter.ai/models, November 2026. The vendors are named one by one: a pattern for anything with a slash would
    # send every mistyped name there.
    claims=(
        "anthropic/*", "deepseek/*", "google/*", "meta-llama/*", "minimax/*", "mistralai/*", "moonshotai/*", "nvidia/*",
        "openai/*", "qwen/*", "x-ai/*", "z-ai/*",
    ),
)  # fmt: skip
