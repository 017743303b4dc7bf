"""OpenAI (developers.openai.com/api/reference/chat-completions). It never needs a base URL from the environment:
`OPENAI_BASE_URL` on this machine points clients at this gateway.
"""

from tallygate.genai.ceilings import Reach
from tallygate.providers.base import Provider

# developers.openai.com/api/docs/models/gpt-6-sol (gpt-6.2-sol, gpt-5.6-luna, gpt-4); the others, which Microsoft sells
# too, learn.microsoft.com/azure/foundry/foundry-models/concepts/models-sold-directly-by-azure. November 2026.
_VAST = Reach(context_tokens=1_050_000, output_tokens_max=128_000)
_WIDE = Reach(context_tokens=400_000, output_tokens_max=128_000)
_CHAT = Reach(context_tokens=128_000, output_tokens_max=16_384)
_THINKING = Reach(context_tokens=200_000, output_tokens_max=100_000)

ROW = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com",
    # The first is what calls of other dialects are written in.
    speaks={"openai_chat": "/v1/chat/completions", "openai_responses": "/v1/responses"},
    key_env=("OPENAI_API_KEY",),
    # Reasoning models refuse `max_tokens`.
    output_cap_key="max_completion_tokens",
    # developers.openai.com/api/docs/models, November 2026.
    models=("gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-luna", "gpt-5.5", "gpt-5.4-mini", "gpt-4.1-mini"),
    claims=("gpt-*", "chatgpt-*", "chat-latest", "o1*", "o3*", "o4*", "codex-*", "ft:*", "text-embedding-3-*"),
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
)
