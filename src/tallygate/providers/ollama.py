"""Ollama on this machine (docs.ollama.com/api: openai-compatibility, tags, show).

Its OpenAI face heeds `max_tokens` and silently ignores `max_completion_tokens` (github.com/ollama/ollama/issues/7125).
"""

from datetime import datetime

from msgspec import DecodeError, Struct, json, structs

from tallygate.genai.catalog import Capabilities, Offer
from tallygate.providers.base import CHATS, EMBEDS, Engine, Inquiry, Provider, Seen, Sighting
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


class _Shown(Struct, frozen=True):
    capabilities: tuple[str, ...] = ()


def ask(offer: Offer) -> bytes:
    """The question what a model can do."""
    return json.encode({"model": offer.model})


def learn(offer: Offer, seen: Seen) -> Offer:
    """What Ollama says a model can do. Its word for models that chat is `completion`; older releases say nothing."""
    try:
        said = frozenset(json.decode(seen.body, type=_Shown).capabilities)
    except (DecodeError, RecursionError):
        return offer
    if seen.status != 200 or not said:
        return offer
    if "completion" not in said:
        return structs.replace(offer, operations=EMBEDS) if "embedding" in said else offer
    able = Capabilities(
        vision="vision" in said, audio="audio" in said or None, tools="tools" in said, reasoning="thinking" in said
    )
    return structs.replace(offer, capabilities=able, operations=CHATS)


ROW = Provider(
    name="ollama",
    title="Ollama",
    base_url="http://127.0.0.1:11434",
    # ollama.com/search?c=embedding; older releases do not say what a model is for.
    serves=dict.fromkeys(("*embed*", "all-minilm*", "bge-*", "paraphrase-multilingual*"), EMBEDS),
    speaks={"openai_chat": "/v1/chat/completions", "openai_embeddings": "/v1/embeddings"},
    auth="none",
    # Any model answers by a grammar (docs.ollama.com/capabilities/structured-outputs).
    capabilities={"*": Capabilities(json_mode=True, json_schema=True)},
    engine=Engine(
        port=11434,
        paths=("/", "/api/tags"),
        recognise=recognise,
        host_env="OLLAMA_HOST",
        inquiry=Inquiry("/api/show", ask, learn),
    ),
)
