"""Google's Gemini API through its OpenAI face (ai.google.dev/gemini-api/docs/openai).

That face reports usage as running totals in the chunks of a stream, and refuses unknown request fields.
"""

from tallygate.genai.catalog import Capabilities
from tallygate.genai.ceilings import Reach
from tallygate.providers.base import CHATS, EMBEDS, Provider

# ai.google.dev/gemini-api/docs/models and the page of each model there; for 2.5 Flash
# docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/2-5-flash. November 2026.
_FLASH = Reach(context_tokens=1_048_576, output_tokens_max=65_536)

ROW = Provider(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com",
    speaks={
        "openai_chat": "/v1beta/openai/chat/completions",
        "openai_embeddings": "/v1beta/openai/embeddings",
    },
    # The SDK takes either name (ai.google.dev/gemini-api/docs/api-key).
    key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    # ai.google.dev/gemini-api/docs/models, November 2026.
    models=(
        *("gemini-3.6-flash", "gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"),
        "gemini-embedding-001",
    ),
    serves={"*embedding*": EMBEDS, "gemini-*": CHATS, "gemma-*": CHATS},
    claims=("gemini-*", "gemma-*"),
    reaches={
        **dict.fromkeys(("gemini-3.6-flash", "gemini-3.5-flash-lite", "gemini-3.1-flash-lite*"), _FLASH),
        "gemini-2.5-flash": Reach(context_tokens=1_048_576, output_tokens_max=65_535),
        **dict.fromkeys(
            ("gemini-2.0-flash", "gemini-2.0-flash-lite"), Reach(context_tokens=1_048_576, output_tokens_max=8_192)
        ),
    },
    # The same pages, and ai.google.dev/gemini-api/docs/openai for what that face takes.
    capabilities={
        "gemini-2.0-*": Capabilities(reasoning=False),
        **dict.fromkeys(("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3*"), Capabilities(reasoning=True)),
        "gemini-[1-9]*": Capabilities(vision=True, audio=True, tools=True, json_mode=True, json_schema=True),
    },
)
