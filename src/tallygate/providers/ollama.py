"""Ollama on this machine (docs.ollama.com/api/openai-compatibility, docs.ollama.com/api/tags).

Its OpenAI face heeds `max_tokens` and silently ignores `max_completion_tokens` (github.com/ollama/ollama/issues/7125).
"""

from datetime import datetime

from msgspec import DecodeError, Struct, json

from tallygate.genai.catalog import Offer
from tallygate.providers.base import EMBEDS, Engine, Provider, Seen, Sighting
from tallygate.providers.listing import MODELS_MAX


class _Tag(Struct, frozen=True):
    name: str
    modified_at: datetime | None = None


class _Tags(Struct, frozen=True):
    models: tuple[_Tag, ...] | None = None


def recognise(seen: tuple[Seen, ...]) -> Sighting | None:
    """Its greeting at ``/`` is its name; other servers imitate ``/api/tags``, none of them that."""
    greeting, tags = seen
    if b"Ollama is running" not in greeting.body or tags.status != 200:
        return None
    try:
        models = json.decode(tags.body, type=_Tags).models or ()
    except (DecodeError, RecursionError):
        return None
    return Sighting(tuple(_offer(tag) for tag in models[:MODELS_MAX]))


def _offer(tag: _Tag) -> Offer:
    return Offer("ollama", tag.name, created_s=int(tag.modified_at.timestamp()) if tag.modified_at else 0)


ROW = Provider(
    name="ollama",
    title="Ollama",
    base_url="http://127.0.0.1:11434",
    # ollama.com/search?c=embedding; its list of models does not say what they are for.
    serves=dict.fromkeys(("*embed*", "all-minilm*", "bge-*", "paraphrase-multilingual*"), EMBEDS),
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    engine=Engine(port=11434, paths=("/", "/api/tags"), recognise=recognise, host_env="OLLAMA_HOST"),
)
