"""OpenAI (developers.openai.com/api/reference/chat-completions). It never needs a base URL from the environment:
`OPENAI_BASE_URL` on this machine points clients at this gateway.
"""

from tallygate.providers.base import Provider

ROW = Provider(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com",
    speaks={"openai_chat": "/v1/chat/completions"},
    key_env=("OPENAI_API_KEY",),
    # Reasoning models refuse `max_tokens`.
    output_cap_key="max_completion_tokens",
    # developers.openai.com/api/docs/models, November 2026.
    models=("gpt-6-sol", "gpt-6-luna", "gpt-5.6-sol", "gpt-5.6-luna", "gpt-5.5", "gpt-5.4-mini", "gpt-4.1-mini"),
    claims=("gpt-*", "chatgpt-*", "chat-latest", "o1*", "o3*", "o4*", "codex-*", "ft:*", "text-embedding-3-*"),
)
