"""Google's Gemini API through its OpenAI face (ai.google.dev/gemini-api/docs/openai).

That face reports usage as running totals in the chunks of a stream, and refuses unknown request fields.
"""

from tallygate.providers.base import Provider

ROW = Provider(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com",
    speaks={"openai_chat": "/v1beta/openai/chat/completions"},
    # The SDK takes either name (ai.google.dev/gemini-api/docs/api-key).
    key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    # ai.google.dev/gemini-api/docs/models, November 2026.
    models=("gemini-3.6-flash", "gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"),
    claims=("gemini-*", "gemma-*"),
)
