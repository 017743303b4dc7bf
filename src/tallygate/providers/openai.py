"""OpenAI (developers.openai.com/api/reference/chat-completions). It never needs a base URL from the environment:
`OPENAI_BASE_URL` on this machine points clients at this gateway.
"""

from msgspec.structs import replace

from tallygate.genai.caching import KEY, RETENTION
from tallygate.genai.catalog import Capabilities
from tallygate.genai.ceilings import Reach
from tallygate.providers.base import CHATS, EMBEDS, Provider

# developers.openai.com/api/docs/models/gpt-6-sol (gpt-6.2-sol, gpt-5.6-luna, gpt-4); the others, which Microsoft sells
# too, learn.microsoft.com/azure/foundry/foundry-models/concepts/models-sold-directly-by-azure. November 2026.
_VAST = Reach(context_tokens=1_050_000, output_tokens_max=128_000)
_WIDE = Reach(context_tokens=400_000, output_tokens_max=128_000)
_CHAT = Reach(context_tokens=128_000, output_tokens_max=16_384)
_THINKING = Reach(context_tokens=200_000, output_tokens_max=100_000)

# The same pages, and developers.openai.com/api/docs/guides: images-vision, pdf-files, audio, structured-outputs.
# What is not said of a name is not known: a newer model may have it.
_SEES = Capabilities(vision=True, pdf=True, tools=True, json_mode=True, json_schema=True)
_CHATS = replace(_SEES, audio=False, reasoning=False)
_THINKS = replace(_SEES, audio=False, reasoning=True)
_READS = Capabilities(vision=False, audio=False, pdf=False, tools=True, reasoning=False)

ROW = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com",
    # The first is what calls of other dialects are written in.
    speaks={
        "openai_chat": "/v1/chat/completions",
        "openai_responses": "/v1/responses",
        "openai_embeddings": "/v1/embeddings",
    },
    key_env=("OPENAI_API_KEY",),
    cache_hints=frozenset((KEY, RETENTION)),
    # Reasoning models refuse `max_tokens`.
    output_cap_key="max_completion_tokens",
    # developers.openai.com/api/docs/models, November 2026.
    models=(
        *("gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-luna", "gpt-5.5", "gpt-5.4-mini", "gpt-4.1-mini"),
        *("text-embedding-3-small", "text-embedding-3-large"),
    ),
    serves={
        "text-embedding-*": EMBEDS,
        **dict.fromkeys(("gpt-*", "chatgpt-*", "chat-latest", "o1*", "o3*", "o4*", "codex-*"), CHATS),
    },
    claims=("gpt-*", "chatgpt-*", "chat-latest", "o1*", "o3*", "o4*", "codex-*", "ft:*", "text-embedding-*"),
    reaches={
        **dict.fromkeys(("gpt-6-sol", "gpt-6.2-sol", "gpt-5.6-luna", "gpt-5.5", "gpt-5.5-20*"), _VAST),
        **dict.fromkeys(("gpt-5.4", "gpt-5.4-20*"), _VAST),
        **dict.fromkeys(("gpt-5*-chat*", "chat-latest", "gpt-4o", "gpt-4o-mini", "gpt-4o-mini-20*"), _CHAT),
        **dict.fromkeys(("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"), _CHAT),
        **dict.fromkeys(("gpt-5.4-mini*", "gpt-5.4-nano*", "gpt-5.2", "gpt-5.2-20*", "gpt-5.1", "gpt-5.1-20*"), _WIDE),
        **dict.fromkeys(("gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*"), _WIDE),
        "gpt-4.1*": Reach(context_tokens=1_047_576, output_tokens_max=32_768),
        **dict.fromkeys(("o1", "o1-20*", "o3", "o3-20*", "o3-mini*", "o4-mini", "o4-mini-20*"), _THINKING),
        **dict.fromkeys(("gpt-4", "gpt-4-0613"), Reach(context_tokens=8_192, output_tokens_max=8_192)),
    },
    capabilities={
        **dict.fromkeys(("gpt-*-audio*", "gpt-audio*"), Capabilities(vision=False, audio=True)),
        "gpt-4o-2024-05-13": replace(_CHATS, json_schema=False),
        **dict.fromkeys(("gpt-4o", "gpt-4o-mini", "gpt-4o-20*", "gpt-4o-mini-20*", "gpt-4.1*"), _CHATS),
        "gpt-4-turbo*": replace(_CHATS, pdf=None, json_schema=False),
        **dict.fromkeys(("gpt-4", "gpt-4-0613"), replace(_READS, json_mode=False, json_schema=False)),
        "gpt-3.5-turbo*": replace(_READS, json_schema=False),
        "gpt-5*-chat*": Capabilities(vision=True),
        **dict.fromkeys(("gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*", "gpt-5.1", "gpt-5.2"), _THINKS),
        **dict.fromkeys(("gpt-5*", "gpt-6*"), replace(_SEES, reasoning=True)),
        **dict.fromkeys(("o1", "o1-20*", "o3", "o3-20*", "o4-mini", "o4-mini-20*"), _THINKS),
        "o3-mini*": replace(_THINKS, vision=False, pdf=None),
    },
)
